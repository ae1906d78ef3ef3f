"""The rows of the store in memory: what the SQL store keeps in tables, as plain objects. No behaviour but look-ups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import UUID

from realis.model.area import OUTERMOST_RING
from realis.model.delivery import State
from realis.model.draft import Draft, Package
from realis.model.incident import Revision
from realis.ports.desk_read_models import Release
from realis.ports.stores import AuditEntry, Issue, NewDispatch
from realis.ports.targets import NewTarget
from realis.storage.ledger.dispatch_rows import RUNNING, BatchState, DispatchState


@dataclass(slots=True)
class Member:
    """A target. ``new`` is what was stored last; its address and places end with ``active``."""

    id: int
    new: NewTarget
    active: bool = True


@dataclass(slots=True)
class DispatchRow:
    """One alert, ending or expiry on one channel."""

    id: int
    incident: UUID
    revision: int
    new: NewDispatch
    watermark: int
    state: DispatchState
    ring: int = 0
    cursor: int = 0
    planned: int = 0

    @property
    def running(self) -> bool:
        """Whether its batches may be claimed."""
        return self.state in RUNNING


@dataclass(slots=True)
class BatchRow:
    """Targets that are sent to together."""

    id: int
    dispatch: DispatchRow
    origin: str
    language: str
    targets: tuple[int, ...]
    attempt: int
    due: datetime
    ring: int
    held: bool = False
    state: BatchState = BatchState.OPEN
    epoch: int = 0
    lease_until: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether its targets are not in a terminal state yet."""
        return self.state in (BatchState.OPEN, BatchState.CLAIMED)

    def in_flight(self, now: datetime) -> bool:
        """Claimed under a lease that holds."""
        return self.state is BatchState.CLAIMED and self.lease_until is not None and self.lease_until > now

    def lapsed(self, now: datetime) -> bool:
        """Claimed by somebody whose lease has ended."""
        return self.state is BatchState.CLAIMED and not self.in_flight(now)


@dataclass(slots=True)
class Decision:
    """A release and what became of it."""

    release: Release
    state: str = "pending"


@dataclass(slots=True)
class Rows:
    """Everything on the disk that never fails."""

    members: dict[int, Member] = field(default_factory=dict)
    dispatches: dict[int, DispatchRow] = field(default_factory=dict)
    batches: dict[int, BatchRow] = field(default_factory=dict)
    tallies: dict[int, Counter[State]] = field(default_factory=dict)
    enrolled: set[tuple[UUID, str, int]] = field(default_factory=set)
    shown: dict[tuple[UUID, str, int], str] = field(default_factory=dict)
    holds: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    chains: dict[UUID, list[Revision]] = field(default_factory=dict)
    issues: dict[tuple[UUID, int], Issue] = field(default_factory=dict)
    drafts: dict[UUID, Draft] = field(default_factory=dict)
    packages: dict[UUID, tuple[str, Package]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    trail: list[AuditEntry] = field(default_factory=list)
    next_member: Iterator[int] = field(default_factory=lambda: count(1))
    last_member: int = 0

    def batches_of(self, dispatch: DispatchRow) -> list[BatchRow]:
        """A dispatch's batches, oldest first."""
        return [batch for batch in self.batches.values() if batch.dispatch is dispatch]

    def add_batch(
        self,
        dispatch: DispatchRow,
        origin: str,
        language: str,
        targets: tuple[int, ...],
        *,
        due: datetime,
        ring: int,
        attempt: int = 1,
        held: bool = False,
    ) -> None:
        """A new open batch."""
        number = len(self.batches) + 1
        self.batches[number] = BatchRow(number, dispatch, origin, language, targets, attempt, due, ring, held)

    def ring(self, dispatch: DispatchRow, places: frozenset[str], *, by_place: bool = True) -> int:
        """The ring in which somebody with these places is looked for."""
        cells = self.issues[dispatch.incident, dispatch.revision].cells
        asked = by_place and dispatch.new.match
        return (
            min((cells[place] for place in places if place in cells), default=OUTERMOST_RING)
            if asked
            else OUTERMOST_RING
        )

    def close_open(self, dispatch: DispatchRow, state: State) -> None:
        """End every batch of a dispatch that nobody is sending."""
        for batch in self.batches_of(dispatch):
            if batch.state is BatchState.OPEN:
                batch.state = BatchState.CLOSED
                self.tallies[dispatch.id][state] += len(batch.targets)

    def closing_state(self, dispatch: DispatchRow) -> State:
        """What becomes of targets that are not sent to any more."""
        if dispatch.state is not DispatchState.SUPERSEDED:
            return State.EXPIRED
        newest = self.chains[dispatch.incident][-1]
        retracted = self.issues[dispatch.incident, newest.number].kind == "retraction"
        return State.WITHDRAWN if retracted else State.SUPERSEDED
