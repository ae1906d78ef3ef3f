"""``realis.ports.targets.Targets`` and ``realis.ports.stores.DeskStore`` in memory, as far as schedules need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from realis.model.alert import Reference
from realis.model.draft import Draft, DraftState, Package, Variant
from realis.model.errors import StaleVersion, WrongState
from realis.ports.clock import Clock
from realis.ports.desk_read_models import AuditLine, BoardEntry, HandTask, ReceivedMessage, Release
from realis.ports.stores import AuditEntry, KnownReceivedMessage, NewReceivedMessage
from realis.ports.targets import NewTarget, TargetRecord
from realis.storage.ledger.dispatch_rows import DispatchState
from tests.simulation.memory_rows import Decision, DispatchRow, Member, Rows


class MemoryTargets:
    """Who can be reached."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    async def put(self, new: NewTarget) -> int:
        """Store or replace a target and enrol it in what is in force for its places."""
        # The upsert of SQL uses up an id also where it finds the row.
        number = next(self._rows.next_member)
        known = self._known(new.channel, new.fingerprint)
        back = known is not None and not known.active
        before = None if known is None else known.new.places if known.active else frozenset[str]()
        if known is None:
            known = Member(number, new)
            self._rows.members[known.id] = known
        known.new, known.active = new, True
        for dispatch in sorted(self._rows.dispatches.values(), key=lambda d: (d.state, d.new.gravity, d.id)):
            slips = before is not None and self._planner_comes(dispatch, known, before)
            if self._may_enrol(dispatch, known) and self._lacks(dispatch, known, back=back or slips):
                self._plan_one(dispatch, known)
        return known.id

    def _known(self, channel: str, fingerprint: str) -> Member | None:
        members = self._rows.members.values()
        return next((m for m in members if (m.new.channel, m.new.fingerprint) == (channel, fingerprint)), None)

    def _may_enrol(self, dispatch: DispatchRow, member: Member) -> bool:
        new = dispatch.new
        running = dispatch.running and new.deadline > self._clock.now() and new.channel == member.new.channel
        if not running or new.variant is not Variant.MESSAGE or new.kind.ending is not None:
            return False
        if new.joined_only and not member.new.joined:
            return False
        return not self._planner_comes(dispatch, member, member.new.places)

    def _planner_comes(self, dispatch: DispatchRow, member: Member, places: frozenset[str]) -> bool:
        if dispatch.state is not DispatchState.PLANNING or member.id > dispatch.watermark:
            return False
        return (self._rows.ring(dispatch, places), member.id) > (dispatch.ring, dispatch.cursor)

    def _lacks(self, dispatch: DispatchRow, member: Member, *, back: bool) -> bool:
        if (dispatch.incident, dispatch.new.channel, member.id) in self._rows.enrolled:
            waiting = any(b.live and member.id in b.targets for b in self._rows.batches_of(dispatch))
            return back and not waiting
        if member.new.everywhere:
            return True
        return bool(member.new.places & self._rows.issues[dispatch.incident, dispatch.revision].cells.keys())

    def _plan_one(self, dispatch: DispatchRow, member: Member) -> None:
        self._rows.enrolled.add((dispatch.incident, dispatch.new.channel, member.id))
        ring = self._rows.ring(dispatch, member.new.places)
        self._rows.add_batch(
            dispatch, member.new.origin, member.new.language, (member.id,), due=self._clock.now(), ring=ring
        )
        dispatch.planned += 1

    async def remove(self, target_id: int) -> None:
        """Delete a target for good."""
        self._rows.members.pop(target_id, None)
        self._rows.enrolled = {entry for entry in self._rows.enrolled if entry[2] != target_id}
        self._rows.shown = {key: ref for key, ref in self._rows.shown.items() if key[2] != target_id}

    async def find(self, channel: str, fingerprint: str) -> TargetRecord | None:
        """The active target with this fingerprint, or None."""
        known = self._known(channel, fingerprint)
        return _record(known) if known and known.active else None

    async def get(self, target_id: int) -> TargetRecord | None:
        """The active target with this id, or None."""
        member = self._rows.members.get(target_id)
        return _record(member) if member and member.active else None

    async def list(self, channel: str) -> Sequence[TargetRecord]:
        """All active targets of a channel."""
        return [_record(m) for m in self._rows.members.values() if m.active and m.new.channel == channel]

    async def seen(self, target_id: int, at: datetime) -> None:
        """Of no account here."""

    async def count(self, channel: str) -> int:
        """How many active targets a channel has."""
        return len(await self.list(channel))


def _record(member: Member) -> TargetRecord:
    new = member.new
    return TargetRecord(
        member.id, new.channel, new.language, new.joined, member.active, new.places, new.everywhere, new.label
    )


class MemoryDesk:
    """Drafts, decisions and holds."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    async def open_incident(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a first draft."""
        await self.add_draft(draft, entry, witness)

    async def add_draft(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a draft."""
        self._rows.drafts[draft.id] = draft
        self._rows.trail.append(entry)

    async def draft(self, draft_id: UUID) -> Draft | None:
        """One draft."""
        return self._rows.drafts.get(draft_id)

    async def drafts(self, incident: UUID) -> tuple[Draft, ...]:
        """An incident's drafts, newest first."""
        return tuple(draft for draft in reversed(self._rows.drafts.values()) if draft.incident == incident)

    async def replace_draft(
        self, before: Draft, after: Draft, entry: AuditEntry, package: Package | None = None
    ) -> None:
        """Store ``after`` if the draft has not moved on."""
        now = self._rows.drafts[before.id]
        if (now.version, now.state) != (before.version, before.state):
            raise StaleVersion("draft-saved-by-other")
        self._rows.drafts[after.id] = after
        self._rows.packages.pop(after.id, None)
        if package is not None:
            self._rows.packages[after.id] = (after.digest, package)
        self._rows.trail.append(entry)

    async def package(self, draft_id: UUID) -> Package | None:
        """The package as it was submitted."""
        return self._rows.packages.get(draft_id, ("", None))[1]

    async def put_release(self, before: Draft, release: Release, entry: AuditEntry) -> None:
        """Mark the draft released and store the decision."""
        now = self._rows.drafts[before.id]
        if (now.version, now.state, now.digest) != (before.version, DraftState.SUBMITTED, release.digest):
            raise StaleVersion("draft-changed")
        self._rows.drafts[before.id] = replace(now, state=DraftState.RELEASED)
        self._rows.decisions.append(Decision(release))
        self._rows.trail.append(entry)

    async def stop_release(self, draft_id: UUID, entry: AuditEntry, *, reason: str = "") -> None:
        """Take back a decision that has not been issued."""
        pending = [d for d in self._rows.decisions if d.release.draft == draft_id and d.state == "pending"]
        if not pending:
            raise WrongState("already-issued")
        pending[0].state = "stopped"
        draft = self._rows.drafts[draft_id]
        self._rows.drafts[draft_id] = replace(draft, state=DraftState.OPEN, digest="", return_reason=reason)
        self._rows.packages.pop(draft_id, None)
        self._rows.trail.append(entry)

    async def pending(self, incident: UUID) -> Release | None:
        """The decision whose pause is running."""
        found = (d.release for d in self._rows.decisions if d.state == "pending" and d.release.incident == incident)
        return next(found, None)

    async def due_releases(self, now: datetime) -> tuple[Release, ...]:
        """Decisions whose pause is over, oldest first."""
        return tuple(d.release for d in self._rows.decisions if d.state == "pending" and d.release.due <= now)

    async def next_due(self) -> datetime | None:
        """When the next decision takes effect."""
        return min((d.release.due for d in self._rows.decisions if d.state == "pending"), default=None)

    async def holds(self) -> Mapping[str, tuple[datetime, str]]:
        """Channels on hold."""
        return dict(self._rows.holds)

    async def lift_hold(self, channel: str, entry: AuditEntry) -> None:
        """Let a channel send again."""
        self._rows.holds.pop(channel, None)
        for batch in self._rows.batches.values():
            if batch.held and batch.dispatch.new.channel == channel:
                batch.held, batch.due = False, self._clock.now()
        self._rows.trail.append(entry)

    async def note(self, entry: AuditEntry) -> None:
        """Append to the trail."""
        self._rows.trail.append(entry)

    # ---- what no schedule asks for

    async def find_received(self, authority: str, sender: str, identifier: str) -> KnownReceivedMessage | None:
        """No message ever came in."""
        return None

    async def incident_named(self, reference: Reference) -> UUID | None:
        """Nor is any referred to."""
        return None

    async def board(self, now: datetime) -> tuple[BoardEntry, ...]:
        """Nobody looks at it."""
        raise NotImplementedError

    async def board_entry(self, incident: UUID, now: datetime) -> BoardEntry | None:
        """The schedule never asks for it."""
        raise NotImplementedError

    async def has_received_message(self, incident: UUID) -> bool:
        """The schedule never asks for it."""
        raise NotImplementedError

    async def received_messages(self, incident: UUID) -> tuple[ReceivedMessage, ...]:
        """None came in."""
        return ()

    async def hand_tasks(self, incident: UUID) -> tuple[HandTask, ...]:
        """Nothing is done by hand."""
        return ()

    async def trail(self, *, subject: str | None = None, limit: int = 200) -> tuple[AuditLine, ...]:
        """Nobody reads it."""
        raise NotImplementedError

    async def mark_done(self, incident: UUID, *, revision: int, target_id: int, who: str, entry: AuditEntry) -> None:
        """Nothing is done by hand."""
        raise NotImplementedError
