"""``realis.ports.stores.BatchStore`` and ``AlertStore`` in memory: the semantics of ``realis.storage`` without a disk.

Each method is one step that nothing can interrupt. That it means the same as the SQL store is held by
``test_same_as_sql.py``, which plays whole schedules on both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from realis.model.area import OUTERMOST_RING
from realis.model.delivery import State
from realis.model.draft import DraftState, Package, Variant
from realis.model.errors import NotFound, WrongState
from realis.model.incident import Revision
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.channel import ChannelCapabilities, Message, MessageKind, Target
from realis.ports.desk_read_models import Release
from realis.ports.read_models import ChannelCount
from realis.ports.stores import BatchResult, Claim, Issue
from realis.storage.ledger.dispatch_rows import BatchState, DispatchState
from tests.simulation.memory_rows import BatchRow, DispatchRow, Member, Rows


class MemoryBatches:
    """The ledger."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def close_abandoned(self, now: datetime) -> None:
        """End what nobody may send any more."""
        for dispatch in self._rows.dispatches.values():
            late = dispatch.running and dispatch.new.deadline <= now
            if late and dispatch.state is DispatchState.PLANNING:
                dispatch.state = DispatchState.SENDING
            lapsed = [batch for batch in self._rows.batches_of(dispatch) if batch.lapsed(now)]
            if late or (lapsed and dispatch.state is DispatchState.SUPERSEDED):
                for batch in lapsed:
                    batch.state = BatchState.OPEN
                self._rows.close_open(dispatch, self._rows.closing_state(dispatch))

    async def start_due(self, now: datetime) -> int:
        """Let expiry notices whose time has come start planning."""
        due = [d for d in self._rows.dispatches.values() if d.state is DispatchState.WAITING and d.new.due <= now]
        for expiry in due:
            self._expire_message(expiry)
            expiry.state = DispatchState.PLANNING
        return len(due)

    def _expire_message(self, expiry: DispatchRow) -> None:
        own = [
            d
            for d in self._rows.dispatches.values()
            if (d.incident, d.new.channel, d.new.variant) == (expiry.incident, expiry.new.channel, Variant.MESSAGE)
        ]
        batches = [batch for dispatch in own for batch in self._rows.batches_of(dispatch)]
        tried = {target for batch in batches if batch.epoch > 0 or batch.attempt > 1 for target in batch.targets}
        for dispatch in own:
            self._rows.close_open(dispatch, State.EXPIRED)
        for target in {target for batch in batches for target in batch.targets} - tried:
            self._rows.enrolled.discard((expiry.incident, expiry.new.channel, target))

    async def plan_step(
        self, now: datetime, limits: Mapping[str, ChannelCapabilities], *, most: int
    ) -> frozenset[str] | None:
        """Freeze the next targets of the gravest unplanned dispatches."""
        waiting = [
            d for d in self._rows.dispatches.values() if d.state is DispatchState.PLANNING and d.new.deadline > now
        ]
        if not waiting:
            return None
        gravest = min(d.new.gravity for d in waiting)
        planned = set()
        for dispatch in sorted((d for d in waiting if d.new.gravity == gravest), key=lambda d: d.id)[:20]:
            most -= self._plan(dispatch, limits.get(dispatch.new.channel, ChannelCapabilities(length=0)), now, most)
            planned.add(dispatch.new.channel)
            if most <= 0:
                break
        return frozenset(planned)

    def _plan(self, dispatch: DispatchRow, limits: ChannelCapabilities, now: datetime, most: int) -> int:
        room = most if dispatch.planned or dispatch.cursor else min(most, limits.batch)
        if not limits.geo_targeted:
            dispatch.ring = OUTERMOST_RING
        ahead = sorted(
            ((self._rows.ring(dispatch, member.new.places, by_place=limits.geo_targeted), member.id), member)
            for member in self._rows.members.values()
            if self._is_meant(dispatch, member, limits)
        )
        coming = [(at, member) for at, member in ahead if at > (dispatch.ring, dispatch.cursor)][:room]
        for ring in sorted({ring for (ring, _), _ in coming}):
            self._freeze(dispatch, [member for (at, _), member in coming if at == ring], limits.batch, now, ring)
        if coming:
            dispatch.ring, dispatch.cursor = coming[-1][0]
        if len(coming) < room:
            dispatch.state = DispatchState.SENDING
        dispatch.planned += len(coming)
        return len(coming)

    def _is_meant(self, dispatch: DispatchRow, member: Member, limits: ChannelCapabilities) -> bool:
        if member.new.channel != dispatch.new.channel or not member.active:
            return False
        if dispatch.new.variant is Variant.MESSAGE and member.id > dispatch.watermark:
            return False
        has_past = dispatch.revision > 1 or not dispatch.new.match
        if has_past and (dispatch.incident, dispatch.new.channel, member.id) in self._rows.enrolled:
            return True
        if not dispatch.new.match or (dispatch.new.joined_only and not member.new.joined):
            return False
        cells = self._rows.issues[dispatch.incident, dispatch.revision].cells
        return not limits.geo_targeted or member.new.everywhere or bool(member.new.places & cells.keys())

    def _freeze(self, dispatch: DispatchRow, meant: Sequence[Member], size: int, now: datetime, ring: int) -> None:
        groups: dict[tuple[str, str], list[int]] = {}
        for member in meant:
            groups.setdefault((member.new.origin, member.new.language), []).append(member.id)
            self._rows.enrolled.add((dispatch.incident, dispatch.new.channel, member.id))
        for (origin, language), ids in groups.items():
            for start in range(0, len(ids), size):
                self._rows.add_batch(dispatch, origin, language, tuple(ids[start : start + size]), due=now, ring=ring)

    # ---- claims

    async def ready_channels(self, now: datetime) -> frozenset[str]:
        """Channels with a batch that may be claimed now."""
        claimable = (batch for batch in self._rows.batches.values() if self._is_claimable(batch, now))
        return frozenset(batch.dispatch.new.channel for batch in claimable)

    def _is_claimable(self, batch: BatchRow, now: datetime) -> bool:
        dispatch = batch.dispatch
        if not dispatch.running or dispatch.new.deadline <= now or dispatch.new.channel in self._rows.holds:
            return False
        return (batch.state is BatchState.OPEN and batch.due <= now and not batch.held) or batch.lapsed(now)

    def _waits(self, dispatch: DispatchRow, now: datetime) -> bool:
        """Whether an older revision is still being sent on this channel."""
        return any(
            other.in_flight(now)
            and other.dispatch.id < dispatch.id
            and (other.dispatch.incident, other.dispatch.new.channel) == (dispatch.incident, dispatch.new.channel)
            for other in self._rows.batches.values()
        )

    async def claim(
        self, channel: str, owner: str, *, now: datetime, lease_s: float, busy_origins: frozenset[str]
    ) -> Claim | None:
        """Take the gravest due batch, fenced by a new epoch."""
        due = [
            batch
            for batch in self._rows.batches.values()
            if batch.dispatch.new.channel == channel
            and batch.origin not in busy_origins
            and self._is_claimable(batch, now)
            and not self._waits(batch.dispatch, now)
        ]
        if not due:
            return None
        batch = min(due, key=lambda found: (found.dispatch.new.gravity, found.ring, found.id))
        batch.state, batch.held = BatchState.CLAIMED, False
        batch.epoch += 1
        batch.lease_until = now + timedelta(seconds=lease_s)
        return self._claimed(batch)

    def _claimed(self, batch: BatchRow) -> Claim:
        return Claim(
            batch=batch.id,
            dispatch=batch.dispatch.id,
            epoch=batch.epoch,
            attempt=batch.attempt,
            origin=batch.origin,
            message=self._message(batch),
            targets=tuple(self._target(batch.dispatch, target) for target in batch.targets),
        )

    def _message(self, batch: BatchRow) -> Message:
        dispatch = batch.dispatch
        issue = self._rows.issues[dispatch.incident, dispatch.revision]
        new, find = dispatch.new, issue.package.find
        text = find(new.channel, batch.language, new.variant) or find(new.channel, SOURCE_LANGUAGE, new.variant)
        if text is None:
            raise NotFound("channel-text-missing", channel=new.channel)
        revision = Revision(dispatch.incident, dispatch.revision, issue.alert)
        return Message(
            incident=dispatch.incident,
            revision=dispatch.revision,
            kind=new.kind,
            occasion=new.occasion,
            level=new.level,
            event_code=issue.package.content.event_code,
            text=text,
            sent=issue.alert.sent,
            expires=None if new.kind.ending else revision.ends_at,
            deadline=new.deadline,
            realert=new.realert,
            url=issue.url,
        )

    def _target(self, dispatch: DispatchRow, target: int) -> Target:
        member = self._rows.members.get(target)
        if member is None:
            return Target(target, "", SOURCE_LANGUAGE)
        ref = self._rows.shown.get((dispatch.incident, dispatch.new.channel, target))
        address = member.new.address if member.active else ""
        return Target(target, address, member.new.language, member.new.origin, ref)

    # ---- outcomes

    async def commit(self, claim: Claim, result: BatchResult, *, now: datetime) -> bool:
        """Write a batch's outcomes and retries; False if the epoch is stale."""
        result.must_add_up_to(len(claim.targets))
        batch = self._rows.batches[claim.batch]
        if batch.epoch != claim.epoch or batch.state is not BatchState.CLAIMED:
            return False
        batch.state = BatchState.DONE
        dispatch = batch.dispatch
        self._rows.tallies[dispatch.id].update(result.states)
        for target, ref in result.refs.items():
            self._rows.shown[dispatch.incident, dispatch.new.channel, target] = ref
        for target in result.gone:
            if target in self._rows.members:
                self._rows.members[target].active = False
        for group in result.retries:
            if dispatch.state is DispatchState.SUPERSEDED:
                self._rows.tallies[dispatch.id][self._rows.closing_state(dispatch)] += len(group.targets)
                continue
            self._rows.add_batch(
                dispatch,
                claim.origin,
                batch.language,
                group.targets,
                due=group.due,
                ring=batch.ring,
                attempt=claim.attempt + 1,
                held=group.held,
            )
        if result.hold:
            self._rows.holds.setdefault(dispatch.new.channel, (now, result.hold))
        return True

    async def reclaim(self) -> int:
        """Free all claims at start."""
        claimed = [batch for batch in self._rows.batches.values() if batch.state is BatchState.CLAIMED]
        for batch in claimed:
            batch.state = BatchState.OPEN
        for dispatch in {batch.dispatch.id: batch.dispatch for batch in claimed}.values():
            if dispatch.state is DispatchState.SUPERSEDED:
                self._rows.close_open(dispatch, self._rows.closing_state(dispatch))
        return len(claimed)

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next waiting batch or expiry notice is due."""
        notices = [d.new.due for d in self._rows.dispatches.values() if d.state is DispatchState.WAITING]
        batches = [
            batch.due
            for batch in self._rows.batches.values()
            if batch.state is BatchState.OPEN and not batch.held and batch.due > now
        ]
        return min((*notices, *batches), default=None)

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """Nobody looks at figures here."""
        raise NotImplementedError


class MemoryAlerts:
    """Issued alerts and what the issue transaction sets in motion."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def chain(self, incident: UUID) -> tuple[Revision, ...]:
        """All issued revisions, oldest first."""
        return tuple(self._rows.chains.get(incident, ()))

    async def newest_content(self, incident: UUID) -> Package | None:
        """The package of the newest issued revision."""
        chain = self._rows.chains.get(incident)
        return self._rows.issues[incident, chain[-1].number].package if chain else None

    async def issue(
        self, release: Release, make: Callable[[int, tuple[Revision, ...], Package], Issue], *, now: datetime
    ) -> Revision:
        """The issue transaction: everything, or nothing where ``make`` raises."""
        pending = [d for d in self._rows.decisions if d.release.draft == release.draft and d.state == "pending"]
        if not pending or self._rows.drafts[release.draft].state is not DraftState.RELEASED:
            raise WrongState("release-settled")
        digest, package = self._rows.packages.get(release.draft, ("", None))
        if package is None or digest != release.digest:
            raise WrongState("released-text-missing")
        chain = self._rows.chains.setdefault(release.incident, [])
        number = len(chain) + 1
        issue = make(number, tuple(chain), package)
        used = {d.new.channel for d in self._rows.dispatches.values() if d.incident == release.incident}
        if used - set(issue.package.content.channels):
            raise WrongState("channels-already-warned", where="channels")
        pending[0].state = "issued"
        revision = Revision(release.incident, number, issue.alert)
        chain.append(revision)
        self._rows.issues[release.incident, number] = issue
        self._supersede(release.incident, issue.kind)
        self._insert_dispatches(release.incident, number, issue)
        self._rows.trail.append(issue.entry)
        return revision

    def _supersede(self, incident: UUID, kind: MessageKind) -> None:
        state = State.WITHDRAWN if kind is MessageKind.RETRACTION else State.SUPERSEDED
        for dispatch in self._rows.dispatches.values():
            if dispatch.incident != incident:
                continue
            if dispatch.state is DispatchState.WAITING:
                dispatch.state = DispatchState.VOIDED
            elif dispatch.running:
                self._rows.close_open(dispatch, state)
                dispatch.state = DispatchState.SUPERSEDED

    def _insert_dispatches(self, incident: UUID, number: int, issue: Issue) -> None:
        # As in SQL, the highest id that exists now: ids of members who left are not given out again.
        watermark = max(self._rows.members, default=0)
        for new in issue.dispatches:
            row_id = len(self._rows.dispatches) + 1
            state = DispatchState.WAITING if new.variant is Variant.EXPIRY else DispatchState.PLANNING
            ring = 0 if new.match else OUTERMOST_RING
            self._rows.dispatches[row_id] = DispatchRow(row_id, incident, number, new, watermark, state, ring)
            self._rows.tallies[row_id] = Counter()
