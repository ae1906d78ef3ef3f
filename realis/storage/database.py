"""The database: engines, transactions and the locks that order them. It knows no table.

SQLite: WAL, ``synchronous=FULL``, one writer connection whose transactions begin IMMEDIATE, a few
readers beside it. PostgreSQL: one pool; ``lock`` takes an advisory lock for the transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import Table

READERS = 4
BUSY_TIMEOUT_S = 10


class Lock(IntEnum):
    """What must happen in one order across all processes."""

    ISSUE = 1
    AUDIT = 2


class Database:
    """One database, open. ``async with database.write() as connection`` is a transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writer = _sqlite_engine(url, immediate=True) if self.is_sqlite else create_async_engine(url)
        self._readers = _sqlite_engine(url, immediate=False) if self.is_sqlite else self._writer
        # One writer connection: waiting here is fair, waiting inside SQLite is a lottery.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction, committed at the end of the block, rolled back on any error."""
        if not self.is_sqlite:
            async with self._writer.begin() as connection:
                yield connection
            return
        async with self._turn, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view to read from."""
        async with self._readers.begin() as connection:
            yield connection

    async def lock(self, connection: AsyncConnection, lock: Lock) -> None:
        """Take a lock until the transaction ends. SQLite's only writer holds every lock already."""
        if not self.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(lock)})

    async def close(self) -> None:
        """Give back all connections."""
        await self._writer.dispose()
        if self._readers is not self._writer:
            await self._readers.dispose()


def insert(connection: AsyncConnection, table: Table) -> Any:  # noqa: ANN401 - the dialects' Insert share no base
    """An INSERT with ON CONFLICT for the connection's dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def _sqlite_engine(url: str, *, immediate: bool) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=1 if immediate else READERS, max_overflow=0, connect_args={"timeout": BUSY_TIMEOUT_S}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        # The driver must not begin transactions of its own: ours begin IMMEDIATE or plain, below.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's sync connection
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
