"""The decision after an outcome: final, retried at a time, or expired. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from realis.model.alert import Level
from realis.model.delivery import Accepted, FailureKind, Outcome, State

FIRST_DELAY_S = 2.0
LONGEST_DELAY_S = 300.0
LONGEST_RETRY_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Final:
    """The target's terminal state for this dispatch."""

    state: State


@dataclass(frozen=True, slots=True)
class Again:
    """Retry this target at ``due``; ``held`` while the whole channel is on hold."""

    due: datetime
    held: bool = False


Decision = Final | Again

_FINAL = {
    FailureKind.GONE: State.GONE,
    FailureKind.REJECTED: State.REJECTED,
    FailureKind.TOO_LARGE: State.REJECTED,
}


def delay_s(attempt: int, jitter: float) -> float:
    """Seconds before the next try: doubling from 2 s to 5 min, spread by ``jitter`` in [0, 1)."""
    ceiling: float = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** max(0, min(attempt - 1, 20)))
    return ceiling * (0.5 + jitter / 2)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The circumstances of one attempt. ``number`` counts from 1; ``jitter`` in [0, 1) is given by the caller.

    ``ending`` is True for an Entwarnung, a Fehlalarm and an expiry.
    """

    number: int
    now: datetime
    deadline: datetime
    level: Level
    jitter: float
    ending: bool = False


def decide(outcome: Outcome, attempt: Attempt) -> Decision:
    """Return the state or the retry that follows from the outcome of one attempt.

    A possible duplicate (``UNKNOWN``) is repeated at levels 1 and 2, and for every ending, because a missing message
    is worse there than a repeated one: every target that was warned gets the ending.
    """
    if isinstance(outcome, Accepted):
        return Final(State.ACCEPTED)
    if outcome.kind in _FINAL:
        return Final(_FINAL[outcome.kind])
    if outcome.kind is FailureKind.AUTH:
        return Again(attempt.now, held=True)
    if outcome.kind is FailureKind.UNKNOWN and attempt.level is Level.INFORMATION and not attempt.ending:
        return Final(State.UNKNOWN)
    wait_s = delay_s(attempt.number, attempt.jitter)
    if outcome.retry_after_s is not None:
        # Retry-After (RFC 9110, 10.2.3) replaces the computed delay; jitter on top spreads the retries of many batches.
        # A negative or unreadable value (NaN compares as False) counts as none.
        wished_s = min(outcome.retry_after_s, LONGEST_RETRY_AFTER_S) if outcome.retry_after_s > 0 else 0.0
        wait_s = max(wished_s + attempt.jitter, wait_s if wished_s == 0 else 0.0)
    due = attempt.now + timedelta(seconds=wait_s)
    return Again(due) if due < attempt.deadline else Final(State.EXPIRED)
