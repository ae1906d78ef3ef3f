"""What follows from an outcome: done, again at a time, or given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from realis.model.alert import Level
from realis.model.delivery import Accepted, Failed, FailureKind, State
from realis.policy.retry import Again, Attempt, Final, decide, delay_s

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
ATTEMPT = Attempt(1, NOW, NOW + timedelta(hours=1), Level.DANGER, 0.5)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (FailureKind.GONE, State.GONE),
        (FailureKind.REJECTED, State.REJECTED),
        (FailureKind.TOO_LARGE, State.REJECTED),
    ],
)
def test_some_failures_are_final(kind: FailureKind, state: State) -> None:
    """Gone and rejected are not tried again, however early it is."""
    assert decide(Failed(kind), ATTEMPT) == Final(state)


@pytest.mark.parametrize("kind", [FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE, FailureKind.TIMEOUT])
def test_passing_failures_are_tried_again_until_the_deadline(kind: FailureKind) -> None:
    """They come back in time, and end as expired when the next try would be too late."""
    again = decide(Failed(kind), ATTEMPT)
    assert isinstance(again, Again)
    assert NOW < again.due < ATTEMPT.deadline
    assert decide(Failed(kind), replace(ATTEMPT, deadline=NOW + timedelta(seconds=1))) == Final(State.EXPIRED)


def test_a_possible_duplicate_is_repeated_only_where_silence_is_worse() -> None:
    """After a time-out behind the send: again at levels 1 and 2, unknown at level 3."""
    for level in (Level.EXTREME, Level.DANGER):
        assert isinstance(decide(Failed(FailureKind.UNKNOWN), replace(ATTEMPT, level=level)), Again)
    quiet = replace(ATTEMPT, level=Level.INFORMATION)
    assert decide(Failed(FailureKind.UNKNOWN), quiet) == Final(State.UNKNOWN)


def test_wrong_credentials_hold_the_target() -> None:
    """401 and 403 wait for the operator instead of ending anything."""
    assert decide(Failed(FailureKind.AUTH), ATTEMPT) == Again(NOW, held=True)


def test_accepted_is_accepted_even_after_the_deadline() -> None:
    """What a service took is never called expired."""
    assert decide(Accepted(), replace(ATTEMPT, deadline=NOW)) == Final(State.ACCEPTED)


@pytest.mark.parametrize("wish", [-5.0, float("nan"), 0.0])
def test_a_senseless_wish_is_ignored(wish: float) -> None:
    """A negative or unreadable Retry-After counts as none."""
    assert decide(Failed(FailureKind.RATE_LIMITED, "", wish), ATTEMPT) == decide(
        Failed(FailureKind.RATE_LIMITED), ATTEMPT
    )


def test_the_services_wish_is_honoured_within_an_hour() -> None:
    """Retry-After is waited out; a day is cut to an hour, so that a warning is not put off till tomorrow."""
    again = decide(Failed(FailureKind.RATE_LIMITED, "", 90.0), ATTEMPT)
    assert isinstance(again, Again)
    assert again.due >= NOW + timedelta(seconds=90)
    long = decide(Failed(FailureKind.RATE_LIMITED, "", 86400.0), replace(ATTEMPT, deadline=NOW + timedelta(days=2)))
    assert isinstance(long, Again)
    assert long.due <= NOW + timedelta(seconds=3601)


def test_delays_double_to_five_minutes() -> None:
    """2, 4, 8 … 300 seconds, at most halved by jitter."""
    assert [delay_s(number, 1.0) for number in (1, 2, 3, 9, 1000)] == [2.0, 4.0, 8.0, 300.0, 300.0]
    assert delay_s(1, 0.0) == 1.0


def test_an_ending_is_repeated_at_every_level() -> None:
    """Whoever may not have heard that it is over is told again, also at level 3."""
    lost = Failed(FailureKind.UNKNOWN)
    mild = replace(ATTEMPT, level=Level.INFORMATION)
    assert decide(lost, mild) == Final(State.UNKNOWN)
    assert isinstance(decide(lost, replace(mild, ending=True)), Again)
