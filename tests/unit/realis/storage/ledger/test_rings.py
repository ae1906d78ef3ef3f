"""Whoever lives nearer to the danger hears first, and nobody falls between two rings."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realis.model.area import OUTERMOST_RING, RING_REACH, Area, Circle, cell_of, rings
from realis.model.draft import DraftKind
from tests.support.core_world import Town, town

LAT, LON = 50.8748, 8.0243
PLANT = Area("Werk", circles=(Circle(LAT, LON, 12.0),))
MIDDLE = cell_of(LAT, LON)
BEYOND = cell_of(LAT + 1.0, LON)


def at(cells_away: int) -> str:
    """A cell so many cells from the plant."""
    return str(sorted(h3.grid_ring(MIDDLE, cells_away))[0])


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town."""
    async with town(tmp_path) as made:
        yield made


async def heard(here: Town) -> list[int]:
    """Who heard, in order, since the last look."""
    await here.deliver()
    found = [sent.target.id for sent in here.push.sent]
    here.push.sent.clear()
    return found


def test_a_cell_belongs_to_the_ring_of_its_nearest_middle() -> None:
    """Rings end where they are said to end; of two shapes the nearer one counts."""
    far = Area("Zweites Werk", circles=(Circle(LAT + 0.3, LON, 4.0),))
    one, both = rings((PLANT,)), rings((PLANT, far))
    assert [one[at(away)] for away in (0, RING_REACH[0], RING_REACH[0] + 1, RING_REACH[1], RING_REACH[1] + 1)] == [
        *(0, 0, 1, 1, 2)
    ]
    assert both[cell_of(LAT + 0.3, LON)] == 0
    assert max(both.values()) == OUTERMOST_RING - 1
    assert {cell: both[cell] for cell in one}.items() >= {cell: 0 for cell in one if one[cell] == 0}.items()


async def test_the_nearest_hear_first_however_late_they_subscribed(here: Town) -> None:
    """Ring by ring outwards; who named no place there comes last. Batches hold two, so every ring takes several."""
    outside = [await here.subscribe(f"all-{number}", BEYOND, everywhere=True) for number in range(3)]
    far = [await here.subscribe(f"far-{number}", at(8)) for number in range(5)]
    mid = [await here.subscribe(f"mid-{number}", at(5), at(9)) for number in range(5)]
    near = [await here.subscribe(f"near-{number}", at(1), BEYOND) for number in range(5)]
    nobody = await here.subscribe("elsewhere", BEYOND)
    await here.warn(areas=(PLANT,))
    await here.plan()
    order = await heard(here)
    place = {target: number for number, ring in enumerate((near, mid, far, outside)) for target in ring}
    assert nobody not in order
    assert sorted(order) == sorted(place)
    # Three lanes take batches in order; only what is in flight together can end in another one.
    by_batch = [place[target] for target in order]
    assert all(earlier - later <= 1 for earlier, later in pairwise(by_batch)), by_batch
    assert set(order[:4]) <= {*near, *mid}
    assert set(order[-3:]) >= {outside[-1]}


async def test_the_first_are_on_their_way_before_the_rest_is_planned(here: Town) -> None:
    """A first step plans a small batch for every channel, and nothing more, however large batches may be."""
    for number in range(60):
        await here.subscribe(f"near-{number}", MIDDLE)
    await here.account()
    await here.warn(areas=(PLANT,))
    large = {"push": replace(here.limits["push"], batch=500), "post": here.limits["post"]}
    both = frozenset(large)
    assert await here.batches.plan_step(here.clock.now(), large, most=5_000) == both
    assert len((await here.taken()).targets) == 50
    assert len((await here.taken("post")).targets) == 1
    assert await here.claim() is None
    assert await here.batches.plan_step(here.clock.now(), large, most=5_000) == both
    assert len((await here.taken()).targets) == 10


async def test_who_was_warned_before_hears_of_a_moved_area_too(here: Town) -> None:
    """An area that leaves somebody behind puts them into the outermost ring, once."""
    left = await here.subscribe("left", at(0))
    everywhere = await here.subscribe("all", everywhere=True)
    moved = Area("Wolke", circles=(Circle(LAT + 0.4, LON, 5.0),))
    new = await here.subscribe("new", cell_of(LAT + 0.4, LON))
    incident = await here.warn(areas=(PLANT,))
    assert sorted(await heard(here)) == [left, everywhere]
    await here.follow(incident, DraftKind.UPDATE, areas=(moved,))
    assert sorted(await heard(here)) == [left, everywhere, new]
    await here.follow(incident, DraftKind.ALL_CLEAR, areas=(moved,))
    assert sorted(await heard(here)) == [left, everywhere, new]


@pytest.mark.parametrize(("start", "end"), [(8, 1), (1, 8), (5, 1), (8, 5)])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
async def test_who_moves_while_planning_goes_on_is_never_forgotten(
    here: Town, start: int, end: int, steps: int
) -> None:
    """Also into a ring the planner has left already, and also when they were warned before."""
    for number in range(3):
        for away in (1, 5, 8):
            await here.subscribe(f"{away}-{number}", at(away))
    mover = await here.subscribe("mover", at(start))
    incident = await here.warn(areas=(PLANT,))
    assert mover in await heard(here)
    await here.follow(incident, DraftKind.UPDATE, areas=(PLANT,))
    for _ in range(steps):
        await here.batches.plan_step(here.clock.now(), here.limits, most=2)
    assert await here.subscribe("mover", at(end)) == mover
    order = await heard(here)
    assert mover in order
    assert len(order) - len(set(order)) <= 1
    assert await here.balanced()


@settings(max_examples=12, deadline=None)
@given(
    people=st.lists(
        st.tuples(st.lists(st.integers(0, 10), max_size=3), st.booleans(), st.booleans()), min_size=1, max_size=12
    ),
    most=st.integers(1, 6),
)
async def test_everyone_meant_is_planned_once_whatever_the_step(
    people: list[tuple[list[int], bool, bool]], most: int
) -> None:
    """Planning ring by ring in small steps finds whom one look at everybody finds."""
    with tempfile.TemporaryDirectory() as folder:
        async with town(Path(folder)) as here:
            await plan_all(here, people, most)


async def plan_all(here: Town, people: list[tuple[list[int], bool, bool]], most: int) -> None:
    """Subscribe them, warn, plan in steps of this size, and see who hears."""
    meant = set()
    for number, (aways, everywhere, far) in enumerate(people):
        places = [at(away) for away in aways] + ([BEYOND] if far or not aways else [])
        target = await here.subscribe(str(number), *places, everywhere=everywhere)
        if everywhere or any(away <= 10 for away in aways):
            meant.add(target)
    await here.warn(areas=(PLANT,))
    while await here.batches.plan_step(here.clock.now(), here.limits, most=most) is not None:
        pass
    order = await heard(here)
    assert len(order) == len(set(order))
    assert set(order) == meant
