"""What the pool of connections does when the database it knew is no longer there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from realis.model.errors import StoreUnavailable
from realis.storage.database import Database
from tests.fakes.postgres import PostgresServer, postgres_server

ONE = text("SELECT 1")
AT_ONCE = 5


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be stopped."""
    with postgres_server() as running:
        yield running


@pytest.fixture
async def database(server: PostgresServer) -> AsyncIterator[Database]:
    """A pool that holds several connections to it."""
    opened = Database(server.empty())
    await asyncio.gather(*(opened.ask(text("SELECT pg_sleep(0.2)")) for _ in range(AT_ONCE)))
    yield opened
    await opened.close()


@pytest.mark.parametrize("mode", ["immediate", "fast"])
async def test_a_restart_between_two_questions_is_noticed_by_nobody(
    server: PostgresServer, database: Database, mode: str
) -> None:
    """Connections the server closed are replaced before a statement fails on them, all of them at once."""
    await asyncio.to_thread(server.stop, mode)
    await asyncio.to_thread(server.start)
    assert await asyncio.gather(*(database.ask(ONE) for _ in range(AT_ONCE))) == [1] * AT_ONCE


async def test_a_server_that_is_away_is_said_plainly_and_found_again(
    server: PostgresServer, database: Database
) -> None:
    """Whoever asks meanwhile hears that it may work later, and later it does."""
    await asyncio.to_thread(server.stop, "fast")
    with pytest.raises(StoreUnavailable):
        await database.ask(ONE)
    await asyncio.to_thread(server.start)
    assert await database.ask(ONE) == 1
