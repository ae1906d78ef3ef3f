"""What a missing answer and a wish to wait mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from realis.egress.failures import Blocked, EgressError, MaybeSent, NotSent, failed, http_date, retry_after_s
from realis.model.delivery import Failed, FailureKind

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Blocked("so nicht"), Failed(FailureKind.AUTH, "Fax ist gesperrt: so nicht")),
        (NotSent("besetzt"), Failed(FailureKind.UNAVAILABLE, "Fax nicht erreicht: besetzt")),
        (NotSent("zu langsam", timed_out=True), Failed(FailureKind.TIMEOUT, "Fax nicht erreicht: zu langsam")),
        (MaybeSent("abgerissen"), Failed(FailureKind.UNKNOWN, "Fax ohne Antwort: abgerissen")),
    ],
)
def test_each_error_has_its_outcome(error: EgressError, outcome: Failed) -> None:
    """What was sent or may have been sent decides, and the service is named."""
    assert failed(error, "Fax") == outcome


def test_a_channel_says_what_being_blocked_and_lost_means_for_it() -> None:
    """One address that is refused holds no channel; a repeat that cannot double is worth another try."""
    assert failed(Blocked("x"), "Fax", blocked=FailureKind.REJECTED).kind is FailureKind.REJECTED
    assert failed(MaybeSent("x"), "Fax", lost=FailureKind.UNAVAILABLE).kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 10:02:00 GMT", 120.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("Sunday, 22-Nov-26 10:02:00 GMT", 120.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("²", None),
        ("Mon, 01 Jan 99999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
    ],
)
def test_both_forms_of_retry_after_are_read(value: str, seconds: float | None) -> None:
    """Seconds and HTTP date; nonsense is no wish at all."""
    assert retry_after_s(value, NOW) == seconds


def test_a_date_needs_one_to_be_measured_against() -> None:
    """Without it only seconds can be read."""
    assert retry_after_s("Sun, 22 Nov 2026 10:02:00 GMT", None) is None
    assert retry_after_s("7", None) == 7.0
    assert http_date("Sun, 22 Nov 2026 10:00:00 GMT") == NOW
    assert http_date("gestern") is None
