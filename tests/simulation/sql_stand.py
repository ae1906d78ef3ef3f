"""The real SQL store as a schedule uses it: virtual time stands still while the database works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from sqlalchemy import func, select

from realis.ports.clock import Clock
from realis.ports.stores import AlertStore, BatchStore, DeskStore
from realis.ports.targets import Targets
from realis.storage.addresses import AddressBook
from realis.storage.alerts import SqlAlerts
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.ledger.batches import SqlBatches
from realis.storage.ledger.delivery_statistics import count_dispatch
from realis.storage.ledger.dispatch_rows import BatchState, DispatchState
from realis.storage.schema import batches, dispatches, targets
from realis.storage.targets import SqlTargets
from tests.simulation.virtual_time import VirtualLoop
from tests.simulation.witness import PromiseBrokenError
from tests.support.core_world import PlainSealer


class OneAtATime:
    """A store whose calls come one after the other, in the order in which they were made."""

    def __init__(self, store: object, loop: VirtualLoop, turn: asyncio.Lock) -> None:
        self._store = store
        self._loop = loop
        self._turn = turn

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:  # Any: the port's own types
        method = getattr(self._store, name)

        async def call(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
            with self._loop.busy():
                async with self._turn:
                    # A transaction that has begun ends, also when the one who asked is killed. The name decides
                    # where chance is drawn from.
                    asking = asyncio.current_task()
                    name_of = asking.get_name() if asking else None
                    return await asyncio.shield(self._loop.create_task(method(*args, **named), name=name_of))

        return call


class SqlStand:
    """``schedule.Store`` over a database that was migrated before."""

    def __init__(self, database: Database, clock: Clock, loop: VirtualLoop) -> None:
        self._database = database
        self._loop = loop
        book, turn = AddressBook(PlainSealer()), asyncio.Lock()
        self.desk = cast(DeskStore, OneAtATime(SqlDesk(database, clock), loop, turn))
        self.alerts = cast(AlertStore, OneAtATime(SqlAlerts(database), loop, turn))
        self.batches = cast(BatchStore, OneAtATime(SqlBatches(database, book), loop, turn))
        self.targets = cast(Targets, OneAtATime(SqlTargets(database, book, clock), loop, turn))

    async def finished(self) -> bool:
        """Whether nothing is waiting, planned, open or claimed any more."""
        working = dispatches.c.state.in_((DispatchState.WAITING, DispatchState.PLANNING))
        live = batches.c.state.in_((BatchState.OPEN, BatchState.CLAIMED))
        with self._loop.busy():
            async with self._database.read() as connection:
                for table, condition in ((dispatches, working), (batches, live)):
                    query = select(func.count()).select_from(table).where(condition)
                    if (await connection.execute(query)).scalar_one():
                        return False
        return True

    async def here(self) -> set[int]:
        """Targets that are active now."""
        with self._loop.busy():
            async with self._database.read() as connection:
                return set((await connection.execute(select(targets.c.id).where(targets.c.active))).scalars())

    async def check(self) -> None:
        """Sums equal the plan."""
        with self._loop.busy():
            async with self._database.read() as connection:
                rows = (await connection.execute(select(dispatches).order_by(dispatches.c.id))).all()
                counts = [await count_dispatch(connection, row) for row in rows]
        for count in counts:
            if sum(count.states.values()) != count.planned:
                raise PromiseBrokenError(f"revision {count.revision} on {count.channel}: {count}")
