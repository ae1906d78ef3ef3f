"""The ledger of every dispatch: the ``BatchStore`` port in SQL, joined from its parts, with upkeep and statistics."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, union

from realis.ports.read_models import ChannelCount
from realis.storage.ledger.claims import Claims
from realis.storage.ledger.delivery_statistics import channel_counts
from realis.storage.ledger.dispatch_rows import BatchState, DispatchState, close_open_batches, closing_state
from realis.storage.ledger.outcomes import Outcomes
from realis.storage.ledger.planning import Planning
from realis.storage.schema import Instant, batches, dispatches

_LATER = union(
    select(func.min(dispatches.c.due_at).label("due")).where(dispatches.c.state == DispatchState.WAITING),
    select(func.min(batches.c.due_at).label("due")).where(
        batches.c.state == BatchState.OPEN, ~batches.c.held, batches.c.due_at > bindparam("now", type_=Instant)
    ),
).subquery()
_NEXT_DUE = select(func.min(_LATER.c.due))


class SqlBatches(Claims, Planning, Outcomes):
    """``realis.ports.stores.BatchStore`` in SQL: planning, claims, outcomes and statistics."""

    async def reclaim(self) -> int:
        """Release all claims at start, when no other process can be sending; returns how many."""
        async with self._database.write() as connection:
            claimed = batches.c.state == BatchState.CLAIMED
            superseded = (
                select(dispatches)
                .distinct()
                .join(batches, batches.c.dispatch_id == dispatches.c.id)
                .where(dispatches.c.state == DispatchState.SUPERSEDED, claimed)
            )
            # Read before the claims are released: an open batch of a superseded dispatch is closed, never sent again.
            ended = (await connection.execute(superseded)).all()
            freed = await connection.execute(batches.update().where(claimed).values(state=BatchState.OPEN))
            for dispatch in ended:
                await close_open_batches(connection, dispatch.id, await closing_state(connection, dispatch))
            return int(freed.rowcount)

    async def next_due(self, now: datetime) -> datetime | None:
        """Return when the next open batch or expiry notice is due, or None."""
        found: datetime | None = await self._database.ask(_NEXT_DUE, now=now)
        return found

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """Return the counts of every dispatch of the incident's newest revision (and its expiry), by channel."""
        return await self._database.reading(lambda connection: channel_counts(connection, incident))
