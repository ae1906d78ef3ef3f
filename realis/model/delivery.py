"""What can become of one target of one dispatch: states, failures, and which step may follow which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """Why a channel could not deliver: a closed list.

    ``TIMEOUT`` means nothing was sent; ``UNKNOWN`` means it may have been (a time-out after sending).
    """

    GONE = "gone"
    REJECTED = "rejected"
    TOO_LARGE = "too_large"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


OF_THE_SERVICE = frozenset(
    {FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE, FailureKind.TIMEOUT, FailureKind.UNKNOWN}
)
"""Failures that say something of the service, not of one target. Not AUTH: that holds the channel."""

FAILING_AFTER = 8
"""Such failures in a row, with nothing taken in between, after which a service counts as failing."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service took it. ``ref`` names what it shows now, where the channel can edit."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The service did not take it.

    Args:
        detail: one line for the operator; never a secret, an address or a message text.
        retry_after_s: seconds the service asked to wait, if it did.
    """

    kind: FailureKind
    detail: str = ""
    retry_after_s: float | None = None


Outcome = Accepted | Failed


class State(StrEnum):
    """Where a target of a dispatch stands. All but the first three are terminal."""

    PLANNED = "planned"
    RETRYING = "retrying"
    HELD = "held"
    ACCEPTED = "accepted"
    GONE = "gone"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


OPEN_STATES = frozenset({State.PLANNED, State.RETRYING, State.HELD})
TERMINAL_STATES = frozenset(State) - OPEN_STATES

UNSENT_STATES = frozenset({State.EXPIRED, State.SUPERSEDED, State.STOPPED, State.WITHDRAWN})
"""What a target nobody is sending to can become: its time is over, or something newer was decided."""


def may_follow(before: State, after: State) -> bool:
    """Whether a target may go from one state to the other: open to anything but planned, terminal to nothing."""
    return before in OPEN_STATES and after is not State.PLANNED


def must_follow(before: State, after: State) -> State:
    """The later state, where it may follow (drawn in docs/delivery.md).

    Raises:
        ValueError: it may not; whoever asks is wrong, and nothing must be written.
    """
    if not may_follow(before, after):
        raise ValueError(f"a target cannot become {after} after {before}")
    return after
