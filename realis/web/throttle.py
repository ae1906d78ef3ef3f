"""Slows down guessing: after a few failures a name or an address has to wait. In memory and bounded.

It never locks anybody out for good: an operator must get in during an attack, too.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from realis.ports.clock import Clock

FREE_PER_NAME = 5
FREE_PER_ADDRESS = 20
MAX_DELAY_S = timedelta(seconds=60)
FORGET_AFTER_S = timedelta(minutes=15)
_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: datetime


class Throttle:
    """Counts failures per key. Waiting grows 1, 2, 4 … 60 s; refused attempts do not lengthen it."""

    def __init__(self, clock: Clock, *, kept: int = _MAX_ENTRIES) -> None:
        self._clock = clock
        self._kept = kept
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, key: str, free: int) -> timedelta:
        """How long this key must wait before its next attempt; zero if it may try now."""
        failures = self._recent(key)
        if failures is None or failures.count < free:
            return timedelta()
        penalty = min(MAX_DELAY_S, timedelta(seconds=2 ** min(failures.count - free, 10)))
        return max(timedelta(), failures.last + penalty - self._clock.now())

    def failed(self, key: str) -> None:
        """Note a failure; the oldest key is forgotten when there are too many."""
        recent = self._recent(key)
        self._failures[key] = _Failures(recent.count + 1 if recent else 1, self._clock.now())
        self._failures.move_to_end(key)
        while len(self._failures) > self._kept:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the key's failures."""
        self._failures.pop(key, None)

    def _recent(self, key: str) -> _Failures | None:
        failures = self._failures.get(key)
        if failures is None or self._clock.now() - failures.last > FORGET_AFTER_S:
            return None
        return failures
