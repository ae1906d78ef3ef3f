"""Guessing gets slower, memory stays bounded, nobody is locked out for good."""

from __future__ import annotations

from datetime import timedelta

from realis.web.throttle import FORGET_AFTER_S, MAX_DELAY_S, Throttle
from tests.support.desk import MovableClock


def test_waiting_grows_to_a_minute_and_no_further() -> None:
    """Nothing at first, then 1, 2, 4 … seconds, never more than a minute."""
    clock = MovableClock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(12):
        throttle.failed("name:anna")
        waits.append(throttle.wait("name:anna", free=3).total_seconds())
    assert waits[:6] == [0, 0, 1, 2, 4, 8]
    assert waits[-1] == MAX_DELAY_S.total_seconds()
    clock.forward(seconds=60)
    assert throttle.wait("name:anna", free=3) == timedelta()


def test_failures_are_forgotten() -> None:
    """After a quiet quarter of an hour, or a success, counting starts anew."""
    clock = MovableClock()
    throttle = Throttle(clock)
    for _ in range(9):
        throttle.failed("a")
        throttle.failed("b")
    throttle.succeeded("a")
    assert throttle.wait("a", free=1) == timedelta()
    clock.forward(seconds=FORGET_AFTER_S.total_seconds() + 1)
    throttle.failed("b")
    assert throttle.wait("b", free=2) == timedelta()


def test_memory_is_bounded() -> None:
    """A flood of made-up names pushes out the oldest and grows no further."""
    throttle = Throttle(MovableClock(), kept=3)
    for number in range(10):
        throttle.failed(str(number))
    assert throttle.wait("0", free=1) == timedelta()
    assert throttle.wait("9", free=1) > timedelta()
