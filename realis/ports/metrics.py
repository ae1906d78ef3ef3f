"""The ports of monitoring: counters reported by the parts, and figures read from the database on a scrape.

Reporting never waits and never fails: it adds to counters in memory, once per batch or message, never per target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from realis.model.delivery import FailureKind, State


class DeliveryMetrics(Protocol):
    """Counters of batches, reported by the ledger."""

    def committed(
        self, channel: str, *, accepted: int, failed: Mapping[FailureKind, int], since_issue_s: float, first: bool
    ) -> None:
        """Count a committed batch.

        Args:
            accepted: targets whose service took the message.
            failed: failed attempts by kind, also those that will be tried again.
            since_issue_s: seconds from the moment the dispatch could start to the end of this send.
            first: these are the first targets of the dispatch that were accepted.
        """
        ...

    def commit_refused(self, channel: str) -> None:
        """Count a batch whose claim had passed to another worker before it was committed."""
        ...


class IntakeResult(StrEnum):
    """The result of an authority's request. FAILED is a fault of REALIS, REFUSED one of the sender."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"
    FAILED = "failed"


class IntakeMetrics(Protocol):
    """Counters of received messages, reported by the intake."""

    def received(self, authority: str, result: IntakeResult) -> None:
        """Count a request; ``authority`` is its token's label, or empty without a valid token."""
        ...


class ScreenRefusal(StrEnum):
    """Why a connection to the screens' gateway was refused before it was opened."""

    ORIGIN = "origin"
    FULL = "full"


class ScreenMetrics(Protocol):
    """Counters of the screens' gateway, and the page it serves where it has a port of its own."""

    def screen_refused(self, reason: ScreenRefusal) -> None:
        """Count a refused connection."""
        ...

    async def scrape(self) -> bytes:
        """All metrics of this process in Prometheus' text format."""
        ...


class NoMetrics:
    """Counts nothing: for parts that run without monitoring."""

    def committed(
        self, channel: str, *, accepted: int, failed: Mapping[FailureKind, int], since_issue_s: float, first: bool
    ) -> None:
        """Not counted."""

    def commit_refused(self, channel: str) -> None:
        """Not counted."""

    def received(self, authority: str, result: IntakeResult) -> None:
        """Not counted."""

    def screen_refused(self, reason: ScreenRefusal) -> None:
        """Not counted."""

    async def scrape(self) -> bytes:
        """Return an empty page, which is valid."""
        return b""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """The targets of one channel's batches that are not done.

    Args:
        open: waiting to be sent, or to be tried again.
        held: waiting until the channel's hold is lifted.
        claimed: being sent.
        oldest_due: since when the batch that waits longest could be sent; None if none waits.
    """

    open: int = 0
    held: int = 0
    claimed: int = 0
    oldest_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordFigures:
    """Figures of the database at one moment; equal from every process that shares it.

    Args:
        ended: final outcomes of all targets ever planned, by channel and state.
        on_hold: channels that send nothing until an operator lifts the hold.
        pending_releases: decisions that are not issued yet.
        oldest_release_due: when the first of them is, or was, to be issued.
        leases: leases that run.
    """

    queues: Mapping[str, QueueFigures] = field(default_factory=dict)
    ended: Mapping[tuple[str, State], int] = field(default_factory=dict)
    on_hold: frozenset[str] = frozenset()
    pending_releases: int = 0
    oldest_release_due: datetime | None = None
    leases: int = 0
