"""Subscriptions, screens and accounts, and their confirmations: ports ``Targets`` and ``Confirmations`` in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.draft import Variant
from realis.ports.channel import MessageKind
from realis.ports.clock import Clock
from realis.ports.targets import DisplayReport, NewTarget, TargetRecord
from realis.storage.addresses import AddressBook
from realis.storage.database import Database, Lock, insert
from realis.storage.ledger.audience_queries import bind_ids, numbers, ring_of
from realis.storage.ledger.dispatch_rows import RUNNING, BatchState, DispatchState, lock_no_key_update, new_batch
from realis.storage.schema import (
    Instant,
    addresses,
    alert_cells,
    batches,
    confirmations,
    dispatches,
    enrolled,
    shown,
    target_cells,
    targets,
)

_AT_ONCE = 500
"""New targets in one statement; also below the number of parameters any database takes."""

_ENDINGS = tuple(kind for kind in MessageKind if kind.ending is not None)


class SqlTargets:
    """``realis.ports.targets.Targets`` in SQL."""

    def __init__(self, database: Database, book: AddressBook, clock: Clock) -> None:
        self._database = database
        self._book = book
        self._clock = clock

    async def put(self, new: NewTarget) -> int:
        """Store or replace a target and plan it for the warnings in force at its places; returns its id."""
        now = self._clock.now()
        async with self._database.write() as connection:
            # Under the issue lock: a target is either below a dispatch's watermark or planned here, never neither.
            await self._database.lock(connection, Lock.ISSUE)
            return await self._put(connection, new, now)

    async def put_many(self, many: Sequence[NewTarget]) -> None:
        """Store many targets in one transaction, for imports and benchmarks; new ones by the hundred."""
        now = self._clock.now()
        async with self._database.write() as connection:
            await self._database.lock(connection, Lock.ISSUE)
            running = select(dispatches.c.channel).where(dispatches.c.state.in_(RUNNING)).distinct()
            warned = frozenset((await connection.execute(running)).scalars())
            for start in range(0, len(many), _AT_ONCE):
                some = many[start : start + _AT_ONCE]
                quiet = [new for new in some if new.channel not in warned]
                placed = await self._put_newcomers(connection, quiet, now)
                for new in some:
                    if placed.get((new.channel, new.fingerprint)) is not new:
                        await self._put(connection, new, now)

    async def _put_newcomers(
        self, connection: AsyncConnection, some: Sequence[NewTarget], now: datetime
    ) -> dict[tuple[str, str], NewTarget]:
        """Store the targets that are new; returns them. Only for channels without a running dispatch."""
        fresh = {(new.channel, new.fingerprint): new for new in some}
        for known in await self._ids(connection, fresh):
            del fresh[known]
        if not fresh:
            return {}
        rows = [{**_values(new), "created_at": now} for new in fresh.values()]
        await connection.execute(targets.insert(), rows)
        ids = await self._ids(connection, fresh)
        sealed = [
            {"target_id": ids[key], "sealed": self._book.seal(ids[key], new.address)} for key, new in fresh.items()
        ]
        await connection.execute(addresses.insert(), sealed)
        cells = [{"target_id": ids[key], "cell": cell} for key, new in fresh.items() for cell in sorted(new.places)]
        if cells:
            await connection.execute(target_cells.insert(), cells)
        return fresh

    async def _ids(self, connection: AsyncConnection, named: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Return the ids of the stored ones among these targets, by channel and fingerprint."""
        query = select(targets.c.id, targets.c.channel, targets.c.fingerprint).where(
            targets.c.channel.in_({channel for channel, _ in named}),
            targets.c.fingerprint.in_([fingerprint for _, fingerprint in named]),
        )
        rows = (await connection.execute(query)).all()
        return {(row.channel, row.fingerprint): row.id for row in rows if (row.channel, row.fingerprint) in named}

    async def _put(self, connection: AsyncConnection, new: NewTarget, now: datetime) -> int:
        query = select(targets).where(targets.c.channel == new.channel, targets.c.fingerprint == new.fingerprint)
        known = (await connection.execute(query)).first()
        before = None if known is None else await _record(connection, known)
        target_id = await self._upsert(connection, new, now)
        await self._place(connection, target_id, new)
        await self._enrol(connection, target_id, new, now, before=before)
        return target_id

    async def _upsert(self, connection: AsyncConnection, new: NewTarget, now: datetime) -> int:
        values = _values(new)
        statement = insert(connection, targets).values(**values, created_at=now)
        upsert = statement.on_conflict_do_update(index_elements=["channel", "fingerprint"], set_=values)
        return int((await connection.execute(upsert.returning(targets.c.id))).scalar_one())

    async def _place(self, connection: AsyncConnection, target_id: int, new: NewTarget) -> None:
        sealed = {"target_id": target_id, "sealed": self._book.seal(target_id, new.address)}
        statement = insert(connection, addresses).values(sealed)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["target_id"], set_={"sealed": statement.excluded.sealed})
        )
        await connection.execute(target_cells.delete().where(target_cells.c.target_id == target_id))
        if new.places:
            rows = [{"target_id": target_id, "cell": cell} for cell in sorted(new.places)]
            await connection.execute(target_cells.insert(), rows)

    async def _enrol(
        self, connection: AsyncConnection, target_id: int, new: NewTarget, now: datetime, *, before: TargetRecord | None
    ) -> None:
        """Plan the target for every warning in force at its places that it was not planned for yet.

        A target that was inactive and is active again is planned again: what was sent meanwhile did not reach it. So
        is one that moves from a ring the planner has not reached yet to one it has passed.
        """
        back = before is not None and not before.active
        running = and_(
            dispatches.c.channel == new.channel,
            dispatches.c.variant == Variant.MESSAGE,
            dispatches.c.kind.not_in(_ENDINGS),
            dispatches.c.state.in_(RUNNING),
            dispatches.c.deadline > now,
        )
        # Locked, so that the planner's cursor cannot move between the comparison and the insert.
        held = lock_no_key_update(select(dispatches).where(running).order_by(dispatches.c.id))
        for dispatch in (await connection.execute(held)).all():
            if dispatch.joined_only and not new.joined:
                continue
            ring = await ring_of(connection, dispatch, new.places)
            if _planner_comes(dispatch, ring, target_id):
                continue
            slips = before is not None and _planner_comes(
                dispatch, await ring_of(connection, dispatch, before.places), target_id
            )
            if await self._lacks(connection, dispatch, target_id, new, back=back or slips):
                await self._plan_one(connection, dispatch, target_id, new, now, ring)

    async def _lacks(
        self, connection: AsyncConnection, dispatch: Row[Any], target_id: int, new: NewTarget, *, back: bool
    ) -> bool:
        known = exists().where(
            enrolled.c.incident_id == dispatch.incident_id,
            enrolled.c.channel == dispatch.channel,
            enrolled.c.target_id == target_id,
        )
        if (await connection.execute(select(known))).scalar():
            return back and not await self._is_waiting(connection, dispatch.id, target_id)
        return await self._matches(connection, dispatch, target_id, new)

    async def _is_waiting(self, connection: AsyncConnection, dispatch_id: int, target_id: int) -> bool:
        waiting = select(batches.c.targets).where(
            batches.c.dispatch_id == dispatch_id, batches.c.state.in_((BatchState.OPEN, BatchState.CLAIMED))
        )
        return any(target_id in ids for ids in (await connection.execute(waiting)).scalars())

    async def _matches(self, connection: AsyncConnection, dispatch: Row[Any], target_id: int, new: NewTarget) -> bool:
        if new.everywhere or not new.places:
            return new.everywhere
        here = exists().where(
            alert_cells.c.incident_id == dispatch.incident_id,
            alert_cells.c.revision == dispatch.revision,
            alert_cells.c.cell == target_cells.c.cell,
            target_cells.c.target_id == target_id,
        )
        return bool((await connection.execute(select(here))).scalar())

    async def _plan_one(
        self, connection: AsyncConnection, dispatch: Row[Any], target_id: int, new: NewTarget, now: datetime, ring: int
    ) -> None:
        key = {"incident_id": dispatch.incident_id, "channel": dispatch.channel, "target_id": target_id}
        await connection.execute(insert(connection, enrolled).values(key).on_conflict_do_nothing())
        row = new_batch(dispatch.id, new.origin, new.language, [target_id], due=now, ring=ring)
        await connection.execute(batches.insert().values(row))
        more = dispatches.update().where(dispatches.c.id == dispatch.id).values(planned=dispatches.c.planned + 1)
        await connection.execute(more)

    async def find(self, channel: str, fingerprint: str) -> TargetRecord | None:
        """Return the active target with this fingerprint, or None."""
        query = select(targets).where(
            targets.c.channel == channel, targets.c.fingerprint == fingerprint, targets.c.active
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
            return await _record(connection, row) if row else None

    async def get(self, target_id: int) -> TargetRecord | None:
        """Return an active target by id, or None."""
        query = select(targets).where(targets.c.id == target_id, targets.c.active)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
            return await _record(connection, row) if row else None

    async def remove(self, target_id: int) -> None:
        """Delete a target with its address, places and confirmations; irreversible (promise 14)."""
        async with self._database.write() as connection:
            for table in (addresses, target_cells, enrolled, shown, confirmations):
                await connection.execute(table.delete().where(table.c.target_id == target_id))
            await connection.execute(targets.delete().where(targets.c.id == target_id))

    async def list(self, channel: str) -> Sequence[TargetRecord]:
        """Return all active targets of a channel, for small channels such as screens."""
        query = select(targets).where(targets.c.channel == channel, targets.c.active).order_by(targets.c.id)
        theirs = select(target_cells).where(
            target_cells.c.target_id.in_(query.with_only_columns(targets.c.id).order_by(None))
        )
        places: dict[int, set[str]] = {}
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            for target_id, cell in (await connection.execute(theirs)).all():
                places.setdefault(target_id, set()).add(cell)
        return [_as_record(row, frozenset(places.get(row.id, ()))) for row in rows]

    async def seen(self, target_id: int, at: datetime) -> None:
        """Record when the target last sent something."""
        async with self._database.write() as connection:
            await connection.execute(targets.update().where(targets.c.id == target_id).values(last_seen=at))

    async def count(self, channel: str) -> int:
        """Return the number of active targets of a channel."""
        query = select(func.count()).select_from(targets).where(targets.c.channel == channel, targets.c.active)
        async with self._database.read() as connection:
            return int((await connection.execute(query)).scalar_one())


class SqlConfirmations:
    """``realis.ports.targets.Confirmations`` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def confirm(self, channel: str, reports: Sequence[DisplayReport]) -> frozenset[DisplayReport]:
        """Record what targets showed and when they were last seen, in one transaction. Idempotent.

        Returns:
            The reports of targets that were planned for the revision; the others are ignored.
        """
        if not reports:
            return frozenset()
        return await self._database.writing(lambda connection: _confirm(connection, channel, reports))


async def _confirm(
    connection: AsyncConnection, channel: str, reports: Sequence[DisplayReport]
) -> frozenset[DisplayReport]:
    planned: set[DisplayReport] = set()
    for incident, revision in {(report.incident, report.revision): None for report in reports}:
        own = [report for report in reports if (report.incident, report.revision) == (incident, revision)]
        meant = await _planned(connection, channel, incident, revision, [report.target_id for report in own])
        planned.update(report for report in own if report.target_id in meant)
    if planned:
        rows = [
            {
                "incident_id": report.incident,
                "revision": report.revision,
                "channel": channel,
                "target_id": report.target_id,
                "at": report.at,
                "who": "",
            }
            for report in planned
        ]
        await connection.execute(insert(connection, confirmations).on_conflict_do_nothing(), rows)
        heard = [{"target": report.target_id, "at": report.at} for report in planned]
        await connection.execute(_HEARD, heard)
    return frozenset(planned)


_HEARD = targets.update().where(targets.c.id == bindparam("target")).values(last_seen=bindparam("at", type_=Instant))


async def _planned(
    connection: AsyncConnection, channel: str, incident: UUID, revision: int, ids: Sequence[int]
) -> frozenset[int]:
    dialect = connection.dialect.name
    issued = exists().where(
        dispatches.c.incident_id == enrolled.c.incident_id,
        dispatches.c.channel == enrolled.c.channel,
        dispatches.c.revision == revision,
    )
    query = select(enrolled.c.target_id).where(
        enrolled.c.incident_id == incident,
        enrolled.c.channel == channel,
        enrolled.c.target_id.in_(numbers(dialect)),
        issued,
    )
    found = await connection.execute(query, {"numbers": bind_ids(dialect, ids)})
    return frozenset(found.scalars())


def _planner_comes(dispatch: Row[Any], ring: int, target_id: int) -> bool:
    """Whether the planner, which proceeds by ring and within a ring by id, will still reach this target."""
    ahead = (ring, target_id) > (dispatch.ring, dispatch.cursor)
    return ahead and target_id <= dispatch.watermark and dispatch.state == DispatchState.PLANNING


def _values(new: NewTarget) -> dict[str, object]:
    return {
        "channel": new.channel,
        "fingerprint": new.fingerprint,
        "origin": new.origin,
        "language": new.language,
        "joined": new.joined,
        "everywhere": new.everywhere,
        "active": True,
        "label": new.label,
    }


async def _record(connection: AsyncConnection, row: Row[Any]) -> TargetRecord:
    cells = select(target_cells.c.cell).where(target_cells.c.target_id == row.id)
    return _as_record(row, frozenset((await connection.execute(cells)).scalars()))


def _as_record(row: Row[Any], places: frozenset[str]) -> TargetRecord:
    return TargetRecord(
        id=row.id,
        channel=row.channel,
        language=row.language,
        joined=row.joined,
        active=row.active,
        places=places,
        everywhere=row.everywhere,
        label=row.label,
        last_seen=row.last_seen,
    )
