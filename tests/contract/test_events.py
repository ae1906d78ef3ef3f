"""What every backplane promises of its hints. A further one is one more row in ``BACKPLANES``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from realis.backplane.memory import MemoryEvents
from realis.ports import Events, Topic

BACKPLANES: dict[str, Callable[[], Events]] = {"memory": MemoryEvents}
BOUND_S = 5.0


@pytest.fixture(params=list(BACKPLANES))
async def events(request: pytest.FixtureRequest) -> Events:
    """Each backplane."""
    return BACKPLANES[request.param]()


async def _listener(events: Events, *topics: Topic) -> tuple[AsyncIterator[tuple[Topic, str]], asyncio.Task[object]]:
    """A listener that is surely listening, and its first hint."""
    hints = events.listen(*topics)
    first: asyncio.Task[object] = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0)
    return hints, first


async def test_everyone_who_listens_hears(events: Events) -> None:
    """Two listeners of a topic get the same hint with its key."""
    _, one = await _listener(events, Topic.WORK)
    _, two = await _listener(events, Topic.WORK, Topic.DESK)
    await events.publish(Topic.WORK, "x")
    async with asyncio.timeout(BOUND_S):
        assert await one == await two == (Topic.WORK, "x")


async def test_other_topics_are_not_heard(events: Events) -> None:
    """Who listens for the desk hears nothing of the work."""
    _, first = await _listener(events, Topic.DESK)
    await events.publish(Topic.WORK)
    await events.publish(Topic.DESK, "d")
    async with asyncio.timeout(BOUND_S):
        assert await first == (Topic.DESK, "d")


async def test_a_slow_listener_blocks_nobody(events: Events) -> None:
    """Publishing far more than anyone reads returns at once; the slow one hears something, then what comes later."""
    hints, first = await _listener(events, Topic.WORK)
    async with asyncio.timeout(BOUND_S):
        for number in range(5_000):
            await events.publish(Topic.WORK, str(number))
        await first
        await events.publish(Topic.WORK, "later")
        assert (await anext(hints))[0] is Topic.WORK


async def test_nobody_listening_is_fine(events: Events) -> None:
    """A hint without listeners is lost without an error."""
    await events.publish(Topic.SITUATION)
