"""What a push service's answer means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.webpush.responses import for_this_target_only, outcome_of
from realis.model.delivery import Accepted, Failed, FailureKind
from tests.unit.channels.webpush.samples import NOW


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_taken_is_accepted(status: int) -> None:
    """The four successes of RFC 8030 and its bridges."""
    assert outcome_of(status, "", NOW) == Accepted()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, FailureKind.REJECTED),
        (307, FailureKind.REJECTED),
        (400, FailureKind.REJECTED),
        (401, FailureKind.AUTH),
        (403, FailureKind.AUTH),
        (404, FailureKind.GONE),
        (405, FailureKind.REJECTED),
        (408, FailureKind.UNAVAILABLE),
        (410, FailureKind.GONE),
        (413, FailureKind.TOO_LARGE),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
        (503, FailureKind.UNAVAILABLE),
        (207, FailureKind.UNKNOWN),
    ],
)
def test_each_refusal_has_its_kind(status: int, kind: FailureKind) -> None:
    """The closed list; the operator sees the number."""
    outcome = outcome_of(status, "", NOW)
    assert isinstance(outcome, Failed)
    assert outcome.kind is kind
    assert str(status) in outcome.detail
    assert "\n" not in outcome.detail


def test_a_wish_to_wait_comes_with_429_and_503_only() -> None:
    """A gone phone has nothing to wait for."""
    for status, expected in ((429, 7.0), (503, 7.0), (410, None)):
        outcome = outcome_of(status, "7", NOW + timedelta(seconds=1))
        assert isinstance(outcome, Failed)
        assert outcome.retry_after_s == expected


def test_a_denial_for_one_target_keeps_its_words() -> None:
    """It becomes a rejection; everything else stays as it is."""
    denied = Failed(FailureKind.AUTH, "nein (403)")
    assert for_this_target_only(denied) == Failed(FailureKind.REJECTED, "nein (403)")
    assert for_this_target_only(Accepted()) == Accepted()
    assert for_this_target_only(Failed(FailureKind.GONE)) == Failed(FailureKind.GONE)
