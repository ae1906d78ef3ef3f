"""What every backplane promises: hints arrive once, soon, merged, and nobody waits for a slow listener."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from realis.backplane.memory import MAX_PENDING, MemoryEvents
from realis.ports.events import Events, Topic
from tests.fakes.backplane import Hint, hear, node, rest, silence
from tests.fakes.redis_server import RedisServer
from tests.support.pace import at_pace

BOUND_S = 10.0


@pytest.fixture(params=["memory", "redis", "redis, another process"])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Events, Events]]:
    """Where it is said and where it is heard."""
    if request.param == "memory":
        events = MemoryEvents()
        yield events, events
        return
    server: RedisServer = request.getfixturevalue("redis")
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(node(server))
        other = "another" in request.param
        yield here, await stack.enter_async_context(node(server)) if other else here


async def test_a_hint_arrives_once(ends: tuple[Events, Events]) -> None:
    """Whoever listens hears topic and key once, in the order they were said."""
    speaker, listener = ends
    heard = listener.listen(Topic.WORK, Topic.DESK)
    await speaker.publish(Topic.WORK)
    await speaker.publish(Topic.DESK, "a")
    await speaker.publish(Topic.DESK, "b")
    assert await hear(heard, 3) == [(Topic.WORK, ""), (Topic.DESK, "a"), (Topic.DESK, "b")]
    assert await silence(heard)


async def test_everybody_who_listens_hears_it(ends: tuple[Events, Events]) -> None:
    """Two listeners on the same topic both hear; one on another topic does not."""
    speaker, listener = ends
    first, second, third = (listener.listen(topic) for topic in (Topic.DESK, Topic.DESK, Topic.SCREENS))
    await speaker.publish(Topic.DESK, "x")
    assert await hear(first, 1) == await hear(second, 1) == [(Topic.DESK, "x")]
    assert await silence(third)


async def test_only_what_comes_from_now_on_is_heard(ends: tuple[Events, Events]) -> None:
    """A listener hears nothing that was said before it listened, and everything said before it first looks."""
    speaker, listener = ends
    first = listener.listen(Topic.DESK)
    await speaker.publish(Topic.DESK, "before")
    await hear(first, 1)
    heard = listener.listen(Topic.DESK)
    await speaker.publish(Topic.DESK, "after")
    await hear(first, 1)
    assert await hear(heard, 1) == [(Topic.DESK, "after")]
    assert await silence(heard)


async def test_a_listener_that_sleeps_delays_nobody_and_stays_bounded(ends: tuple[Events, Events]) -> None:
    """Ten thousand hints to a sleeper cost no memory to speak of; when it wakes, it hears of every topic."""
    speaker, listener = ends
    sleeper, awake = listener.listen(Topic.DELIVERY, Topic.DESK), listener.listen(Topic.SITUATION)
    before = time.monotonic()
    await speaker.publish(Topic.DESK, "one")
    for number in range(10_000):
        await speaker.publish(Topic.DELIVERY, str(number))
    await speaker.publish(Topic.SITUATION)
    assert await hear(awake, 1)
    assert time.monotonic() - before < at_pace(BOUND_S)
    heard = await rest(sleeper)
    assert len(heard) <= 2 * MAX_PENDING
    assert {topic for topic, _ in heard} == {Topic.DELIVERY, Topic.DESK}


async def test_the_same_hint_said_often_may_be_heard_once(ends: tuple[Events, Events]) -> None:
    """Repeats are merged while nobody takes them; what comes after them still comes."""
    speaker, listener = ends
    heard = listener.listen(Topic.WORK, Topic.SITUATION)
    for _ in range(100):
        await speaker.publish(Topic.WORK)
    await speaker.publish(Topic.SITUATION)
    found: list[Hint] = await hear(heard, 1)
    while found[-1] != (Topic.SITUATION, ""):
        found += await hear(heard, 1)
    assert len(found) <= 101


async def test_nobody_listening_is_fine(ends: tuple[Events, Events]) -> None:
    """A hint without listeners, and a listener that went away, cost nothing and fail nothing."""
    speaker, listener = ends
    gone = listener.listen(Topic.SITUATION)
    del gone
    await speaker.publish(Topic.SITUATION)
