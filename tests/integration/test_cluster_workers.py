"""Two workers, one PostgreSQL, one Redis: what is shared, what a dead or frozen one costs, what an outage costs.

Arrivals are counted at the push service, never in our own rows.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from realis.app.container import ProcessRole
from tests.acceptance.program import Child, Post, until
from tests.fakes.push_service import phone
from tests.support.cluster import Cluster, cluster, order
from tests.support.installation import Subscriber

TARGETS = 3_000
IN_FLIGHT = 4 * 500
"""Most pushes one worker may have begun and not yet written down: lanes times batch."""


@dataclass(frozen=True, slots=True)
class City:
    """A cluster with a crowd, one web node and two workers."""

    cluster: Cluster
    post: Post
    web: Child
    workers: Sequence[Child]

    async def warn(self) -> str:
        """Issue a warning; its incident."""
        return str((await order(self.web, "issue", "alert", "-", "altstadt"))["incident"])

    async def arrived(self, count: int) -> None:
        """Wait until so many pushes came in."""
        await until(lambda: self.post.count >= count)

    def logged(self, name: str, event: str) -> int:
        """How often a process logged an event."""
        return (self.cluster.folder / f"{name}.log").read_text().count(f'"event": "{event}"')

    async def everybody_once(self, repeats: int = 0) -> None:
        """Wait for the end; everyone heard it, and no more than so many pushes were repeats."""
        await self.cluster.until_over(1)
        heard = self.post.per_path()
        assert len(heard) == TARGETS
        assert self.post.count - TARGETS <= repeats, f"{self.post.count - TARGETS} repeats"


@asynccontextmanager
async def city(folder: Path, *, workers: int = 2, delay_s: float = 0.05) -> AsyncIterator[City]:
    """A crowd in one district, its phones at a push service that takes its time."""
    async with AsyncExitStack() as stack:
        post = await stack.enter_async_context(Post(delay_s=delay_s).open())
        shared = await stack.enter_async_context(cluster(folder))
        await shared.seed(
            [Subscriber(phone(f"{post.origin}/{n}"), ("altstadt",), ("de", "ar")[n % 2]) for n in range(TARGETS)]
        )
        web = await stack.enter_async_context(shared.node("web", ProcessRole.WEB))
        names = [f"worker{number}" for number in range(workers)]
        started = [await stack.enter_async_context(shared.node(name, ProcessRole.WORKER)) for name in names]
        yield City(shared, post, web, started)


async def test_two_workers_share_the_work(tmp_path: Path) -> None:
    """3,000 phones are each reached once, and neither worker does less than a fifth of it."""
    async with city(tmp_path) as here:
        await here.warn()
        await here.everybody_once()
        shares = await here.cluster.shares()
    assert len(shares) == 2, shares
    assert min(shares.values()) >= TARGETS / 5, shares


async def test_a_killed_worker_loses_nobody(tmp_path: Path) -> None:
    """After kill -9 the other worker sends what was in flight when its lease ends; repeats stay within the bound."""
    async with city(tmp_path) as here:
        await here.warn()
        await here.arrived(600)
        assert await here.workers[0].end(signal.SIGKILL) == -signal.SIGKILL
        await here.everybody_once(IN_FLIGHT)


async def test_a_frozen_worker_is_fenced(tmp_path: Path) -> None:
    """SIGSTOP past its lease: another sends its batches; thawed, its commits are refused and nothing counts twice."""
    async with city(tmp_path) as here:
        frozen, other = here.workers
        await here.warn()
        await here.arrived(600)
        frozen.process.send_signal(signal.SIGSTOP)
        await here.cluster.until_over(1)
        before = here.post.count
        frozen.process.send_signal(signal.SIGCONT)
        await until(lambda: here.logged("worker0", "commit_refused") >= 1)
        assert await frozen.end(signal.SIGTERM) == 0
        await here.everybody_once(IN_FLIGHT)
        repeats = here.post.count - TARGETS
        assert repeats >= 1, "its batch was sent by another"
        assert here.post.count - before <= IN_FLIGHT
        assert await other.end(signal.SIGTERM) == 0


async def test_redis_may_lose_everything_in_the_middle(tmp_path: Path) -> None:
    """FLUSHALL, then stop and start of Redis while sending: everyone hears it exactly once."""
    async with city(tmp_path) as here:
        await here.warn()
        await here.arrived(300)
        assert here.cluster.redis.command("FLUSHALL") == "OK"
        await here.arrived(900)
        here.cluster.redis.stop()
        await here.arrived(1_500)
        here.cluster.redis.start()
        await here.everybody_once()


async def test_a_warning_goes_out_without_redis(tmp_path: Path) -> None:
    """With Redis gone before the release the workers find the work by looking; it takes a second longer."""
    async with city(tmp_path) as here:
        here.cluster.redis.stop()
        await here.warn()
        await here.everybody_once()


async def test_postgres_restarts_in_the_middle(tmp_path: Path) -> None:
    """The database goes away and comes back while sending: no process ends, nobody is lost, repeats are bounded."""
    async with city(tmp_path) as here:
        await here.warn()
        await here.arrived(600)
        await asyncio.to_thread(here.cluster.postgres.stop)
        await asyncio.sleep(1)  # what is in flight ends meanwhile and waits to be written down
        await asyncio.to_thread(here.cluster.postgres.start)
        await here.everybody_once(2 * IN_FLIGHT)
        assert here.logged("worker0", "store_lost") + here.logged("worker1", "store_lost") >= 1
        for child in (here.web, *here.workers):
            assert await child.end(signal.SIGTERM) == 0
