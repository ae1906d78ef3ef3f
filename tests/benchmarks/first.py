"""How long it takes from the end of a release's pause to the first arrival at the peer, for each kind of channel.

A push or a call of the Bot API has arrived when nginx answered it, a screen's state when its socket got it, a feed's
entry when a reader that asks every few milliseconds sees it. Each release is finished before the next, and none is due
before the pace of the account grants the next post.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from channels.telegram.channel import Config as TelegramConfig
from realis.app.wiring import App
from realis.model.area import Area
from tests.benchmarks.nginx import Nginx
from tests.benchmarks.outside import Outside, outside
from tests.benchmarks.whole_path import (
    CITY,
    DISTRICTS,
    Ready,
    district,
    forget,
    prepare,
    recorded,
    release,
    running,
    settings,
)
from tests.fakes.push_service import Phone

PAUSE_S = 0.2
"""Long enough that the release is stored and everything is quiet again before it is due."""

TIMEOUT_S = 60.0
CHANNELS = ("webpush", "display", "feeds", "telegram")


@dataclass(slots=True)
class Firsts:
    """Milliseconds of every release, by channel."""

    webpush: list[float] = field(default_factory=list)
    display: list[float] = field(default_factory=list)
    feeds: list[float] = field(default_factory=list)
    telegram: list[float] = field(default_factory=list)

    def add(self, due: float, **arrived: float) -> None:
        """When one release's first came, by channel."""
        for channel, at in arrived.items():
            getattr(self, channel).append((at - due) * 1000)

    def line(self, name: str) -> str:
        """p50, p99 and the slowest of a channel."""
        values: list[float] = sorted(getattr(self, name))
        p99 = values[min(len(values) - 1, len(values) * 99 // 100)]
        return f"ms_p50={statistics.median(values):.1f} ms_p99={p99:.1f} ms_max={values[-1]:.1f}"


@dataclass(slots=True)
class _Stage:
    app: App
    server: Nginx
    outside: Outside
    granted: float = 0.0

    async def one(self, into: Firsts, area: Area, expected: int) -> None:
        """Release one warning to so many phones, and wait until it is over."""
        ready = await prepare(self.app.core, area, *CHANNELS)
        await asyncio.sleep(self.granted - PAUSE_S - self.app.core.clock.now().timestamp())
        pushes, bots = _size(self.server.arrivals), _size(self.server.bots)
        due = await release(self.app.core, ready)
        seen = await self.outside.see(ready, due)
        await self._finished(ready, expected)
        push, post = await _first_after(self.server.arrivals, pushes), await _first_after(self.server.bots, bots)
        self.granted = post + self.app.core.ways.capabilities["telegram"].min_interval_s
        into.add(due, webpush=push, display=seen.first_screen, feeds=seen.feed, telegram=post)

    async def _finished(self, ready: Ready, expected: int) -> None:
        await recorded(self.app.core, ready, expected)
        await forget(self.app.core, ready)


async def release_to_first(
    server: Nginx, subscriptions: Sequence[Phone], *, districts: int, cities: int
) -> tuple[Firsts, Firsts]:
    """Releases to single districts and to the whole city, one after the other."""
    small, large = Firsts(), Firsts()
    per_district = [len(range(number, len(subscriptions), DISTRICTS)) for number in range(DISTRICTS)]
    with tempfile.TemporaryDirectory() as folder:
        bot = TelegramConfig(token=SecretStr("1:bench"), chat_id="-1001", base_url=server.origin)
        config = settings(Path(folder), pause_s=PAUSE_S, telegram=bot)
        async with running(subscriptions, config=config) as app, outside(app, screens=1, feed=True) as there:
            stage = _Stage(app, server, there)
            await stage.one(Firsts(), district(0), per_district[0])  # opens every connection
            for number in range(districts):
                at = number % DISTRICTS
                await stage.one(small, district(at), per_district[at])
            for _ in range(cities):
                await stage.one(large, CITY, len(subscriptions))
    return small, large


def _size(log: Path) -> int:
    return log.stat().st_size


async def _first_after(log: Path, start: int) -> float:
    """When the first request came that nginx wrote down behind this place."""
    async with asyncio.timeout(TIMEOUT_S):
        while _size(log) == start:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.005)
    with log.open() as lines:
        lines.seek(start)
        return float(lines.readline())
