"""How each channel stands: derived from tallies, open batches and confirmations. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.delivery import State
from realis.ports import ChannelCount, Kind
from realis.storage.ledger import BatchState, DispatchState
from realis.storage.schema import batches, confirmations, dispatches, tallies

_HIDDEN = (DispatchState.WAITING, DispatchState.VOIDED)


async def channel_counts(connection: AsyncConnection, incident: UUID) -> tuple[ChannelCount, ...]:
    """The dispatches of the incident's newest revision, by channel."""
    newest = select(func.max(dispatches.c.revision)).where(dispatches.c.incident_id == incident)
    query = (
        select(dispatches)
        .where(
            dispatches.c.incident_id == incident,
            dispatches.c.revision == newest.scalar_subquery(),
            dispatches.c.state.not_in(_HIDDEN),
        )
        .order_by(dispatches.c.channel, dispatches.c.id)
    )
    return tuple([await count_dispatch(connection, row) for row in (await connection.execute(query)).all()])


async def count_dispatch(connection: AsyncConnection, dispatch: Row[Any]) -> ChannelCount:
    """How one dispatch stands now; the sums of its states equal what was planned so far."""
    states, kinds = await _closed(connection, dispatch.id)
    for state, number in (await _open(connection, dispatch.id)).items():
        states[state] = states.get(state, 0) + number
    done = await _done(connection, dispatch.id)
    return ChannelCount(
        channel=dispatch.channel,
        incident=dispatch.incident_id,
        revision=dispatch.revision,
        kind=Kind(dispatch.kind),
        planned=dispatch.planned,
        states=states,
        failures=kinds,
        confirmed=await _confirmed(connection, dispatch),
        planning_done=dispatch.state != DispatchState.PLANNING,
        first_ms=_ms(dispatch.issued_at, dispatch.first_accepted),
        p50_ms=_ms(dispatch.issued_at, _share(done, 0.5)),
        p99_ms=_ms(dispatch.issued_at, _share(done, 0.99)),
        last_ms=_ms(dispatch.issued_at, dispatch.last_accepted),
        retry_due=await _retry_due(connection, dispatch.id),
        deadline=dispatch.deadline,
    )


async def _closed(connection: AsyncConnection, dispatch_id: int) -> tuple[dict[State, int], dict[str, int]]:
    rows = (await connection.execute(select(tallies).where(tallies.c.dispatch_id == dispatch_id))).all()
    states: dict[State, int] = {}
    kinds: dict[str, int] = {}
    for row in rows:
        states[State(row.state)] = states.get(State(row.state), 0) + row.number
        if row.failure:
            kinds[row.failure] = kinds.get(row.failure, 0) + row.number
    return states, kinds


async def _open(connection: AsyncConnection, dispatch_id: int) -> dict[State, int]:
    state = case(
        (batches.c.held, State.HELD.value), (batches.c.attempt > 1, State.RETRYING.value), else_=State.PLANNED.value
    )
    query = (
        select(state.label("stage"), func.sum(batches.c.size).label("number"))
        .where(
            batches.c.dispatch_id == dispatch_id,
            or_(batches.c.state == BatchState.OPEN, batches.c.state == BatchState.CLAIMED),
        )
        .group_by("stage")
    )
    return {State(row.stage): int(row.number) for row in (await connection.execute(query)).all()}


async def _done(connection: AsyncConnection, dispatch_id: int) -> Sequence[tuple[datetime, int]]:
    """When batches were recorded, and how many of each were accepted, in that order."""
    query = (
        select(batches.c.done_at, batches.c.accepted)
        .where(batches.c.dispatch_id == dispatch_id, batches.c.accepted > 0)
        .order_by(batches.c.done_at)
    )
    return [(at, number) for at, number in (await connection.execute(query)).all()]


def _share(done: Sequence[tuple[datetime, int]], share: float) -> datetime | None:
    """When this share of those accepted so far had been recorded."""
    wanted = share * sum(number for _, number in done)
    for at, so_far in zip((at for at, _ in done), accumulate(number for _, number in done), strict=True):
        if so_far >= wanted:
            return at
    return None


async def _retry_due(connection: AsyncConnection, dispatch_id: int) -> datetime | None:
    waiting = and_(batches.c.state == BatchState.OPEN, batches.c.attempt > 1, ~batches.c.held)
    query = select(func.min(batches.c.due_at)).where(batches.c.dispatch_id == dispatch_id, waiting)
    due: datetime | None = (await connection.execute(query)).scalar()
    return due


async def _confirmed(connection: AsyncConnection, dispatch: Row[Any]) -> int:
    of_dispatch = and_(
        confirmations.c.incident_id == dispatch.incident_id,
        confirmations.c.revision == dispatch.revision,
        confirmations.c.channel == dispatch.channel,
    )
    query = select(func.count()).select_from(confirmations).where(of_dispatch)
    return int((await connection.execute(query)).scalar_one())


def _ms(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds() * 1000
