"""The audit chain finds every entry that was changed, removed, swapped or put in."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from realis.model.audit import AuditAction
from realis.ports.stores import AuditEntry
from realis.storage import audit
from realis.storage.schema import audit as table
from tests.support.core_world import Town


async def _fill(here: Town) -> None:
    for number in range(1, 6):
        await here.store.note(AuditEntry("P-anna", AuditAction.DRAFT_SAVED, f"thing {number}", {"version": number}))
        here.clock.forward(seconds=1)


async def test_an_untouched_chain_holds(here: Town) -> None:
    """Five entries, none broken; an empty chain holds too."""
    assert (await audit.verify(here.database)).entries == 0
    await _fill(here)
    verdict = await audit.verify(here.database)
    assert (verdict.entries, verdict.broken_at) == (5, 0)


@pytest.mark.parametrize("column", ["actor", "action", "subject", "detail", "digest", "previous"])
async def test_a_changed_entry_is_found(here: Town, column: str) -> None:
    """Any field of any entry that was changed breaks the chain there."""
    await _fill(here)
    async with here.database.write() as connection:
        await connection.execute(update(table).where(table.c.number == 3).values({column: "forged"}))
    assert (await audit.verify(here.database)).broken_at == 3


async def test_a_changed_time_is_found(here: Town) -> None:
    """Nor can an entry be moved in time."""
    await _fill(here)
    async with here.database.write() as connection:
        await connection.execute(update(table).where(table.c.number == 2).values(at=here.clock.now()))
    assert (await audit.verify(here.database)).broken_at == 2


async def test_a_removed_entry_is_found(here: Town) -> None:
    """A gap breaks the chain at the next entry."""
    await _fill(here)
    async with here.database.write() as connection:
        await connection.execute(delete(table).where(table.c.number == 2))
    assert (await audit.verify(here.database)).broken_at == 3


async def test_swapped_entries_are_found(here: Town) -> None:
    """Two entries that changed places break the chain, though each is whole by itself."""
    await _fill(here)
    async with here.database.write() as connection:
        rows = {row.number: row._asdict() for row in (await connection.execute(select(table))).all()}
        for number, other in ((2, 3), (3, 2)):
            values = {name: value for name, value in rows[other].items() if name != "number"}
            await connection.execute(update(table).where(table.c.number == number).values(values))
    assert (await audit.verify(here.database)).broken_at == 2


async def test_a_cut_off_end_shows_against_a_checkpoint(here: Town) -> None:
    """Removing the newest entries leaves a chain that holds, with another last digest than was noted before."""
    await _fill(here)
    checkpoint = await audit.verify(here.database)
    async with here.database.write() as connection:
        await connection.execute(delete(table).where(table.c.number > 3))
    verdict = await audit.verify(here.database)
    assert verdict.broken_at == 0
    assert (verdict.entries, verdict.last_digest) != (checkpoint.entries, checkpoint.last_digest)
