"""Rare moments that schedules came upon, each played by hand over the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from realis.draft import DraftKind, DraftState
from tests.unit.realis.storage.town import BERND, Town, flood, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town whose releases pause."""
    async with town(tmp_path) as made:
        yield replace(made, desk=replace(made.desk, pause=timedelta(seconds=10)))


async def test_an_ending_that_misses_a_channel_is_not_issued(here: Town) -> None:
    """Decided before an update that adds a channel, issued after it: its draft is open again, nobody is left out."""
    await here.account()
    draft = await here.submit(flood(here.clock.now(), channels=("push",)))
    await here.issue(draft)
    here.clock.forward(seconds=11)
    await here.desk.issue_due()
    update = await here.prepare(draft.incident, DraftKind.UPDATE, channels=("push", "post"))
    ending = await here.prepare(draft.incident, DraftKind.ALL_CLEAR)
    await here.desk.release(BERND, update.id, digest=update.digest)
    await here.desk.release(BERND, ending.id, digest=ending.digest)
    here.clock.forward(seconds=11)
    await here.desk.issue_due()
    assert len(await here.alerts.chain(draft.incident)) == 2
    again = await here.desk.draft(ending.id)
    assert again.state is DraftState.OPEN
    assert "Kanälen" in again.return_reason
