"""How long it takes from a release to the first arrival: at the push service, on a screen, in the feed.

The clock starts when the second person presses Freigeben; there is no pause. A push has arrived when nginx answered
it, a screen's state when its socket got the next one, a feed's entry when a reader that asks every few milliseconds
sees it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import aiohttp

from displays.protocol import PROTO
from realis.area import Area
from realis.pairing import pair_screen, screen_target
from realis.wiring import App
from tests.benchmarks.nginx import Nginx
from tests.benchmarks.whole_path import CITY, DISTRICTS, district, prepare, recorded, release, running
from tests.fakes.push_service import Phone

FEED_EVERY_S = 0.004
PING_EVERY_S = 3.0
TIMEOUT_S = 60.0


@dataclass(slots=True)
class Firsts:
    """Milliseconds of every release, by channel."""

    push: list[float] = field(default_factory=list)
    screen: list[float] = field(default_factory=list)
    feed: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """p50 and p99 of a channel."""
        values: list[float] = sorted(getattr(self, name))
        return (
            f"ms_p50={statistics.median(values):.1f} ms_p99={values[min(len(values) - 1, len(values) * 99 // 100)]:.1f}"
        )


async def release_to_first(
    server: Nginx, subscriptions: Sequence[Phone], *, districts: int, cities: int
) -> tuple[Firsts, Firsts]:
    """Releases to single districts and to the whole city, one after the other, each finished before the next."""
    async with running(subscriptions) as app, _screen(app) as shown:
        small, large = Firsts(), Firsts()
        per_district = [len(range(number, len(subscriptions), DISTRICTS)) for number in range(DISTRICTS)]
        for number in range(districts):
            at = number % DISTRICTS
            await _one(app, server, shown, small, district(at), per_district[at])
        for _ in range(cities):
            await _one(app, server, shown, large, CITY, len(subscriptions))
    return small, large


async def _one(app: App, server: Nginx, told: asyncio.Queue[float], into: Firsts, area: Area, expected: int) -> None:
    ready = await prepare(app.core, area, "webpush", "display", "feeds")
    before = server.arrivals.stat().st_size
    feed = asyncio.create_task(_in_feed(app, str(ready.incident)))
    await asyncio.sleep(0.02)
    while not told.empty():
        told.get_nowait()
    started, wall = time.perf_counter(), time.time()  # noqa: TID251 - nginx writes wall-clock times
    await release(app.core, ready)
    async with asyncio.timeout(TIMEOUT_S):
        into.screen.append((await told.get() - started) * 1000)
        into.feed.append((await feed - started) * 1000)
    await recorded(app.core, ready, expected)
    with server.arrivals.open() as lines:
        lines.seek(before)
        into.push.append((float(lines.readline()) - wall) * 1000)


async def _in_feed(app: App, incident: str) -> float:
    url = f"http://127.0.0.1:{app.http_port}/feeds/cap.atom"
    async with aiohttp.ClientSession() as session, asyncio.timeout(TIMEOUT_S):
        while True:
            async with session.get(url) as response:
                if incident in await response.text():
                    return time.perf_counter()
            await asyncio.sleep(FEED_EVERY_S)


@asynccontextmanager
async def _screen(app: App) -> AsyncIterator[asyncio.Queue[float]]:
    """A screen for the whole city: when it was told a new state."""
    core, told = app.core, asyncio.Queue[float]()
    token = await pair_screen(core.targets, core.tokens, screen_target(core.city, "Markt", "", joined=False))
    url = f"ws://127.0.0.1:{app.gateway.port}/ws"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, origin=core.city.public_url) as socket:
        await socket.send_json({"type": "hello", "proto": PROTO, "token": token})
        tasks = [asyncio.create_task(_listen(socket, told)), asyncio.create_task(_live(socket))]
        yield told
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _live(socket: aiohttp.ClientWebSocketResponse) -> None:
    """A page that says nothing is hung up on."""
    for number in count(1):
        await asyncio.sleep(PING_EVERY_S)
        await socket.send_json({"type": "ping", "id": number})


async def _listen(socket: aiohttp.ClientWebSocketResponse, told: asyncio.Queue[float]) -> None:
    async for message in socket:
        if json.loads(message.data)["type"] == "state":
            told.put_nowait(time.perf_counter())
