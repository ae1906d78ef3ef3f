"""What a worker does while the database cannot take anything: it waits, and writes down what it had sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from realis.model.errors import StoreUnavailable
from realis.ports.stores import Claim
from tests.support.core_world import Town, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town."""
    async with town(tmp_path) as made:
        yield made


async def test_a_full_disk_is_said_as_such(here: Town) -> None:
    """A file that cannot grow any more is a store that is unavailable for now, not a bug."""
    async with here.database.write() as connection:
        used = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {used + 1}"))

    async def write() -> None:
        async with here.database.write() as connection:
            await connection.execute(text("INSERT INTO meta VALUES ('k', :value)"), {"value": "x" * 100_000})

    with pytest.raises(StoreUnavailable):
        await write()
    async with here.database.write() as connection:
        await connection.execute(text(f"PRAGMA max_page_count = {2**30}"))
    await write()


async def test_nothing_leaves_that_cannot_be_recorded(here: Town) -> None:
    """While no claim can be written nothing is sent; when it can, all is sent once. It is logged once."""
    for number in range(6):
        await here.subscribe(f"phone-{number}")
    await here.warn()
    await here.plan()
    real, full = here.batches.claim, True

    async def claim(*arguments: object, **named: object) -> Claim | None:
        if full:
            raise StoreUnavailable("store-not-answering")
        return await real(*arguments, **named)  # type: ignore[arg-type]

    here.batches.claim = claim  # type: ignore[method-assign]
    with capture_logs() as logs:
        async with here.working():
            await here.until(lambda: [entry for entry in logs if entry["event"] == "store_lost"])
            await asyncio.sleep(0.2)
            assert here.push.sent == []
            full = False
            await here.until_idle()
    assert await here.states("push", 1) == {"accepted": 6}
    assert sorted(sent.target.id for sent in here.push.sent) == await here.ids()
    assert len([entry for entry in logs if entry["event"] == "store_lost"]) == 1


async def test_what_was_sent_while_the_database_was_away_is_recorded_after(here: Town) -> None:
    """A commit that fails for now is tried again until it holds; the batch goes out once."""
    await here.subscribe("a")
    await here.warn()
    await here.plan()
    real, tries = here.batches.commit, 0

    async def commit(*arguments: object, **named: object) -> bool:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise StoreUnavailable("store-unreachable")
        return await real(*arguments, **named)  # type: ignore[arg-type]

    here.batches.commit = commit  # type: ignore[method-assign]
    with capture_logs() as logs:
        await here.deliver()
    assert tries == 3
    assert len(here.push.sent) == 1
    assert await here.states("push", 1) == {"accepted": 1}
    assert len([entry for entry in logs if entry["event"] == "store_lost"]) == 1
