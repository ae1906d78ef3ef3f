"""SQLite transactions that run in a thread from beginning to end: one hop, where a statement by itself takes four.

A warning passes through some forty statements between the end of its pause and the first phone; what each of them
costs beside its work is most of the time. It knows no table and decides nothing.
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
"""What a transaction does. It awaits its connection and nothing else."""


class _AtOnce:
    """As much of ``AsyncConnection`` as a transaction needs, over a connection whose answers are there at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        return self._connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:  # noqa: ANN401 - SQLAlchemy's
        """The statement's result, whole."""
        return self._connection.execute(statement, parameters)


class OneHop:
    """Runs transactions over one engine, as many at once as it has threads. Belongs to one event loop."""

    def __init__(self, engine: Engine, *, threads: int, name: str) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Work[T]) -> T:
        """What ``work`` returns; committed then, rolled back on any error.

        Raises:
            RuntimeError: it awaited something else than its connection.
        """
        within = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, within.run, self._transact, work)

    def close(self) -> None:
        """Wait for what is running and give everything back."""
        self._threads.shutdown(cancel_futures=True)
        self._engine.dispose()

    def _transact(self, work: Work[T]) -> T:
        with self._engine.begin() as connection:
            return _driven(work(cast("AsyncConnection", _AtOnce(connection))))


def _driven(running: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait to its end."""
    try:
        running.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    running.close()
    raise RuntimeError("a transaction may await nothing but its connection")
