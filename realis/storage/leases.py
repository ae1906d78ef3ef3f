"""Mutual exclusion by leases in the database: for an account's pace, and for the batches being sent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, or_

from realis.storage.database import Database, insert
from realis.storage.ledger.dispatch_rows import BatchState
from realis.storage.schema import batches, leases


class SqlLeases:
    """``realis.ports.stores.Leases`` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, owner: str, *, now: datetime, lease_s: float) -> bool:
        """Acquire or prolong a lease; False while another owner's has not ended."""
        values = {"name": name, "owner": owner, "until": now + timedelta(seconds=lease_s)}
        async with self._database.write() as connection:
            # One statement, so that of two processes that take a lapsed lease at once only one becomes the owner.
            statement = insert(connection, leases).values(values)
            taken = await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"owner": statement.excluded.owner, "until": statement.excluded.until},
                    where=or_(leases.c.owner == owner, leases.c.until <= now),
                ).returning(leases.c.owner)
            )
            return taken.scalar() == owner

    async def renew(
        self, owner: str, *, sending: Collection[int], names: Collection[str], now: datetime, lease_s: float
    ) -> None:
        """Prolong these batches' and names' leases, where they are still this owner's."""
        until = now + timedelta(seconds=lease_s)
        # Owner and state are checked in the UPDATE: a lease that lapsed may belong to another worker by now.
        mine = and_(batches.c.id.in_(sending), batches.c.owner == owner, batches.c.state == BatchState.CLAIMED)
        kept = and_(leases.c.name.in_(names), leases.c.owner == owner)
        async with self._database.write() as connection:
            await connection.execute(batches.update().where(mine).values(lease_until=until))
            await connection.execute(leases.update().where(kept).values(until=until))
