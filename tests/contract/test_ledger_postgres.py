"""Every promise of the ledger, kept on PostgreSQL as well: the same tests, over another database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.postgres import PostgresServer
from tests.support.core_world import Town, town_over
from tests.unit.realis.storage.ledger import test_ledger

globals().update({name: found for name, found in vars(test_ledger).items() if name.startswith("test_")})


@pytest.fixture
async def here(postgres: PostgresServer) -> AsyncIterator[Town]:
    """An empty town over PostgreSQL."""
    async with town_over(postgres.database()) as made:
        yield made
