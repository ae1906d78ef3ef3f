"""Planning in SQL: dispatches become frozen batches, step by step; late and abandoned ones are closed.

Each step commits batches and cursor together, so a crash between two steps neither skips nor repeats a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import Integer, Row, String, Uuid, and_, bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.area import OUTERMOST_RING
from realis.model.delivery import State
from realis.model.draft import Variant
from realis.ports.channel import ChannelCapabilities
from realis.storage.database import Database, insert
from realis.storage.ledger.audience_queries import audience, bind_ids, everyone, next_ring, numbers
from realis.storage.ledger.dispatch_rows import (
    RUNNING,
    BatchState,
    DispatchState,
    close_open_batches,
    closing_state,
    lock_for_update,
    lock_no_key_update,
    new_batch,
)
from realis.storage.schema import Instant, batches, dispatches, enrolled

_DISPATCHES_PER_STEP = 20
"""Dispatches planned in one transaction at most: one message on every channel, and its expiry."""

_FIRST_BATCH = 50
"""Targets of a dispatch's first batch at most: it can be sent before the others are planned."""

_NOW = bindparam("now", type_=Instant)
_LAPSED = and_(batches.c.state == BatchState.CLAIMED, batches.c.lease_until <= _NOW)
_UNPLANNED = and_(dispatches.c.state == DispatchState.PLANNING, dispatches.c.deadline <= _NOW)
_LATE = and_(dispatches.c.state.in_(RUNNING), dispatches.c.deadline <= _NOW)
_STUCK = (
    select(dispatches.c.id)
    .join(batches, batches.c.dispatch_id == dispatches.c.id)
    .where(
        or_(
            and_(dispatches.c.state == DispatchState.SUPERSEDED, _LAPSED),
            and_(_LATE, or_(batches.c.state == BatchState.OPEN, _LAPSED)),
        )
    )
)
_ANY_STUCK = select(or_(exists(_STUCK), exists().where(_UNPLANNED)))

_DUE = and_(dispatches.c.state == DispatchState.WAITING, dispatches.c.due_at <= _NOW)
_ANY_DUE = select(exists().where(_DUE))

_TO_PLAN = and_(dispatches.c.state == DispatchState.PLANNING, dispatches.c.deadline > _NOW)
_GRAVEST = select(func.min(dispatches.c.gravity)).where(_TO_PLAN)
# Another worker may be planning them: the lock waits for its step, and planning resumes at the cursor it committed.
_NEXT = lock_no_key_update(
    select(dispatches)
    .where(_TO_PLAN, dispatches.c.gravity == bindparam("gravest"))
    .order_by(dispatches.c.id)
    .limit(_DISPATCHES_PER_STEP)
)


_NEW_BATCHES = batches.insert()
_PROGRESS = (
    dispatches.update()
    .where(dispatches.c.id == bindparam("dispatch"))
    .values(
        ring=bindparam("to_ring"),
        cursor=bindparam("to_cursor"),
        planned=dispatches.c.planned + bindparam("more", type_=Integer),
        state=bindparam("now_is"),
    )
)


@cache
def _record_addressed(dialect: str) -> Any:  # noqa: ANN401 - the dialects' Insert share no base
    """The INSERT that records planned targets, so that later revisions and the ending reach them too (promise 4)."""
    key = (bindparam("incident", type_=Uuid()), bindparam("channel", type_=String()))
    frozen = numbers(dialect).add_columns(*key)
    return (
        insert(dialect, enrolled).from_select(["target_id", "incident_id", "channel"], frozen).on_conflict_do_nothing()
    )


class Planning:
    """The planning of ``realis.ports.stores.BatchStore``."""

    _database: Database

    async def close_abandoned(self, now: datetime) -> None:
        """Close the batches that may not be sent any more: past the deadline, or superseded and with a lapsed lease."""
        # A read first: this runs every second, and a write would wait in line with the commits of outcomes.
        if not await self._database.ask(_ANY_STUCK, now=now):
            return
        async with self._database.write() as connection:
            # Targets not planned by the deadline are not planned any more: they get neither the warning nor its expiry.
            unplanned = dispatches.update().where(_UNPLANNED).values(state=DispatchState.SENDING)
            await connection.execute(unplanned, {"now": now})
            held = lock_for_update(select(dispatches).where(dispatches.c.id.in_(_STUCK)))
            for dispatch in (await connection.execute(held, {"now": now})).all():
                own = and_(_LAPSED, batches.c.dispatch_id == dispatch.id)
                await connection.execute(batches.update().where(own).values(state=BatchState.OPEN), {"now": now})
                await close_open_batches(connection, dispatch.id, await closing_state(connection, dispatch))

    async def start_due(self, now: datetime) -> int:
        """Start the planning of the expiry notices that are due; returns how many."""
        if not await self._database.ask(_ANY_DUE, now=now):
            return 0
        async with self._database.write() as connection:
            rows = (await connection.execute(lock_for_update(select(dispatches).where(_DUE)), {"now": now})).all()
            for row in rows:
                await self._expire_message(connection, row)
            started = (
                dispatches.update()
                .where(dispatches.c.id.in_([row.id for row in rows]))
                .values(state=DispatchState.PLANNING)
            )
            return int((await connection.execute(started)).rowcount)

    async def _expire_message(self, connection: AsyncConnection, expiry: Row[Any]) -> None:
        """End the warning's open batches and unrecord targets that were never tried: they need no expiry notice."""
        own = and_(
            dispatches.c.incident_id == expiry.incident_id,
            dispatches.c.channel == expiry.channel,
            dispatches.c.variant == Variant.MESSAGE,
        )
        ids = (await connection.execute(lock_for_update(select(dispatches.c.id).where(own)))).scalars().all()
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

    async def plan_step(
        self, now: datetime, limits: Mapping[str, ChannelCapabilities], *, most: int
    ) -> frozenset[str] | None:
        """Freeze the next targets of the gravest unplanned dispatches into batches, the nearest first.

        Returns:
            The channels planned for; None if nothing is left to plan.
        """
        return await self._database.writing(partial(self._step, now, limits, most))

    async def _step(
        self, now: datetime, limits: Mapping[str, ChannelCapabilities], most: int, connection: AsyncConnection
    ) -> frozenset[str] | None:
        gravest = (await connection.execute(_GRAVEST, {"now": now})).scalar()
        if gravest is None:
            return None
        planned: set[str] = set()
        for dispatch in (await connection.execute(_NEXT, {"now": now, "gravest": gravest})).all():
            own = limits.get(dispatch.channel, ChannelCapabilities(length=0))
            most -= await self._plan(connection, dispatch, own, now, most)
            planned.add(dispatch.channel)
            if most <= 0:
                break
        return frozenset(planned)

    async def _plan(
        self, connection: AsyncConnection, dispatch: Row[Any], limits: ChannelCapabilities, now: datetime, most: int
    ) -> int:
        """Plan one dispatch, ring by ring outwards; returns how many targets."""
        is_new = not dispatch.planned and not dispatch.cursor
        room = min(most, limits.batch, _FIRST_BATCH) if is_new else most
        ring, cursor, number, done = dispatch.ring, dispatch.cursor, 0, False
        if not limits.geo_targeted or not dispatch.match:
            ring = OUTERMOST_RING  # no target is found by place
        while True:
            rows = await self._look(connection, dispatch, limits, ring=ring, after=cursor, most=room - number)
            await self._freeze(connection, dispatch, rows, limits.batch, now, ring)
            number += len(rows)
            cursor = rows[-1].id if rows else cursor
            if number >= room:
                break
            if ring == OUTERMOST_RING:
                done = True
                break
            ring, cursor = await next_ring(connection, dispatch, ring), 0
        progress = {
            "dispatch": dispatch.id,
            "to_ring": ring,
            "to_cursor": cursor,
            "more": number,
            "now_is": DispatchState.SENDING if done else DispatchState.PLANNING,
        }
        await connection.execute(_PROGRESS, progress)
        return number

    async def _look(
        self,
        connection: AsyncConnection,
        dispatch: Row[Any],
        limits: ChannelCapabilities,
        *,
        ring: int,
        after: int,
        most: int,
    ) -> Sequence[Row[Any]]:
        if not limits.geo_targeted:
            return await everyone(connection, dispatch, after=after, most=most)
        return await audience(connection, dispatch, ring=ring, after=after, most=most)

    async def _freeze(
        self,
        connection: AsyncConnection,
        dispatch: Row[Any],
        rows: Sequence[Row[Any]],
        size: int,
        now: datetime,
        ring: int,
    ) -> None:
        if not rows:
            return
        groups: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            groups.setdefault((row.origin, row.language), []).append(row.id)
        await connection.execute(
            _NEW_BATCHES,
            [
                new_batch(dispatch.id, origin, language, ids[start : start + size], due=now, ring=ring)
                for (origin, language), ids in groups.items()
                for start in range(0, len(ids), size)
            ],
        )
        known = {
            "incident": dispatch.incident_id,
            "channel": dispatch.channel,
            "numbers": bind_ids(connection.dialect.name, [row.id for row in rows]),
        }
        await connection.execute(_record_addressed(connection.dialect.name), known)


def _chunks(ids: list[int], size: int) -> Iterable[list[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
