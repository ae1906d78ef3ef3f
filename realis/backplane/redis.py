"""Hints between processes through one Redis stream, and the presence of processes. Redis may lose all data at any time.

A hint reaches this process's own listeners at once and the other processes through the stream, which each of them
reads with one connection and resumes by id. After Redis was unreachable or emptied, or the reader fell too far behind,
all topics are hinted locally, so that every listener reads the store anew. Commands of Redis 7.0 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self, cast

import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from realis.backplane.memory import Hint, MemoryEvents, Pending
from realis.ports.events import Topic

log = structlog.get_logger(__name__)

STREAM: Final = "realis:hints"
ERA: Final = "realis:era"
HERE: Final = "realis:here:"


@dataclass(frozen=True, slots=True)
class RedisLimits:
    """Sizes, and times in seconds."""

    kept: int = 10_000
    read: int = 500
    block_s: float = 5.0
    answer_s: float = 2.0
    present_s: float = 15.0
    beat_s: float = 5.0
    first_wait_s: float = 0.1
    longest_wait_s: float = 3.0


@dataclass(frozen=True, slots=True)
class ProcessPresence:
    """A running process: its role, its host, since when."""

    node: str
    role: str
    host: str
    since: datetime


_PRESENT = TypeAdapter(ProcessPresence)


class RedisEvents:
    """The ``Events`` port across processes, while it is entered: ``async with RedisEvents(...) as events``."""

    def __init__(self, url: str, *, role: str, since: datetime, bounds: RedisLimits | None = None) -> None:
        self._bounds = bounds or RedisLimits()
        self.node = secrets.token_hex(8)
        self._me = ProcessPresence(self.node, role, os.uname().nodename, since)
        self._local = MemoryEvents()
        self._unsaid = Pending()
        self._say = asyncio.Event()
        self._last = ""
        self._era = ""
        self._stopping = False
        self._lost: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._reading = _client(url, self._bounds.block_s + self._bounds.answer_s)
        self._saying = _client(url, self._bounds.answer_s)

    async def __aenter__(self) -> Self:
        """Start the reader and the writer; Redis need not be reachable."""
        for name, work in (("reader", self._read), ("speaker", self._speak)):
            self._tasks.append(asyncio.create_task(self._persist(name, work), name=f"redis.{name}"))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop both tasks, delete the presence and close the connections."""
        self._stopping = True
        running = set(self._tasks)
        while running:
            # Repeatedly, because the client can lose a cancellation that coincides with a response.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.5)
        with contextlib.suppress(RedisError, OSError):
            await self._saying.delete(HERE + self.node)
        await self._reading.aclose()
        await self._saying.aclose()

    # ---- hints

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Hint this process's listeners at once and queue the hint for the others; never waits for Redis."""
        self._local.tell(topic, key)
        self._unsaid.add(topic, key)
        self._say.set()

    def listen(self, *topics: Topic) -> AsyncIterator[Hint]:
        """Yield hints from now on; one without a key stands for any number of merged hints of its topic."""
        return self._local.listen(*topics)

    @property
    def connected(self) -> bool:
        """Whether Redis answers. If not, hints between processes are late and nothing is lost."""
        return not self._lost

    async def here(self) -> Sequence[ProcessPresence]:
        """Return the running processes, by role and age; empty while Redis is unreachable."""
        try:
            keys = [key async for key in self._saying.scan_iter(match=f"{HERE}*", count=500)]
            found = cast("list[str | None]", await self._saying.mget(keys)) if keys else []
        except (RedisError, OSError):
            return ()
        present = []
        for value in found:
            with contextlib.suppress(ValidationError):  # a presence written by another version
                present.append(_PRESENT.validate_json(value or ""))
        return sorted(present, key=lambda one: (one.role, one.since))

    # ---- the two tasks

    async def _persist(self, name: str, work: Callable[[str], Awaitable[None]]) -> None:
        """Run a task until the exit, restarting it after any failure: a failing Redis costs latency only."""
        wait_s = self._bounds.first_wait_s
        while not self._stopping:
            try:
                await work(name)
            except (RedisError, OSError) as error:
                wait_s = self._lose(name, error, wait_s)
            except Exception:
                # The task boundary: a bug must neither end the hints of this process for good nor loop without a pause.
                log.exception("redis_task_crashed", part=name)
                wait_s = self._bounds.longest_wait_s
            await asyncio.sleep(wait_s * (0.5 + random.random() / 2))  # noqa: S311 - jitter

    def _lose(self, name: str, error: Exception, wait_s: float) -> float:
        if name in self._lost:
            return min(self._bounds.longest_wait_s, wait_s * 2)
        if not self._lost:
            log.warning("redis_lost", error=type(error).__name__, detail=str(error)[:200])
        self._lost.add(name)
        return self._bounds.first_wait_s

    def _answered(self, name: str) -> None:
        if name in self._lost:
            self._lost.discard(name)
            if not self._lost:
                log.info("redis_back")

    def _hint_all(self) -> None:
        """Hint all topics locally after a possible gap, so that every listener reads the store anew."""
        for topic in Topic:
            self._local.tell(topic)

    async def _read(self, name: str) -> None:
        """Read the other processes' hints, resuming at the last id read."""
        self._last = self._last or await self._newest()
        self._answered(name)
        self._hint_all()
        while True:
            self._last = self._last or await self._newest()
            found = await self._reading.xread(
                {STREAM: self._last}, count=self._bounds.read, block=int(self._bounds.block_s * 1000)
            )
            self._answered(name)
            for _, entries in cast("list[tuple[str, list[tuple[str, dict[str, str]]]]]", found or []):
                await self._hear(entries)

    async def _hear(self, entries: Sequence[tuple[str, dict[str, str]]]) -> None:
        if len(entries) == self._bounds.read:
            # Too far behind to read each: skip to the newest id; one read of the store covers the gap.
            self._last = await self._newest()
            self._hint_all()
            return
        self._last = entries[-1][0]
        for _, fields in entries:
            if fields.get("node") == self.node:
                continue  # already delivered locally by ``publish``
            with contextlib.suppress(ValueError):  # a newer version's topic
                self._local.tell(Topic(fields.get("topic", "")), fields.get("key", ""))

    async def _newest(self) -> str:
        newest = await self._reading.xrevrange(STREAM, count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def _speak(self, name: str) -> None:
        """Write queued hints and the presence. A hint that could not be written stays queued."""
        while True:
            self._say.clear()  # before the flush, so that a hint published during it is written by the next one
            await self._beat()
            await self._flush()
            self._answered(name)
            end = asyncio.get_running_loop().time() + self._bounds.beat_s
            while (left := end - asyncio.get_running_loop().time()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._say.wait()
                self._say.clear()
                await self._flush()

    async def _flush(self) -> None:
        if not self._unsaid:
            return
        hints = self._unsaid.take()
        try:
            async with self._saying.pipeline(transaction=False) as pipe:
                for topic, key in hints:
                    pipe.xadd(
                        STREAM,
                        {"topic": topic.value, "key": key, "node": self.node},
                        maxlen=self._bounds.kept,
                        approximate=True,
                    )
                await pipe.execute()
        except BaseException:
            # Also when cancelled. A hint that was written all the same comes twice, which is harmless.
            for topic, key in hints:
                self._unsaid.add(topic, key)
            raise

    async def _beat(self) -> None:
        """Renew the presence, and detect that Redis was emptied: the ERA key, which has no expiry, has then changed."""
        value = _PRESENT.dump_json(self._me).decode()
        mine = secrets.token_hex(8)
        async with self._saying.pipeline(transaction=False) as pipe:
            pipe.set(HERE + self.node, value, ex=int(self._bounds.present_s))
            pipe.set(ERA, mine, nx=True, get=True)
            _, known = await pipe.execute()
        era = str(known or mine)
        if self._era and era != self._era:
            self._last = ""
            self._hint_all()
        self._era = era


def _client(url: str, answer_s: float) -> Redis:
    """Return a client that never retries by itself: ``_persist`` does, and logs it."""
    return Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        socket_timeout=answer_s,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        max_connections=8,
        driver_info=None,  # CLIENT SETINFO came with 7.2
    )
