"""Planning, fenced claims and the ledger: ``realis.stores.BatchStore`` in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, and_, exists, func, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from realis.alert import Level, Occasion
from realis.delivery import State
from realis.draft import SOURCE_LANGUAGE, Variant
from realis.errors import InvalidInput, NotFound
from realis.ports import ChannelCount, Kind, Limits, Message, Target
from realis.storage.addresses import AddressBook
from realis.storage.codec import RENDERED
from realis.storage.counting import channel_counts
from realis.storage.database import Database, Lock, insert
from realis.storage.ledger import (
    RUNNING,
    BatchState,
    DispatchState,
    add_tallies,
    close_open_batches,
    closing_state,
    counted,
    held_still,
)
from realis.storage.matching import audience, numbers
from realis.storage.schema import (
    Instant,
    addresses,
    alerts,
    batches,
    dispatches,
    enrolled,
    failures,
    holds,
    shown,
    target_cells,
    targets,
    texts,
)
from realis.stores import BatchResult, Claim

log = structlog.get_logger(__name__)


class SqlBatches:
    """The ledger of every dispatch."""

    def __init__(self, database: Database, book: AddressBook) -> None:
        self._database = database
        self._book = book

    # ---- planning

    async def close_abandoned(self, now: datetime) -> None:
        """End what nobody may send any more: past its deadline, or superseded with its sender vanished."""
        lapsed = and_(batches.c.state == BatchState.CLAIMED, batches.c.lease_until <= now)
        late = and_(dispatches.c.state.in_(RUNNING), dispatches.c.deadline <= now)
        superseded = and_(dispatches.c.state == DispatchState.SUPERSEDED, lapsed)
        waiting = and_(late, or_(batches.c.state == BatchState.OPEN, lapsed))
        stuck = (
            select(dispatches)
            .distinct()
            .join(batches, batches.c.dispatch_id == dispatches.c.id)
            .where(or_(superseded, waiting))
        )
        unplanned = and_(dispatches.c.state == DispatchState.PLANNING, dispatches.c.deadline <= now)
        async with self._database.read() as connection:
            found = (await connection.execute(stuck.limit(1))).first()
            if not found and not (await connection.execute(select(dispatches.c.id).where(unplanned).limit(1))).first():
                return
        async with self._database.write() as connection:
            # Whoever was not planned in time is planned no more: neither the warning nor its expiry is theirs.
            await connection.execute(dispatches.update().where(unplanned).values(state=DispatchState.SENDING))
            ids = stuck.with_only_columns(dispatches.c.id)
            held = held_still(select(dispatches).where(dispatches.c.id.in_(ids)))
            for dispatch in (await connection.execute(held)).all():
                own = and_(lapsed, batches.c.dispatch_id == dispatch.id)
                await connection.execute(batches.update().where(own).values(state=BatchState.OPEN))
                await close_open_batches(connection, dispatch.id, await closing_state(connection, dispatch))

    async def start_due(self, now: datetime) -> int:
        """Let expiry notices whose time has come start planning; how many."""
        due = and_(dispatches.c.state == DispatchState.WAITING, dispatches.c.due_at <= now)
        async with self._database.read() as connection:
            if (await connection.execute(select(dispatches.c.id).where(due).limit(1))).first() is None:
                return 0
        async with self._database.write() as connection:
            rows = (await connection.execute(held_still(select(dispatches).where(due)))).all()
            for row in rows:
                await self._expire_message(connection, row)
            started = (
                dispatches.update()
                .where(dispatches.c.id.in_([row.id for row in rows]))
                .values(state=DispatchState.PLANNING)
            )
            return int((await connection.execute(started)).rowcount)

    async def _expire_message(self, connection: AsyncConnection, expiry: Row[Any]) -> None:
        """End what the warning itself still had open, and forget those it never reached: they need no expiry."""
        own = and_(
            dispatches.c.incident_id == expiry.incident_id,
            dispatches.c.channel == expiry.channel,
            dispatches.c.variant == Variant.MESSAGE,
        )
        ids = (await connection.execute(held_still(select(dispatches.c.id).where(own)))).scalars().all()
        rows = (
            await connection.execute(
                select(batches.c.targets, batches.c.epoch, batches.c.attempt).where(batches.c.dispatch_id.in_(ids))
            )
        ).all()
        tried = {target for row in rows if row.epoch > 0 or row.attempt > 1 for target in row.targets}
        never = {target for row in rows for target in row.targets} - tried
        for dispatch_id in ids:
            await close_open_batches(connection, dispatch_id, State.EXPIRED)
        for chunk in _chunks(sorted(never), 500):
            forget = and_(
                enrolled.c.incident_id == expiry.incident_id,
                enrolled.c.channel == expiry.channel,
                enrolled.c.target_id.in_(chunk),
            )
            await connection.execute(enrolled.delete().where(forget))

    async def plan_step(self, now: datetime, limits: Mapping[str, Limits], *, most: int) -> bool:
        """Freeze up to ``most`` targets of the gravest unplanned dispatch into batches; False if none is left."""
        waiting = (
            select(dispatches)
            .where(dispatches.c.state == DispatchState.PLANNING, dispatches.c.deadline > now)
            .order_by(dispatches.c.gravity, dispatches.c.id)
            .limit(1)
        )
        async with self._database.read() as connection:
            if (await connection.execute(waiting)).first() is None:
                return False
        async with self._database.write() as connection:
            # Another worker may be planning it: wait for its step, then carry on from where it left the cursor.
            dispatch = (await connection.execute(counted(waiting))).first()
            if dispatch is not None:
                await self._plan(connection, dispatch, limits.get(dispatch.channel, Limits(length=0)), now, most)
        return True

    async def _plan(
        self, connection: AsyncConnection, dispatch: Row[Any], limits: Limits, now: datetime, most: int
    ) -> None:
        if not dispatch.cursor:
            most = min(most, limits.batch)  # the first batch can be on its way while the rest is planned
        rows = await audience(connection, dispatch, by_place=limits.by_place, most=most)
        await self._freeze(connection, dispatch, rows, limits.batch, now)
        done = len(rows) < most
        await connection.execute(
            dispatches.update()
            .where(dispatches.c.id == dispatch.id)
            .values(
                cursor=rows[-1].id if rows else dispatch.cursor,
                planned=dispatches.c.planned + len(rows),
                state=DispatchState.SENDING if done else DispatchState.PLANNING,
            )
        )

    async def _freeze(
        self, connection: AsyncConnection, dispatch: Row[Any], rows: Sequence[Row[Any]], size: int, now: datetime
    ) -> None:
        if not rows:
            return
        groups: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            groups.setdefault((row.origin, row.language), []).append(row.id)
        await connection.execute(
            batches.insert(),
            [
                _new_batch(dispatch.id, origin, language, chunk, due=now)
                for (origin, language), ids in groups.items()
                for chunk in _chunks(ids, size)
            ],
        )
        for chunk in _chunks([row.id for row in rows], 500):
            key = (literal(dispatch.incident_id, enrolled.c.incident_id.type), literal(dispatch.channel))
            planned = select(*key, targets.c.id).where(targets.c.id.in_(numbers(connection, chunk)))
            fresh = insert(connection, enrolled).from_select(["incident_id", "channel", "target_id"], planned)
            await connection.execute(fresh.on_conflict_do_nothing())

    # ---- claims

    async def ready_channels(self, now: datetime) -> frozenset[str]:
        """Channels with a batch that may be claimed now. Reads only."""
        query = (
            select(dispatches.c.channel)
            .distinct()
            .join(batches, batches.c.dispatch_id == dispatches.c.id)
            .where(_claimable(now))
        )
        async with self._database.read() as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def claim(
        self, channel: str, owner: str, *, now: datetime, lease_s: float, busy_origins: frozenset[str]
    ) -> Claim | None:
        """Take the gravest due batch of a channel, fenced by a new epoch; None if there is none."""
        query = (
            select(batches.c.id)
            .join(dispatches, dispatches.c.id == batches.c.dispatch_id)
            .where(dispatches.c.channel == channel, _claimable(now), ~_older_in_flight(now))
            .order_by(dispatches.c.gravity, batches.c.ring, batches.c.id)
            .limit(1)
        )
        if busy_origins:
            query = query.where(batches.c.origin.not_in(busy_origins))
        async with self._database.write() as connection:
            batch_id = (await connection.execute(query.with_for_update(of=batches, skip_locked=True))).scalar()
            if batch_id is None or not await self._may_start(connection, batch_id):
                return None
            values = {
                "state": BatchState.CLAIMED,
                "owner": owner,
                "epoch": batches.c.epoch + 1,
                "lease_until": now + timedelta(seconds=lease_s),
                "held": False,
            }
            await connection.execute(batches.update().where(batches.c.id == batch_id).values(values))
            return await self._claimed(connection, batch_id)

    async def _may_start(self, connection: AsyncConnection, batch_id: int) -> bool:
        """Whether its dispatch still runs, and will until this claim is written.

        Never waits: whoever is ending the dispatch holds it and may be waiting for this very batch.
        """
        running = (
            select(dispatches.c.id)
            .join(batches, batches.c.dispatch_id == dispatches.c.id)
            .where(batches.c.id == batch_id, dispatches.c.state.in_(RUNNING))
            .with_for_update(of=dispatches, read=True, key_share=True, skip_locked=True)
        )
        return self._database.is_sqlite or (await connection.execute(running)).first() is not None

    async def _claimed(self, connection: AsyncConnection, batch_id: int) -> Claim:
        batch = (await connection.execute(select(batches).where(batches.c.id == batch_id))).one()
        dispatch = (await connection.execute(select(dispatches).where(dispatches.c.id == batch.dispatch_id))).one()
        message = await _message(connection, dispatch, batch.language)
        found, unreadable = await self._targets(connection, dispatch, batch.targets)
        return Claim(
            batch=batch.id,
            dispatch=dispatch.id,
            epoch=batch.epoch,
            attempt=batch.attempt,
            origin=batch.origin,
            message=message,
            targets=found,
            unreadable=unreadable,
        )

    async def _targets(
        self, connection: AsyncConnection, dispatch: Row[Any], ids: Sequence[int]
    ) -> tuple[tuple[Target, ...], frozenset[int]]:
        is_shown = and_(
            shown.c.target_id == targets.c.id,
            shown.c.channel == dispatch.channel,
            shown.c.incident_id == dispatch.incident_id,
        )
        query = (
            select(
                targets.c.id, targets.c.language, targets.c.origin, targets.c.active, addresses.c.sealed, shown.c.ref
            )
            .outerjoin(addresses, addresses.c.target_id == targets.c.id)
            .outerjoin(shown, is_shown)
            .where(targets.c.id.in_(numbers(connection, ids)))
            .order_by(targets.c.id)
        )
        rows = {row.id: row for row in (await connection.execute(query)).all()}
        opened = {row.id: self._open(row.id, row.sealed) for row in rows.values() if row.sealed}
        # A target deleted since planning keeps its place in the sums; it is committed as gone.
        found = tuple(
            Target(
                id=target_id,
                address=opened.get(target_id) or "",
                language=row.language if (row := rows.get(target_id)) else SOURCE_LANGUAGE,
                origin=row.origin if row else "",
                shown_ref=row.ref if row else None,
            )
            for target_id in ids
        )
        return found, frozenset(target_id for target_id, address in opened.items() if address is None)

    def _open(self, target_id: int, sealed: bytes) -> str | None:
        try:
            return self._book.open(target_id, sealed)
        except InvalidInput:
            log.exception("address_unreadable", target=target_id)
            return None

    # ---- outcomes

    async def commit(self, claim: Claim, result: BatchResult, *, now: datetime) -> bool:
        """Write a batch's outcomes and retries in one commit; False (nothing written) if the epoch is stale."""
        async with self._database.write() as connection:
            mine = and_(
                batches.c.id == claim.batch, batches.c.epoch == claim.epoch, batches.c.state == BatchState.CLAIMED
            )
            # The dispatch first, as everyone does who ends one; so no retry slips in behind a newer revision.
            own = counted(select(dispatches).where(dispatches.c.id == claim.dispatch))
            dispatch = (await connection.execute(own)).one()
            done = await connection.execute(batches.update().where(mine).values(state=BatchState.DONE))
            if done.rowcount != 1:
                return False
            await self._write_tallies(connection, claim, result)
            await self._write_failures(connection, claim, result, now)
            await self._write_refs(connection, dispatch, result)
            await self._end_targets(connection, result.gone)
            await self._write_retries(connection, claim, dispatch, result)
            await self._write_hold(connection, dispatch.channel, result.hold, now)
            await self._write_times(connection, claim.dispatch, result)
        return True

    async def _write_tallies(self, connection: AsyncConnection, claim: Claim, result: BatchResult) -> None:
        failed = Counter(
            (failure.state, failure.kind.value) for failure in result.failures if failure.state in result.states
        )
        counts: dict[tuple[State, str], int] = dict(failed)
        for state, number in result.states.items():
            explained = sum(count for (of, _), count in failed.items() if of is state)
            if number > explained:
                counts[state, ""] = number - explained
        await add_tallies(connection, claim.dispatch, counts)

    async def _write_failures(
        self, connection: AsyncConnection, claim: Claim, result: BatchResult, now: datetime
    ) -> None:
        if not result.failures:
            return
        rows = [
            {
                "dispatch_id": claim.dispatch,
                "target_id": failure.target_id,
                "state": failure.state,
                "kind": failure.kind,
                "detail": failure.detail[:300],
                "at": now,
            }
            for failure in result.failures
        ]
        statement = insert(connection, failures)
        latest = {name: statement.excluded[name] for name in ("state", "kind", "detail", "at")}
        keyed = statement.on_conflict_do_update(index_elements=["dispatch_id", "target_id"], set_=latest)
        await connection.execute(keyed, rows)

    async def _write_refs(self, connection: AsyncConnection, dispatch: Row[Any], result: BatchResult) -> None:
        if not result.refs:
            return
        key = {"incident_id": dispatch.incident_id, "channel": dispatch.channel, "revision": dispatch.revision}
        rows = [{**key, "target_id": target, "ref": ref} for target, ref in result.refs.items()]
        statement = insert(connection, shown)
        newer = statement.on_conflict_do_update(
            index_elements=["incident_id", "channel", "target_id"],
            set_={"ref": statement.excluded.ref, "revision": statement.excluded.revision},
        )
        await connection.execute(newer, rows)

    async def _end_targets(self, connection: AsyncConnection, gone: Iterable[int]) -> None:
        for chunk in _chunks(list(gone), 500):
            await connection.execute(targets.update().where(targets.c.id.in_(chunk)).values(active=False))
            await connection.execute(addresses.delete().where(addresses.c.target_id.in_(chunk)))
            await connection.execute(target_cells.delete().where(target_cells.c.target_id.in_(chunk)))

    async def _write_retries(
        self, connection: AsyncConnection, claim: Claim, dispatch: Row[Any], result: BatchResult
    ) -> None:
        """New batches for what is to be tried again, unless a newer revision has taken over meanwhile."""
        if not result.retries:
            return
        if dispatch.state == DispatchState.SUPERSEDED:
            number = sum(len(group.targets) for group in result.retries)
            await add_tallies(connection, claim.dispatch, {(await closing_state(connection, dispatch), ""): number})
            return
        # The batch's own language: its first reader may have left, or changed language, since it was planned.
        language = (
            await connection.execute(select(batches.c.language).where(batches.c.id == claim.batch))
        ).scalar_one()
        rows = [
            _new_batch(
                claim.dispatch,
                claim.origin,
                language,
                list(group.targets),
                due=group.due,
                attempt=claim.attempt + 1,
                held=group.held,
            )
            for group in result.retries
        ]
        await connection.execute(batches.insert(), rows)

    async def _write_hold(self, connection: AsyncConnection, channel: str, reason: str, now: datetime) -> None:
        if reason:
            await self._database.lock(connection, Lock.HOLDS)
            row = {"channel": channel, "since": now, "reason": reason}
            await connection.execute(insert(connection, holds).values(row).on_conflict_do_nothing())

    async def _write_times(self, connection: AsyncConnection, dispatch_id: int, result: BatchResult) -> None:
        if result.first_accepted is None:
            return
        first = func.coalesce(dispatches.c.first_accepted, literal(result.first_accepted, Instant))
        values = {"first_accepted": first, "last_accepted": result.last_accepted}
        await connection.execute(dispatches.update().where(dispatches.c.id == dispatch_id).values(values))

    # ---- upkeep and figures

    async def reclaim(self) -> int:
        """Free all claims at start, when no other process can be sending; how many were freed."""
        async with self._database.write() as connection:
            claimed = batches.c.state == BatchState.CLAIMED
            superseded = (
                select(dispatches)
                .distinct()
                .join(batches, batches.c.dispatch_id == dispatches.c.id)
                .where(dispatches.c.state == DispatchState.SUPERSEDED, claimed)
            )
            ended = (await connection.execute(superseded)).all()
            freed = await connection.execute(batches.update().where(claimed).values(state=BatchState.OPEN))
            for dispatch in ended:
                await close_open_batches(connection, dispatch.id, await closing_state(connection, dispatch))
            return int(freed.rowcount)

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next waiting batch or expiry notice is due."""
        later = union(
            select(func.min(dispatches.c.due_at).label("due")).where(dispatches.c.state == DispatchState.WAITING),
            select(func.min(batches.c.due_at).label("due")).where(
                batches.c.state == BatchState.OPEN, ~batches.c.held, batches.c.due_at > now
            ),
        ).subquery()
        async with self._database.read() as connection:
            found: datetime | None = (await connection.execute(select(func.min(later.c.due)))).scalar()
        return found

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """How each channel stands, for every dispatch of the incident's newest revision (and its expiry)."""
        async with self._database.read() as connection:
            return await channel_counts(connection, incident)


def _claimable(now: datetime) -> Any:  # noqa: ANN401 - a SQL condition
    """Of a running dispatch in time, on a channel not on hold: open and due, or left by a lapsed lease."""
    due = and_(batches.c.state == BatchState.OPEN, batches.c.due_at <= now, ~batches.c.held)
    abandoned = and_(batches.c.state == BatchState.CLAIMED, batches.c.lease_until <= now)
    running = and_(dispatches.c.state.in_(RUNNING), dispatches.c.deadline > now)
    return and_(running, ~_on_hold(), or_(due, abandoned))


def _on_hold() -> Any:  # noqa: ANN401 - a SQL condition
    return exists().where(holds.c.channel == dispatches.c.channel)


def _older_in_flight(now: datetime) -> Any:  # noqa: ANN401 - a SQL condition
    """Whether an older revision of the same incident is still being sent on this channel (promise 3)."""
    older, older_batch = aliased(dispatches), aliased(batches)
    return exists().where(
        older.c.incident_id == dispatches.c.incident_id,
        older.c.channel == dispatches.c.channel,
        older.c.id < dispatches.c.id,
        older_batch.c.dispatch_id == older.c.id,
        older_batch.c.state == BatchState.CLAIMED,
        older_batch.c.lease_until > now,
    )


async def _message(connection: AsyncConnection, dispatch: Row[Any], language: str) -> Message:
    alert = (
        await connection.execute(
            select(alerts.c.sent, alerts.c.ends_at, alerts.c.event_code, alerts.c.url).where(
                alerts.c.incident_id == dispatch.incident_id, alerts.c.revision == dispatch.revision
            )
        )
    ).one()
    rows = (
        await connection.execute(
            select(texts.c.language, texts.c.body).where(
                texts.c.incident_id == dispatch.incident_id,
                texts.c.revision == dispatch.revision,
                texts.c.channel == dispatch.channel,
                texts.c.variant == dispatch.variant,
                texts.c.language.in_((language, SOURCE_LANGUAGE)),
            )
        )
    ).all()
    bodies = {row.language: row.body for row in rows}
    body = bodies.get(language, bodies.get(SOURCE_LANGUAGE))
    if body is None:
        raise NotFound(f"Für den Kanal {dispatch.channel} liegt kein Text vor.")
    kind = Kind(dispatch.kind)
    return Message(
        incident=dispatch.incident_id,
        revision=dispatch.revision,
        kind=kind,
        occasion=Occasion(dispatch.occasion),
        level=Level(dispatch.level),
        event_code=alert.event_code,
        text=RENDERED.validate_json(body),
        sent=alert.sent,
        expires=None if kind.ending else alert.ends_at,
        deadline=dispatch.deadline,
        realert=dispatch.realert,
        url=alert.url,
    )


def _new_batch(
    dispatch_id: int,
    origin: str,
    language: str,
    ids: list[int],
    *,
    due: datetime,
    attempt: int = 1,
    held: bool = False,
) -> dict[str, object]:
    return {
        "dispatch_id": dispatch_id,
        "ring": 0,
        "origin": origin,
        "language": language,
        "targets": ids,
        "size": len(ids),
        "attempt": attempt,
        "due_at": due,
        "state": BatchState.OPEN,
        "held": held,
        "owner": "",
        "epoch": 0,
        "lease_until": None,
    }


def _chunks(ids: list[int], size: int) -> Iterable[list[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
