"""When a batch stops knocking."""

from __future__ import annotations

from channels.webpush.batch_breaker import BatchBreaker
from realis.model.delivery import FAILING_AFTER, Accepted, Failed, FailureKind

RATE = Failed(FailureKind.RATE_LIMITED, "Pause", retry_after_s=5.0)
GONE = Failed(FailureKind.GONE, "weg")


def test_the_brake_holds_after_a_row_of_service_failures() -> None:
    """The rest of the batch gets the same wish to wait without being sent."""
    brake = BatchBreaker()
    for _ in range(FAILING_AFTER):
        assert brake.held is None
        brake.note(RATE)
    assert brake.held == Failed(FailureKind.RATE_LIMITED, "nicht versucht: Pause", retry_after_s=5.0)


def test_the_brake_lets_go_when_the_service_answers() -> None:
    """Success or a gone phone shows that the service works; phones' failures never count."""
    brake = BatchBreaker()
    for outcome in [RATE] * (FAILING_AFTER - 1) + [GONE] * 50 + [RATE] * (FAILING_AFTER - 1) + [Accepted()]:
        brake.note(outcome)
        assert brake.held is None


def test_what_was_never_sent_is_not_unknown() -> None:
    """After a row of unknowns, the rest is a time-out: it may be repeated without fear."""
    brake = BatchBreaker()
    for _ in range(FAILING_AFTER):
        brake.note(Failed(FailureKind.UNKNOWN, "keine Antwort"))
    assert brake.held is not None
    assert brake.held.kind is FailureKind.TIMEOUT
