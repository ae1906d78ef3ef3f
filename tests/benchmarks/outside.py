"""``python -m tests.benchmarks.outside``: screens and a feed's reader, in a process of their own.

They share no event loop with what is measured. ``outside`` starts it; it is told the incident to look out for, and
tells when its screens and its reader saw it. Times are seconds of the epoch, as nginx writes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

import aiohttp
import uvloop

from displays.protocol import PROTO, instant
from realis.app import log
from realis.app.clock import SystemClock
from realis.app.pairing import pair_screen, screen_target
from realis.app.wiring import App
from realis.ports.clock import Clock
from tests.benchmarks.whole_path import Ready

FEED_EVERY_S = 0.004
PING_EVERY_S = 5.0
TIMEOUT_S = 60.0
CONNECTED_WITHIN_S = 300.0
GREETED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """When the first and the last screen had it, and the feed; the feed is 0 if nobody read it."""

    first_screen: float
    last_screen: float
    feed: float


@dataclass(frozen=True, slots=True)
class Outside:
    """The running process."""

    process: asyncio.subprocess.Process

    async def see(self, ready: Ready, due: float) -> Seen:
        """Wait until everybody out there knows this incident; its reader begins to ask when it is due."""
        assert self.process.stdin
        self.process.stdin.write(f"{ready.incident} {due}\n".encode())
        return Seen(*await self.line())

    async def line(self, within_s: float = TIMEOUT_S) -> list[float]:
        """What it says next."""
        assert self.process.stdout
        async with asyncio.timeout(within_s):
            said: list[float] = json.loads(await self.process.stdout.readline() or b"[]")
        return said


@asynccontextmanager
async def outside(app: App, *, screens: int, feed: bool = False, confirm: bool = False) -> AsyncIterator[Outside]:
    """Pair so many screens of the whole city and connect them.

    Args:
        feed: somebody reads the Atom feed, too.
        confirm: the screens answer that they painted it, as real ones do.
    """
    core = app.core
    wanted = [screen_target(core.city, f"Markt {number}", "", joined=False) for number in range(screens)]
    told = {
        "tokens": [await pair_screen(core.targets, core.tokens, new) for new in wanted],
        "gateway": f"ws://127.0.0.1:{app.gateway.port}/ws",
        "origin": core.city.public_url,
        "feed": f"http://127.0.0.1:{app.http_port}/feeds/cap.atom" if feed else "",
        "confirm": confirm,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.outside"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(json.dumps(told).encode() + b"\n")
    try:
        there = Outside(process)
        assert await there.line(CONNECTED_WITHIN_S) == [screens], "the screens did not connect"
        yield there
    finally:
        process.kill()
        await process.wait()


# ---------------------------------------------------------------- in the process


@dataclass(slots=True)
class _Watch:
    """Which screens know the incident that is looked out for, since when."""

    screens: int
    incident: str = ""
    times: dict[int, float] = field(default_factory=dict)
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, incident: str) -> None:
        self.incident, self.times = incident, {}
        self.all_there.clear()

    def note(self, screen: int, incident: str | None) -> bool:
        """Whether this is news."""
        if incident != self.incident or screen in self.times:
            return False
        self.times[screen] = time.time()  # noqa: TID251 - beside nginx's clock
        if len(self.times) == self.screens:
            self.all_there.set()
        return True


async def _main() -> None:
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=1_000_000)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    told = json.loads(await lines.readline())
    watch, clock = _Watch(len(told["tokens"])), SystemClock()
    screens = [_Screen(at, token, watch, clock, told["confirm"]) for at, token in enumerate(told["tokens"])]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        turns = asyncio.Semaphore(GREETED_AT_ONCE)
        sockets = await asyncio.gather(*(screen.connect(session, told, turns) for screen in screens))
        living = [
            asyncio.create_task(screen.live(socket, session, told, turns))
            for screen, socket in zip(screens, sockets, strict=True)
        ]
        print([len(screens)], flush=True)
        while line := await lines.readline():
            incident, due = line.decode().split()
            watch.begin(incident)
            feed = await _in_feed(session, told["feed"], incident, float(due)) if told["feed"] else 0.0
            await watch.all_there.wait()
            print([min(watch.times.values()), max(watch.times.values()), feed], flush=True)
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Screen:
    number: int
    token: str
    watch: _Watch
    clock: Clock
    confirm: bool

    async def connect(
        self, session: aiohttp.ClientSession, told: dict[str, str], turns: asyncio.Semaphore
    ) -> aiohttp.ClientWebSocketResponse:
        """Introduce itself until it is welcomed."""
        async with turns:
            while True:
                socket = await session.ws_connect(told["gateway"], origin=told["origin"])
                await socket.send_json({"type": "hello", "proto": PROTO, "token": self.token})
                if (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    return socket
                await socket.close()  # sent away, because too many come at once; a real one comes back, too

    async def live(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        session: aiohttp.ClientSession,
        told: dict[str, str],
        turns: asyncio.Semaphore,
    ) -> None:
        """Note what comes; one that is hung up on comes back, as a real one does."""
        while True:
            pinging = asyncio.create_task(_ping(socket))
            with contextlib.suppress(ConnectionError):
                await self._listen(socket)
            pinging.cancel()
            socket = await self.connect(session, told, turns)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            incident, revision = _subject(message.data)
            if self.watch.note(self.number, incident) and self.confirm:
                at = instant(self.clock.now())
                await socket.send_json({"type": "shown", "incident": incident, "revision": revision, "at": at})


@lru_cache(maxsize=64)
def _subject(message: str) -> tuple[str | None, int]:
    """Which incident a state shows. All screens of a place get the same bytes."""
    said = json.loads(message)
    if said["type"] != "state":
        return None, 0
    payload = said["frames"][0].split(".")[1]
    frame = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return frame["incident"], frame["revision"]


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    """A page that says nothing is hung up on."""
    with contextlib.suppress(ConnectionError):
        for number in count(1):
            await asyncio.sleep(PING_EVERY_S)
            await socket.send_json({"type": "ping", "id": number})


async def _in_feed(session: aiohttp.ClientSession, url: str, incident: str, due: float) -> float:
    """When a reader that asks every few milliseconds saw it."""
    await asyncio.sleep(max(0.0, due - time.time()))  # noqa: TID251 - the epoch, as told
    while True:
        async with session.get(url) as response:
            if incident in await response.text():
                return time.time()  # noqa: TID251 - beside nginx's clock
        await asyncio.sleep(FEED_EVERY_S)


if __name__ == "__main__":
    log.configure(level="WARNING")
    uvloop.run(_main())
