"""The database: engines, transactions and the locks that order them. Independent of the tables.

SQLite: WAL, ``synchronous=FULL``, one writer connection whose transactions begin IMMEDIATE, a few readers beside it.
PostgreSQL: one pool; writers run READ COMMITTED and are ordered by row locks and by the advisory locks of ``lock``,
readers run REPEATABLE READ. A database that is unreachable, full or busy raises ``StoreUnavailable``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import IntEnum
from typing import Any

from sqlalchemy import Engine, Executable, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import Table

from realis.model.errors import StoreUnavailable
from realis.storage.one_hop import OneHop, T, Work

READERS = 4
BUSY_TIMEOUT_S = 10
CONNECTIONS = 10
CONNECT_S = 5
STATEMENT_S = 60

FAILED_LATELY_S = 5.0

_SERVER_SETTINGS = {
    "application_name": "realis",
    "jit": "off",
    "statement_timeout": f"{STATEMENT_S}s",
    # A process frozen inside a transaction must not hold its locks against all others.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "20s",
    # The loss of a client machine is detected within half a minute (15 s idle, then 3 probes 5 s apart).
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_AWAY = ("08", "53", "57014", "57P", "40001", "40P01", "55P03", "25P03", "58030")
"""SQLSTATEs (classes) that pass: connection, resources, shutdown, serialization, deadlock, lock and idle timeouts."""

_SQLITE_AWAY = ("disk is full", "disk I/O error", "database is locked", "unable to open database file")


class Lock(IntEnum):
    """Keys of the advisory locks: each orders one kind of transaction across all processes."""

    ISSUE = 1
    AUDIT = 2
    MIGRATE = 3
    HOLDS = 4


class Database:
    """One database, open. ``async with database.write() as connection`` is a transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writer = _sqlite_engine(url, immediate=True) if self.is_sqlite else _postgres_engine(url)
        self._readers = _sqlite_engine(url, immediate=False) if self.is_sqlite else _snapshots(self._writer)
        # One writer connection: asyncio.Lock is FIFO; SQLite's busy handler is not.
        self._turn = asyncio.Lock()
        self._failed_at: float | None = None
        self._write_hop = _one_hop(url, immediate=True) if self.is_sqlite else None
        self._read_hop = _one_hop(url, immediate=False) if self.is_sqlite else None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction, committed at the end of the block, rolled back on any error."""
        with self._noting(), _map_driver_errors():
            if not self.is_sqlite:
                async with self._writer.begin() as connection:
                    yield connection
                return
            async with self._turn, self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction on one snapshot."""
        with _map_driver_errors():
            async with self._readers.begin() as connection:
                yield connection

    async def writing(self, work: Work[T]) -> T:
        """Run ``work`` as a writing transaction, committed when it returns, rolled back on any error.

        For latency-critical transactions: on SQLite the whole of it takes one switch to a thread instead of one per
        statement. ``work`` may await nothing but the connection.
        """
        with self._noting(), _map_driver_errors():
            if self._write_hop is None:
                async with self._writer.begin() as connection:
                    return await work(connection)
            async with self._turn:
                return await self._write_hop.run(work)

    async def reading(self, work: Work[T]) -> T:
        """Run ``work`` on one snapshot, in one hop as ``writing``."""
        with _map_driver_errors():
            if self._read_hop is None:
                async with self._readers.begin() as connection:
                    return await work(connection)
            return await self._read_hop.run(work)

    async def ask(self, question: Executable, **parameters: object) -> Any:  # noqa: ANN401 - depends on the query
        """Return the first column of the query's first row, or None."""

        async def look(connection: AsyncConnection) -> object:
            return (await connection.execute(question, parameters)).scalar()

        return await self.reading(look)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable:
            self._failed_at = asyncio.get_running_loop().time()
            raise

    async def takes_writes(self) -> bool:
        """Whether no write failed in the last ``FAILED_LATELY_S`` seconds; outcomes are retried far more often.

        No trial write is made: on a full disk a small one succeeds where a batch does not fit.
        """
        return self._failed_at is None or asyncio.get_running_loop().time() - self._failed_at > FAILED_LATELY_S

    def since_failed_write_s(self) -> float | None:
        """Seconds since a write last failed; None if none has."""
        return None if self._failed_at is None else asyncio.get_running_loop().time() - self._failed_at

    async def lock(self, connection: AsyncConnection, lock: Lock) -> None:
        """Hold a lock until the transaction ends. On SQLite the only writer is already serialised."""
        if not self.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(lock)})

    async def close(self) -> None:
        """Close all connections."""
        for hop in (self._write_hop, self._read_hop):
            if hop is not None:
                hop.close()
        await self._writer.dispose()
        await self._readers.dispose()


def insert(of: AsyncConnection | str, table: Table) -> Any:  # noqa: ANN401 - the dialects' Insert share no base
    """An INSERT with ON CONFLICT for the dialect of a connection, or the one named."""
    if (of if isinstance(of, str) else of.dialect.name) == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


@contextmanager
def _map_driver_errors() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for driver errors that may pass; any other is a bug and propagates unchanged."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or _passes(error.orig):
            raise StoreUnavailable("store-not-answering") from error
        raise
    except (OSError, TimeoutError, PoolTimeoutError) as error:
        raise StoreUnavailable("store-unreachable") from error


def _passes(error: BaseException | None) -> bool:
    state = str(getattr(error, "sqlstate", None) or "")
    return state.startswith(_AWAY) or any(words in str(error) for words in _SQLITE_AWAY)


def _postgres_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={"timeout": CONNECT_S, "command_timeout": STATEMENT_S, "server_settings": _SERVER_SETTINGS},
    )
    event.listens_for(engine.sync_engine, "checkout")(_replace_closed)
    return engine


def _replace_closed(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - the driver's own type
    """Let the pool replace all connections the server has closed, before a statement fails on them.

    The event loop has already noticed the close; a ping (``pool_pre_ping``) costs three more round trips for every
    transaction.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


def _snapshots(engine: AsyncEngine) -> AsyncEngine:
    """The same pool for reading: REPEATABLE READ, read-only."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite_engine(url: str, *, immediate: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=1 if immediate else READERS,
        max_overflow=0,
        pool_reset_on_return=None,  # every transaction is a block that commits or rolls back: nothing to reset
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )
    _configure(engine.sync_engine, immediate=immediate)
    return engine


def _one_hop(url: str, *, immediate: bool) -> OneHop:
    threads = 1 if immediate else READERS
    engine = create_engine(
        url.replace("+aiosqlite", "", 1),
        pool_size=threads,
        max_overflow=0,
        pool_reset_on_return=None,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )
    _configure(engine, immediate=immediate)
    return OneHop(engine, threads=threads, name="sqlite-write" if immediate else "sqlite-read")


def _configure(engine: Engine, *, immediate: bool) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        # The driver's implicit BEGIN is off: transactions begin below, a writer's as IMMEDIATE, because a deferred one
        # that turns into a writer fails at once (SQLITE_BUSY_SNAPSHOT) when another commit came between.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-8192",  # KiB per connection; the system caches the file once for all of them
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's sync connection
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
