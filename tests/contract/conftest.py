"""One real Redis and one real PostgreSQL for the contract suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.postgres import PostgresServer, postgres_server
from tests.fakes.redis_server import RedisServer, redis_server


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A running redis-server, shared."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL, shared; each test takes a database of its own."""
    with postgres_server() as server:
        yield server
