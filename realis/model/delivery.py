"""The states of one target of one dispatch, the kinds of failure, and the permitted transitions."""

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
"""Failures that concern the service, not one target. Not AUTH: that puts the channel on hold."""

FAILING_AFTER = 8
"""Such failures in a row, with nothing taken in between, after which a service counts as failing."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service accepted the message. ``ref`` identifies the post, where the channel can edit it later."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The service did not accept the message.

    Args:
        detail: one line for the operator; never a secret, an address or a message text.
        retry_after_s: seconds of the service's Retry-After, if it sent one.
    """

    kind: FailureKind
    detail: str = ""
    retry_after_s: float | None = None


Outcome = Accepted | Failed


class State(StrEnum):
    """The state of a target of a dispatch. All but the first three are terminal."""

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
"""The terminal states of a target without a send: its deadline passed, or a newer decision ended it."""


def may_follow(before: State, after: State) -> bool:
    """Whether a target may go from one state to the other: open to anything but planned, terminal to nothing."""
    return before in OPEN_STATES and after is not State.PLANNED


def must_follow(before: State, after: State) -> State:
    """Return the later state if the transition is permitted (drawn in docs/delivery.md).

    Raises:
        ValueError: it is not; the caller has a bug and must write nothing.
    """
    if not may_follow(before, after):
        raise ValueError(f"a target cannot become {after} after {before}")
    return after
