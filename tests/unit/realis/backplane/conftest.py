"""A real Redis for the backplane's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A running redis-server, shared."""
    with redis_server() as server:
        yield server
