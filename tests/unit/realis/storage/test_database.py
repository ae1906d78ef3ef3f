"""The database file: its schema, its marks, its one user."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.app.wiring import only_one
from realis.model.errors import ConfigurationError
from realis.policy.approval import Role
from realis.storage import migrate
from realis.storage.database import Database
from realis.storage.database_identity import check_mark, has_subscriptions
from realis.storage.people import SqlUsers
from tests.fakes.clock import SettableClock
from tests.support.core_world import Town


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new, migrated database."""
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'new.sqlite'}")
    await migrate.upgrade(made)
    yield made
    await made.close()


async def test_the_migrations_make_the_schema(database: Database) -> None:
    """From empty, all migrations give exactly the tables the code expects; again they change nothing."""
    assert await migrate.differences(database) == []
    await migrate.upgrade(database)
    assert await migrate.is_current(database)


async def test_sqlite_is_set_for_safety(database: Database) -> None:
    """Write-ahead log, full sync and foreign keys, on the writer and on readers."""
    for opened in (database.read, database.write):
        async with opened() as connection:
            found = [
                (await connection.execute(text(f"PRAGMA {name}"))).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert found == ["wal", 2, 1]

    async def look(connection: AsyncConnection) -> list[object]:
        return [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert await database.reading(look) == await database.writing(look) == ["wal", 2, 1]


async def test_a_failed_transaction_in_one_hop_leaves_nothing(database: Database) -> None:
    """Also when it awaits what it must not: that is said, and nothing is written."""

    async def fail(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        raise ZeroDivisionError

    async def stray(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        await asyncio.sleep(0)

    async def count(connection: AsyncConnection) -> int:
        return int((await connection.execute(text("SELECT count(*) FROM meta"))).scalar_one())

    with pytest.raises(ZeroDivisionError):
        await database.writing(fail)
    with pytest.raises(RuntimeError, match="nothing but its connection"):
        await database.writing(stray)
    assert await database.reading(count) == 0


async def test_a_transaction_cut_off_while_it_runs_ends_whole(database: Database) -> None:
    """Whoever waits for it may be cancelled; what it wrote is written, and the next writer comes after it."""
    begun, go_on = threading.Event(), threading.Event()

    async def slow(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO meta VALUES ('n', '1')"))
        begun.set()
        go_on.wait(10)

    async def add(connection: AsyncConnection) -> object:
        await connection.execute(text("UPDATE meta SET value = value + 1"))
        return (await connection.execute(text("SELECT value FROM meta"))).scalar()

    writing = asyncio.create_task(database.writing(slow))
    await asyncio.to_thread(begun.wait, 10)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    after = asyncio.create_task(database.writing(add))
    go_on.set()
    assert await after == "2"


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """An error inside a write rolls everything back, and the next write works."""

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.write() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM meta"))).scalar() == 0


async def test_writers_take_turns(database: Database) -> None:
    """Many concurrent read-modify-writes lose no update."""
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO meta VALUES ('n', '0')"))

    async def add() -> None:
        async with database.write() as connection:
            value = int((await connection.execute(text("SELECT value FROM meta"))).scalar_one())
            await asyncio.sleep(0)
            await connection.execute(text("UPDATE meta SET value = :value"), {"value": str(value + 1)})

    async def add_at_once(connection: AsyncConnection) -> None:
        value = int((await connection.execute(text("SELECT value FROM meta"))).scalar_one())
        await connection.execute(text("UPDATE meta SET value = :value"), {"value": str(value + 1)})

    await asyncio.gather(*(add() for _ in range(20)), *(database.writing(add_at_once) for _ in range(20)))
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT value FROM meta"))).scalar() == "40"


@pytest.mark.parametrize("first", [True, False])
async def test_demo_and_real_databases_are_never_mixed(database: Database, first: bool) -> None:
    """A database once used by the demo is refused to a real start, and the other way round."""
    await check_mark(database, demo=first)
    await check_mark(database, demo=first)
    with pytest.raises(ConfigurationError):
        await check_mark(database, demo=not first)


async def test_the_demo_refuses_a_used_database_without_a_mark(database: Database) -> None:
    """A database with people in it is nobody's demo, even if it was never marked."""
    await SqlUsers(database, SettableClock()).add(
        "anna", frozenset({Role.CAPTURE}), password_hash="x", must_change=False
    )
    with pytest.raises(ConfigurationError):
        await check_mark(database, demo=True)
    await check_mark(database, demo=False)


async def test_only_one_serve_uses_a_folder(tmp_path: Path) -> None:
    """A second one is told so; after the first ended the folder is free again."""
    with only_one(tmp_path), pytest.raises(ConfigurationError), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


async def test_subscriptions_are_noticed(here: Town) -> None:
    """Whether a lost push key would silence anybody: only active phones count."""
    assert not await has_subscriptions(here.database)
    target = await here.subscribe("a", channel="webpush")
    assert await has_subscriptions(here.database)
    await here.targets.remove(target)
    assert not await has_subscriptions(here.database)
