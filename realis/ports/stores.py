"""The ports to the database, for desk, planner and dispatcher.

Each method is one transaction: all that its docstring states as written is on disk when the call returns (promise 1).
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
    """One action, to be appended to the audit chain in the same transaction as its effect."""

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
    """The look-ups of the intake before it stores: received identifiers, and the incidents of references."""

    async def find_received(self, authority: str, sender: str, identifier: str) -> KnownReceivedMessage | None:
        """Return the message received under this identifier, or None."""
        ...

    async def incident_named(self, reference: Reference) -> UUID | None:
        """Return the incident of a reference, which names a received message or an issued alert; None without one."""
        ...


class DeskStore(ReceivedMessages, Protocol):
    """Incidents, drafts, releases and the audit chain."""

    async def open_incident(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a new incident with its first draft and, if a message caused it, that message.

        Raises:
            AlreadyReceived: a message with this identifier has just been stored; nothing was written.
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
        """Store ``after`` if the draft still has ``before``'s version and state; a submission's package with it.

        Raises:
            StaleVersion: version or state differ by now; nothing was written.
        """
        ...

    async def package(self, draft_id: UUID) -> Package | None:
        """The package as it was submitted."""
        ...

    async def put_release(self, before: Draft, release: Release, entry: AuditEntry) -> None:
        """Mark the draft released and store the decision with its due time. Raises ``StaleVersion``."""
        ...

    async def stop_release(self, draft_id: UUID, entry: AuditEntry, *, reason: str = "") -> None:
        """Cancel a decision that has not been issued; the draft can be edited again. Raises ``WrongState``."""
        ...

    async def pending(self, incident: UUID) -> Release | None:
        """Return the decision whose pause is running, or None."""
        ...

    async def due_releases(self, now: datetime) -> tuple[Release, ...]:
        """Decisions whose pause is over, oldest first."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the next decision takes effect, or None."""
        ...

    async def board(self, now: datetime) -> tuple[BoardEntry, ...]:
        """All incidents of the last 30 days, most urgent first."""
        ...

    async def board_entry(self, incident: UUID, now: datetime) -> BoardEntry | None:
        """Return one incident's board entry, however old; None if there is none."""
        ...

    async def has_received_message(self, incident: UUID) -> bool:
        """Whether an authority's message belongs to the incident."""
        ...

    async def received_messages(self, incident: UUID) -> tuple[ReceivedMessage, ...]:
        """Return the messages received for an incident."""
        ...

    async def hand_tasks(self, incident: UUID) -> tuple[HandTask, ...]:
        """Return the texts of the newest revision for manual channels, with their confirmations."""
        ...

    async def note(self, entry: AuditEntry) -> None:
        """Append to the audit chain."""
        ...

    async def trail(self, *, subject: str | None = None, limit: int = 200) -> tuple[AuditLine, ...]:
        """Return audit entries, newest first, of one subject or all."""
        ...

    async def holds(self) -> Mapping[str, tuple[datetime, str]]:
        """Return the channels on hold: since when and why."""
        ...

    async def lift_hold(self, channel: str, entry: AuditEntry) -> None:
        """End a channel's hold; its held batches are due at once."""
        ...

    async def mark_done(self, incident: UUID, *, revision: int, target_id: int, who: str, entry: AuditEntry) -> None:
        """Record that a manual text was carried out, by which user. Idempotent: the first record stands."""
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
        unreadable: targets whose stored address cannot be decrypted; they are not gone.
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
    """Targets of a batch that are retried together."""

    due: datetime
    targets: tuple[int, ...]
    held: bool = False


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What one commit writes for a batch.

    Args:
        states: terminal states and how many targets reached each.
        refs: the reference of the post a target shows now, for channels that edit.
        gone: targets whose address ended.
        hold: why the whole channel goes on hold, or empty.
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
        """Check the ledger's rules before anything is written.

        Raises:
            ValueError: a target would be lost, counted twice, or end in a state that is not terminal.
        """
        ended, again = sum(self.states.values()), sum(len(group.targets) for group in self.retries)
        if ended + again != number or not TERMINAL_STATES.issuperset(self.states):
            raise ValueError(f"{number} targets cannot become {dict(self.states)} and {again} to try again")


class BatchStore(Protocol):
    """Planning, claims and the ledger."""

    async def close_abandoned(self, now: datetime) -> None:
        """Close the batches that may not be sent any more: past the deadline, or superseded and with a lapsed lease."""
        ...

    async def start_due(self, now: datetime) -> int:
        """Start the planning of the expiry notices that are due; returns how many."""
        ...

    async def plan_step(
        self, now: datetime, limits: Mapping[str, ChannelCapabilities], *, most: int
    ) -> frozenset[str] | None:
        """Freeze the next targets of the gravest unplanned dispatches into batches, the nearest first.

        About ``most`` in one transaction: every dispatch of the same gravity in turn, and of a new one only its first
        batch, so that a part of each can be sent at once. Never a target twice for one dispatch.

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
        """Claim the gravest due batch of a channel, fenced by a new epoch; None if there is none.

        A batch of a newer revision waits while an older one of the same incident and channel is in flight.
        """
        ...

    async def commit(self, claim: Claim, result: BatchResult, *, now: datetime) -> bool:
        """Write a batch's outcomes and retries in one commit; False (nothing written) if the epoch is stale."""
        ...

    async def reclaim(self) -> int:
        """Release all claims at start, when no other process can be sending; returns how many."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """Return when the next open batch or expiry notice is due, or None."""
        ...

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """Return the counts of every dispatch of the incident's newest revision (and its expiry), by channel."""
        ...


class Leases(Protocol):
    """Mutual exclusion between processes by leases, which end by themselves, so that a crash blocks none for long."""

    async def take(self, name: str, owner: str, *, now: datetime, lease_s: float) -> bool:
        """Acquire or prolong a lease; False while another owner's has not ended."""
        ...

    async def renew(
        self, owner: str, *, sending: Collection[int], names: Collection[str], now: datetime, lease_s: float
    ) -> None:
        """Prolong these batches' and names' leases, where they are still this owner's."""
        ...


@dataclass(frozen=True, slots=True)
class ChangeMarker:
    """A marker over all issued alerts that differs whenever the active alerts may differ.

    Args:
        last_change: the newest instant at which an alert was sent, ended, or left the list a day later.
        passed: how often an alert ended or left the list.
    """

    issued: int
    last_change: datetime | None
    passed: int = 0


class AlertArchive(Protocol):
    """The archive of issued alerts, read by ``realis.services.active_alerts``."""

    async def pulse(self, now: datetime) -> ChangeMarker:
        """Return a marker that differs whenever the active alerts may differ; one cheap query for every snapshot."""
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
        """Return a signed message byte for byte as issued, with its occasion, or None."""
        ...
