"""A breaker for each origin: a service that fails again and again is left alone for a while, then tried once.

Pure arithmetic; no clock of its own. It decides only when the next batch may start, never what becomes of a target.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from realis.delivery import Accepted, Failed, FailureKind, Outcome
from realis.retry import LONGEST_RETRY_AFTER_S

OPENS_AFTER = 8
"""Failures of the service in a row, with nothing taken in between."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0

MOST_ORIGINS = 10_000
"""Origins remembered; a stranger's server costs an entry only while it fails."""

_OF_THE_SERVICE = frozenset(
    {FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE, FailureKind.TIMEOUT, FailureKind.UNKNOWN}
)


@dataclass(slots=True)
class _Trouble:
    """What is held against an origin. Closed while ``until`` is None, then open until then, then half open."""

    row: int = 0
    pauses: int = 0
    until: datetime | None = None


class Breaker:
    """One channel's origins."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}

    def shut(self, now: datetime, busy: Iterable[str]) -> frozenset[str]:
        """Origins no batch may be started for now.

        Args:
            busy: origins that are being sent to: one that is half open gets a single batch to prove itself.
        """
        sending = frozenset(busy)
        return frozenset(
            origin
            for origin, trouble in self._troubles.items()
            if trouble.until is not None and (now < trouble.until or origin in sending)
        )

    def note(self, origin: str, outcomes: Iterable[Outcome], now: datetime) -> float | None:
        """Learn from a batch.

        Returns:
            Seconds the origin is left alone from now on, if this batch was the reason.
        """
        failures, wished_s, worked = 0, 0.0, False
        for outcome in outcomes:
            if isinstance(outcome, Accepted):
                worked = True
                break
            failures += _is_of_the_service(outcome)
            wished_s = max(wished_s, outcome.retry_after_s or 0.0)
        if worked:
            self._troubles.pop(origin, None)
        return None if worked or not failures else self._failed(origin, failures, wished_s, now)

    def _failed(self, origin: str, failures: int, wished_s: float, now: datetime) -> float | None:
        if origin not in self._troubles and len(self._troubles) >= MOST_ORIGINS:
            self._troubles.clear()
        trouble = self._troubles.setdefault(origin, _Trouble())
        trouble.row += failures
        if trouble.row < OPENS_AFTER:
            return None
        doubled_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(trouble.pauses, 10))
        pause_s: float = max(doubled_s, min(wished_s, LONGEST_RETRY_AFTER_S))
        trouble.pauses += 1
        trouble.until = now + timedelta(seconds=pause_s)
        return pause_s


def _is_of_the_service(outcome: Failed) -> bool:
    return outcome.kind in _OF_THE_SERVICE
