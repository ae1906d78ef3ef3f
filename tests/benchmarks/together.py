"""Two workers on one PostgreSQL and one Redis, beside one worker there and beside the single machine on SQLite.

The web part, which releases and counts, is this process; the workers are processes of their own.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from realis.app.container import ProcessRole, Services
from tests.benchmarks.nginx import Nginx
from tests.benchmarks.whole_path import running, settings, warn_all, whole_path
from tests.fakes.push_service import Phone
from tests.support.cluster import Cluster, cluster

STARTS_WITHIN_S = 40.0


@dataclass(frozen=True, slots=True)
class Together:
    """Seconds for the same targets, and the smaller part of the targets one of two workers had."""

    two_s: float
    one_s: float
    single_s: float
    share: float


async def push_cluster(server: Nginx, subscriptions: Sequence[Phone]) -> Together:
    """Measure the three in turn; every one of them must bring all its pushes to nginx."""
    single_s = await whole_path(subscriptions)
    with tempfile.TemporaryDirectory() as folder:
        async with cluster(Path(folder)) as shared:
            config = settings(Path(folder) / "data", database_url=shared.url, redis_url=shared.redis.url)
            async with running(subscriptions, config=config, part=ProcessRole.WEB) as web:
                # As PostgreSQL does by itself within a minute after so many have come.
                shared.postgres.query("VACUUM ANALYZE", str(make_url(shared.url).database))
                one_s, _ = await _with_workers(1, shared, web.core, server, len(subscriptions))
                two_s, share = await _with_workers(2, shared, web.core, server, len(subscriptions))
    return Together(two_s, one_s, single_s, share)


async def _with_workers(
    number: int, shared: Cluster, core: Services, server: Nginx, targets: int
) -> tuple[float, float]:
    """Seconds, and the least share any of them had."""
    async with AsyncExitStack() as stack:
        pids = [await stack.enter_async_context(_worker(shared)) for _ in range(number)]
        before = await server.requests()
        taken = await warn_all(core, targets)
        arrived = await server.requests() - before - 1
        assert arrived == targets, f"{arrived} of {targets} arrived"
    shares = await shared.shares()
    return taken, min(shares.get(pid, 0) for pid in pids) / targets


@asynccontextmanager
async def _worker(shared: Cluster) -> AsyncIterator[str]:
    """A worker's process; its id, by which batches name their owner."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.worker"),
        *(str(shared.folder / "data"), shared.url, shared.redis.url),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), STARTS_WITHIN_S)
        assert line, "the worker did not start"
        yield line.decode().strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
