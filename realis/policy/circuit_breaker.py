"""A circuit breaker for each origin: after repeated failures no batch is sent to it for a pause, then one on trial.

Pure arithmetic; the time is a parameter. It decides only when the next batch may start, never a target's outcome.
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
"""Bound of the table of failing origins, which include any server named in a subscription; full, it is cleared."""


@dataclass(slots=True)
class _Trouble:
    """State of one origin's breaker. Closed while ``until`` is None, then open until then, then half open."""

    row: int = 0
    pauses: int = 0
    until: datetime | None = None


class CircuitBreaker:
    """The breakers of one channel's origins."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}

    def shut(self, now: datetime, busy: Iterable[str]) -> frozenset[str]:
        """Return the origins for which no batch may be started now.

        Args:
            busy: origins with a batch in flight; a half-open breaker admits a single batch on trial.
        """
        sending = frozenset(busy)
        return frozenset(
            origin
            for origin, trouble in self._troubles.items()
            if trouble.until is not None and (now < trouble.until or origin in sending)
        )

    def note(self, origin: str, outcomes: Iterable[Outcome], now: datetime) -> float | None:
        """Record the outcomes of a batch; any accepted target closes the breaker.

        Returns:
            Seconds for which the origin is paused from now on, if this batch opened its breaker; else None.
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
        # At most five minutes, because a graver warning may be issued meanwhile. The smallest Retry-After of the batch:
        # a host must not be able to block others that share its origin.
        wished_s = min(failure.retry_after_s or 0.0 for failure in failures)
        pause_s: float = max(doubled_s, min(wished_s, LONGEST_DELAY_S))
        trouble.pauses += 1
        trouble.until = now + timedelta(seconds=pause_s)
        return pause_s
