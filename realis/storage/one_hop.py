"""SQLite transactions that run in a thread from begin to commit: one thread switch, where each statement takes four.

Some forty statements are executed between the end of a release's pause and the first push; their overhead would be most
of that time. Independent of the tables.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Dialect, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Work = Callable[[AsyncConnection], Coroutine[Any, Any, T]]
"""The body of a transaction. It awaits its connection and nothing else."""


class _AtOnce:
    """The part of ``AsyncConnection`` that transactions use, over a blocking connection: no await ever suspends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        return self._connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:  # noqa: ANN401 - SQLAlchemy's
        """Return the statement's result, fully fetched."""
        return self._connection.execute(statement, parameters)


class OneHop:
    """Runs transactions over one engine, one per thread at the same time. Bound to one event loop."""

    def __init__(self, engine: Engine, *, threads: int, name: str) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Work[T]) -> T:
        """Return what ``work`` returns, after the commit; any error rolls back.

        Raises:
            RuntimeError: ``work`` awaited something other than its connection.
        """
        within = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, within.run, self._transact, work)

    def close(self) -> None:
        """Wait for running transactions, drop queued ones and close the connections."""
        self._threads.shutdown(cancel_futures=True)
        self._engine.dispose()

    def _transact(self, work: Work[T]) -> T:
        with self._engine.begin() as connection:
            return _driven(work(cast("AsyncConnection", _AtOnce(connection))))


def _driven(running: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends; raises ``RuntimeError`` if it does."""
    try:
        running.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    running.close()
    raise RuntimeError("a transaction may await nothing but its connection")
