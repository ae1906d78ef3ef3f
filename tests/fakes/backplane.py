"""Processes' ends of a Redis backplane, quick enough for tests, and ears with a bound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from realis.backplane.redis import RedisEvents, RedisLimits
from realis.ports.events import Topic
from tests.fakes.redis_server import RedisServer

BOUND_S = 30.0
SINCE = datetime(2026, 3, 14, tzinfo=UTC)
QUICK = RedisLimits(block_s=0.5, beat_s=0.1, present_s=2, longest_wait_s=0.3)

Hint = tuple[Topic, str]


@asynccontextmanager
async def node(server: RedisServer, role: str = "web", bounds: RedisLimits = QUICK) -> AsyncIterator[RedisEvents]:
    """A process's backplane, connected, with its first hints (read all anew) already past."""
    async with RedisEvents(server.url, role=role, since=SINCE, bounds=bounds) as events:
        await hear(events.listen(Topic.SCREENS), 1)
        yield events


async def hear(listener: AsyncIterator[Hint], count: int) -> list[Hint]:
    """The next so many hints, within the bound."""
    async with asyncio.timeout(BOUND_S):
        return [await anext(listener) for _ in range(count)]


async def rest(listener: AsyncIterator[Hint], quiet_s: float = 0.3) -> list[Hint]:
    """All hints until it has been quiet for a while."""
    heard: list[Hint] = []
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                heard.append(await asyncio.wait_for(anext(listener), quiet_s))
            except TimeoutError:
                return heard


async def silence(listener: AsyncIterator[Hint], for_s: float = 0.2) -> bool:
    """Whether nothing more comes."""
    return not await rest(listener, for_s)


async def until(holds: Callable[[], object]) -> None:
    """Poll within the bound."""
    async with asyncio.timeout(BOUND_S):
        while not holds():  # noqa: ASYNC110 - what is awaited happens in another process
            await asyncio.sleep(0.01)
