"""The planner: starts what is due, plans the gravest first, and resumes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from realis.model.alert import Level
from tests.support.core_world import Town, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town."""
    async with town(tmp_path) as made:
        yield made


async def test_it_plans_until_nothing_is_left(here: Town) -> None:
    """After one run every dispatch that is due is planned, and a second run changes nothing."""
    for name in "abc":
        await here.subscribe(name)
    await here.warn()
    assert not await here.planner().run_once()
    before = await here.ledger()
    assert {line.state for line in before} == {"sending", "waiting"}
    assert not await here.planner().run_once()
    assert await here.ledger() == before


async def test_it_says_when_a_warning_ran_out(here: Town) -> None:
    """The run in which an expiry comes into effect says so, once."""
    await here.subscribe("a")
    await here.warn()
    await here.deliver()
    here.clock.forward(hours=6)
    assert await here.planner().run_once()
    assert not await here.planner().run_once()


async def test_the_gravest_dispatch_is_planned_first(here: Town) -> None:
    """One step after two releases plans the graver warning, though it came later."""
    await here.subscribe("a")
    await here.warn(level=Level.INFORMATION)
    grave = await here.warn(level=Level.EXTREME)
    assert await here.planner().step()
    (count, *_) = [count for count in await here.batches.counts(grave) if count.planned]
    assert count.channel == "push"
