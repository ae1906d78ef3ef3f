"""Figures for monitoring, read from the database in one short transaction. Writes nothing and takes no lock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.delivery import State
from realis.ports.metrics import QueueFigures, RecordFigures
from realis.storage.database import Database
from realis.storage.ledger.dispatch_rows import BatchState
from realis.storage.schema import Instant, batches, dispatches, holds, leases, releases, tallies

_WAITING = and_(batches.c.state == BatchState.OPEN, ~batches.c.held)
_HELD = and_(batches.c.state == BatchState.OPEN, batches.c.held)
_CLAIMED = batches.c.state == BatchState.CLAIMED

# The index on the state limits this to the batches that are not done, so the cost does not grow with the history.
_QUEUES = (
    select(
        dispatches.c.channel,
        func.sum(case((_WAITING, batches.c.size), else_=0)).label("open"),
        func.sum(case((_HELD, batches.c.size), else_=0)).label("held"),
        func.sum(case((_CLAIMED, batches.c.size), else_=0)).label("claimed"),
        func.min(case((_WAITING, batches.c.due_at))).label("oldest_due"),
    )
    .join(dispatches, dispatches.c.id == batches.c.dispatch_id)
    .where(batches.c.state.in_((BatchState.OPEN, BatchState.CLAIMED)))
    .group_by(dispatches.c.channel)
)
_ENDED = (
    select(dispatches.c.channel, tallies.c.state, func.sum(tallies.c.number).label("number"))
    .join(dispatches, dispatches.c.id == tallies.c.dispatch_id)
    .group_by(dispatches.c.channel, tallies.c.state)
)
_RELEASES = select(func.count().label("number"), func.min(releases.c.due_at).label("due")).where(
    releases.c.state == "pending"
)
_LEASES = select(func.count()).select_from(leases).where(leases.c.until > bindparam("now", type_=Instant))


async def read_figures(database: Database, now: datetime) -> RecordFigures:
    """The figures at one moment.

    Raises:
        StoreUnavailable: the database does not answer.
    """

    async def look(connection: AsyncConnection) -> RecordFigures:
        pending = (await connection.execute(_RELEASES)).one()
        return RecordFigures(
            queues=await _queues(connection),
            ended=await _ended(connection),
            on_hold=frozenset((await connection.execute(select(holds.c.channel))).scalars()),
            pending_releases=pending.number,
            oldest_release_due=pending.due,
            leases=int((await connection.execute(_LEASES, {"now": now})).scalar_one()),
        )

    return await database.reading(look)


async def _queues(connection: AsyncConnection) -> dict[str, QueueFigures]:
    rows = (await connection.execute(_QUEUES)).all()
    return {row.channel: QueueFigures(int(row.open), int(row.held), int(row.claimed), row.oldest_due) for row in rows}


async def _ended(connection: AsyncConnection) -> dict[tuple[str, State], int]:
    rows = (await connection.execute(_ENDED)).all()
    return {(row.channel, State(row.state)): int(row.number) for row in rows}
