"""A breaker for each origin: a service that fails again and again is left alone for a while, then tried once.

Pure arithmetic; no clock of its own. It decides only when the next batch may start, never what becomes of a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from realis.model.delivery import FAILING_AFTER, OF_THE_SERVICE, Accepted, Failed, Outcome
from realis.policy.retry import LONGEST_DELAY_S

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0

MAX_ORIGINS = 10_000
"""Origins remembered; a stranger's server costs an entry only while it fails."""


@dataclass(slots=True)
class _Trouble:
    """What is held against an origin. Closed while ``until`` is None, then open until then, then half open."""

    row: int = 0
    pauses: int = 0
    until: datetime | None = None


class CircuitBreaker:
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
        failures: list[Failed] = []
        for outcome in outcomes:
            if isinstance(outcome, Accepted):
                self._troubles.pop(origin, None)
                return None
            if outcome.kind in OF_THE_SERVICE:
                failures.append(outcome)
        return self._failed(origin, failures, now) if failures else None

    def _failed(self, origin: str, failures: Sequence[Failed], now: datetime) -> float | None:
        if origin not in self._troubles and len(self._troubles) >= MAX_ORIGINS:
            self._troubles.clear()
        trouble = self._troubles.setdefault(origin, _Trouble())
        trouble.row += len(failures)
        if trouble.row < FAILING_AFTER:
            return None
        doubled_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(trouble.pauses, 10))
        # Minutes at most: a graver warning may come meanwhile. The least of the wishes: hosts that share an origin must
        # not be able to silence one another.
        wished_s = min(failure.retry_after_s or 0.0 for failure in failures)
        pause_s: float = max(doubled_s, min(wished_s, LONGEST_DELAY_S))
        trouble.pauses += 1
        trouble.until = now + timedelta(seconds=pause_s)
        return pause_s
