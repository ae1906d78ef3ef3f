"""The ports to the database: what the desk, planner and dispatcher ask of it, in the steps that must be one.

Each method is one transaction. Whatever a docstring says is written, is on disk when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from realis.model.alert import Alert, Level, Occasion, Reference
from realis.model.audit import AuditAction, Fact
from realis.model.delivery import TERMINAL_STATES, FailureKind, State
from realis.model.draft import Draft, Package, Rendered, Variant
from realis.model.incident import Revision
from realis.ports.channel import ChannelCapabilities, Message, MessageKind, Target
from realis.ports.desk_read_models import AuditLine, BoardEntry, HandTask, ReceivedMessage, Release
from realis.ports.read_models import ChannelCount


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing somebody did, to be appended to the chain in the same transaction as the thing itself."""

    actor: str
    action: AuditAction
    subject: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewReceivedMessage:
    """An incoming message to be kept: its name, its bytes and what was wrong with it."""

    authority: str
    sender: str
    identifier: str
    sent: datetime
    digest: str
    raw: bytes
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownReceivedMessage:
    """A message that came in before."""

    incident: UUID
    draft: UUID | None
    digest: str
    problems: tuple[str, ...]


class ReceivedMessages(Protocol):
    """What intake asks before it stores: names that came in, and the incidents that references belong to."""

    async def find_received(self, authority: str, sender: str, identifier: str) -> KnownReceivedMessage | None:
        """The message that came in under this name, or None."""
        ...

    async def incident_named(self, reference: Reference) -> UUID | None:
        """The incident a reference belongs to: of a message that came in, or of an alert of our own."""
        ...


class DeskStore(ReceivedMessages, Protocol):
    """Incidents, drafts, releases and the audit chain."""

    async def open_incident(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a new incident with its first draft and, if a message caused it, that message.

        Raises:
            AlreadyReceived: a message of this name has just come in; nothing was stored.
        """
        ...

    async def add_draft(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a further draft of a known incident. Raises ``AlreadyReceived`` as above."""
        ...

    async def draft(self, draft_id: UUID) -> Draft | None:
        """One draft."""
        ...

    async def drafts(self, incident: UUID) -> tuple[Draft, ...]:
        """An incident's drafts, newest first."""
        ...

    async def replace_draft(
        self, before: Draft, after: Draft, entry: AuditEntry, package: Package | None = None
    ) -> None:
        """Store ``after`` if the draft still has ``before``'s version and state; the package with a submission.

        Raises:
            StaleVersion: it has moved on.
        """
        ...

    async def package(self, draft_id: UUID) -> Package | None:
        """The package as it was submitted."""
        ...

    async def put_release(self, before: Draft, release: Release, entry: AuditEntry) -> None:
        """Mark the draft released and store the decision with its due time. Raises ``StaleVersion``."""
        ...

    async def stop_release(self, draft_id: UUID, entry: AuditEntry, *, reason: str = "") -> None:
        """Take back a decision that has not been issued; the draft is open again. Raises ``WrongState``."""
        ...

    async def pending(self, incident: UUID) -> Release | None:
        """The decision whose pause is running."""
        ...

    async def due_releases(self, now: datetime) -> tuple[Release, ...]:
        """Decisions whose pause is over, oldest first."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next decision takes effect."""
        ...

    async def board(self, now: datetime) -> tuple[BoardEntry, ...]:
        """All incidents of the last 30 days, most urgent first."""
        ...

    async def board_entry(self, incident: UUID, now: datetime) -> BoardEntry | None:
        """One incident as the board shows it, however old; None if there is none."""
        ...

    async def has_received_message(self, incident: UUID) -> bool:
        """Whether an authority's message belongs to the incident."""
        ...

    async def received_messages(self, incident: UUID) -> tuple[ReceivedMessage, ...]:
        """Messages that came in for an incident."""
        ...

    async def hand_tasks(self, incident: UUID) -> tuple[HandTask, ...]:
        """Texts to be carried out by hand for the newest revision."""
        ...

    async def note(self, entry: AuditEntry) -> None:
        """Append to the audit chain."""
        ...

    async def trail(self, *, subject: str | None = None, limit: int = 200) -> tuple[AuditLine, ...]:
        """The newest audit entries first, of one subject or all."""
        ...

    async def holds(self) -> Mapping[str, tuple[datetime, str]]:
        """Channels on hold: since when and why."""
        ...

    async def lift_hold(self, channel: str, entry: AuditEntry) -> None:
        """Let a channel send again; what was held is due at once."""
        ...

    async def mark_done(self, incident: UUID, *, revision: int, target_id: int, who: str, entry: AuditEntry) -> None:
        """Record who carried out a by-hand text. The first record stands."""
        ...


@dataclass(frozen=True, slots=True)
class NewDispatch:
    """One alert (or its later expiry) on one channel, as the issue transaction writes it.

    Args:
        due: when planning may start: at once, or at ``expires`` for the expiry notice.
        match: False when it goes only to those already planned for.
    """

    channel: str
    kind: MessageKind
    variant: Variant
    gravity: int
    level: Level
    occasion: Occasion
    due: datetime
    deadline: datetime
    match: bool
    joined_only: bool
    realert: bool


@dataclass(frozen=True, slots=True)
class Issue:
    """Everything the issue transaction writes for one revision."""

    alert: Alert
    kind: MessageKind
    xml: bytes
    package: Package
    url: str
    cells: Mapping[str, int]
    dispatches: tuple[NewDispatch, ...]
    entry: AuditEntry


class AlertStore(Protocol):
    """Issued alerts."""

    async def chain(self, incident: UUID) -> tuple[Revision, ...]:
        """All issued revisions of an incident, oldest first."""
        ...

    async def newest_content(self, incident: UUID) -> Package | None:
        """The package of the newest issued revision, or None."""
        ...

    async def issue(
        self, release: Release, make: Callable[[int, tuple[Revision, ...], Package], Issue], *, now: datetime
    ) -> Revision:
        """The issue transaction: alert, texts, audit entry and dispatches in one commit, or nothing.

        ``make(number, chain, package)`` composes and signs under the issue lock. Older dispatches of the
        incident are superseded (withdrawn by a Fehlalarm), a planned expiry is voided.

        Raises:
            WrongState: the release was stopped or issued already.
            SigningFailed: from ``make``; nothing is written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch one worker may send until the lease ends. ``epoch`` fences the commit.

    Args:
        attempt: counts from 1.
        targets: without an address where it was deleted since planning.
        unreadable: targets whose stored address cannot be opened; they are not gone.
    """

    batch: int
    dispatch: int
    epoch: int
    attempt: int
    origin: str
    message: Message
    targets: tuple[Target, ...]
    unreadable: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """A target's last failure, for the operator."""

    target_id: int
    state: State
    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True)
class RetryGroup:
    """Targets of a batch to try again together."""

    due: datetime
    targets: tuple[int, ...]
    held: bool = False


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What one commit writes for a batch.

    Args:
        states: terminal states and how many targets reached each.
        refs: what a target shows now, for channels that edit.
        gone: targets whose address ended.
        hold: why the whole channel must stop, or empty.
    """

    states: Mapping[State, int]
    failures: tuple[Failure, ...] = ()
    refs: Mapping[int, str] = field(default_factory=dict)
    gone: tuple[int, ...] = ()
    retries: tuple[RetryGroup, ...] = ()
    hold: str = ""
    first_accepted: datetime | None = None
    last_accepted: datetime | None = None

    def must_add_up_to(self, number: int) -> None:
        """Hold the ledger's rules before anything is written.

        Raises:
            ValueError: a target would be lost, counted twice, or end in a state that ends nothing.
        """
        ended, again = sum(self.states.values()), sum(len(group.targets) for group in self.retries)
        if ended + again != number or not TERMINAL_STATES.issuperset(self.states):
            raise ValueError(f"{number} targets cannot become {dict(self.states)} and {again} to try again")


class BatchStore(Protocol):
    """Planning, claims and the ledger."""

    async def close_abandoned(self, now: datetime) -> None:
        """End what nobody may send any more: past its deadline, or superseded with its sender vanished."""
        ...

    async def start_due(self, now: datetime) -> int:
        """Let expiry notices whose time has come start planning; how many."""
        ...

    async def plan_step(
        self, now: datetime, limits: Mapping[str, ChannelCapabilities], *, most: int
    ) -> frozenset[str] | None:
        """Freeze the next targets of the gravest unplanned dispatches into batches, the nearest first.

        About ``most`` in one transaction: every dispatch of the same gravity gets its turn, and one that is new only
        its first batch, so that something of each can leave at once. Never a target twice for one dispatch.

        Returns:
            The channels that were planned for; None if nothing is left to plan.
        """
        ...

    async def ready_channels(self, now: datetime) -> frozenset[str]:
        """Channels with a batch that may be claimed now. Reads only."""
        ...

    async def claim(
        self, channel: str, owner: str, *, now: datetime, lease_s: float, busy_origins: frozenset[str]
    ) -> Claim | None:
        """Take the gravest due batch of a channel, fenced by a new epoch; None if there is none.

        A batch of a newer revision waits while an older one of the same incident and channel is in flight.
        """
        ...

    async def commit(self, claim: Claim, result: BatchResult, *, now: datetime) -> bool:
        """Write a batch's outcomes and retries in one commit; False (nothing written) if the epoch is stale."""
        ...

    async def reclaim(self) -> int:
        """Free all claims at start, when no other process can be sending; how many were freed."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next waiting batch or expiry notice is due."""
        ...

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """How each channel stands, for every dispatch of the incident's newest revision (and its expiry)."""
        ...


class Leases(Protocol):
    """Who may do what only one process at a time may do, where there are several. A lease ends by itself."""

    async def take(self, name: str, owner: str, *, now: datetime, lease_s: float) -> bool:
        """Take or keep a lease; False while another owner's runs."""
        ...

    async def renew(
        self, owner: str, *, sending: Collection[int], names: Collection[str], now: datetime, lease_s: float
    ) -> None:
        """Prolong these batches' and names' leases, where they are still this owner's."""
        ...


@dataclass(frozen=True, slots=True)
class ChangeMarker:
    """Over everything ever issued: how many alerts, and when the last thing happened to one.

    Args:
        last_change: the newest of sent, ran out, left the list a day later.
        passed: how often an alert ran out or left the list.
    """

    issued: int
    last_change: datetime | None
    passed: int = 0


class AlertArchive(Protocol):
    """What ``realis.services.active_alerts`` reads."""

    async def pulse(self, now: datetime) -> ChangeMarker:
        """Whether anything has changed; cheap, asked for every snapshot."""
        ...

    async def recent_chains(self, since: datetime) -> Sequence[tuple[Revision, ...]]:
        """Chains whose newest revision is valid or was sent after ``since``."""
        ...

    async def chain(self, incident: UUID) -> tuple[Revision, ...]:
        """All issued revisions of an incident, oldest first."""
        ...

    async def texts(self, incident: UUID, revision: int, channel: str, variant: Variant) -> Mapping[str, Rendered]:
        """A revision's stored texts for a channel, by language; empty if the channel was not chosen."""
        ...

    async def xml(self, identifier: str) -> tuple[bytes, Occasion] | None:
        """A signed message as issued."""
        ...
