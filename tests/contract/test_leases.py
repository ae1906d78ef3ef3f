"""One owner at a time, on each database: of an account's pace, and of what is being sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from realis.dispatch.dispatcher import Dispatcher, Lease
from realis.storage.leases import SqlLeases
from tests.contract.test_stores import DATABASES
from tests.support.core_world import Town, town_over

LEASE = Lease(length_s=30, send_s=100)


@pytest.fixture(params=list(DATABASES))
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    """A town over each database."""
    async with town_over(DATABASES[request.param](request, tmp_path)) as made:
        yield made


async def test_one_of_many_gets_the_lease(here: Town) -> None:
    """Of many who ask at once one gets it, keeps it while it asks, and loses it when it lapses."""
    leases, now = SqlLeases(here.database), here.clock.now()
    asked = await asyncio.gather(*(leases.take("a", f"w{n}", now=now, lease_s=30) for n in range(6)))
    assert sum(asked) == 1
    owner = f"w{asked.index(True)}"
    assert await leases.take("b", "other", now=now, lease_s=30), "another name is another lease"
    here.clock.forward(seconds=29)
    assert not await leases.take("a", "other", now=here.clock.now(), lease_s=30)
    assert await leases.take("a", owner, now=here.clock.now(), lease_s=30)
    here.clock.forward(seconds=31)
    assert await leases.take("a", "other", now=here.clock.now(), lease_s=30)
    assert not await leases.take("a", owner, now=here.clock.now(), lease_s=30)


async def test_renewing_prolongs_only_what_is_still_mine(here: Town) -> None:
    """A batch that is renewed stays claimed past its first lease; what somebody else took stays theirs."""
    leases = SqlLeases(here.database)
    await here.subscribe("a")
    await here.warn()
    await here.plan()
    claim = await here.batches.claim("push", "mine", now=here.clock.now(), lease_s=30, busy_origins=frozenset())
    assert claim is not None
    here.clock.forward(seconds=20)
    await leases.renew("mine", sending=[claim.batch], names=["a"], now=here.clock.now(), lease_s=30)
    here.clock.forward(seconds=20)
    assert await here.claim() is None
    here.clock.forward(seconds=20)
    taken = await here.taken()
    assert (taken.batch, taken.epoch) == (claim.batch, claim.epoch + 1)
    await leases.renew("mine", sending=[claim.batch], names=["a"], now=here.clock.now(), lease_s=10_000)
    here.clock.forward(seconds=130)
    assert await here.claim() is not None, "the thawed owner's renewal did not prolong another's lease"
    assert not await here.commit(claim)


async def test_one_worker_at_a_time_posts_for_an_account(here: Town) -> None:
    """Of three workers one posts for the account; one that ends hands over at once, one that vanishes in its time."""
    await here.account()
    leases = SqlLeases(here.database)
    sending = [_worker(here, leases) for _ in range(3)]
    running = {worker.owner: asyncio.create_task(worker.run()) for worker in sending}
    try:
        for _ in range(4):
            await here.warn()
        await here.until(lambda: len(here.post.sent) == 4)
        first = await _owner(leases, sending, here)
        first.stop()
        await asyncio.wait_for(running[first.owner], 10)
        await here.warn()
        await here.until(lambda: len(here.post.sent) == 5)
        sending.remove(first)
        second = await _owner(leases, sending, here)
        running[second.owner].cancel()
        await here.warn()
        await asyncio.sleep(0.2)
        assert len(here.post.sent) == 5, "its lease still runs"
        here.clock.forward(seconds=31)
        await here.until(lambda: len(here.post.sent) == 6)
    finally:
        for worker in sending:
            worker.stop()
        await asyncio.wait(running.values(), timeout=10)


def _worker(here: Town, leases: SqlLeases) -> Dispatcher:
    channels, planner = here.channels, here.planner()
    return Dispatcher(here.batches, planner, channels, events=here.events, clock=here.clock, lease=LEASE, leases=leases)


async def _owner(leases: SqlLeases, workers: Sequence[Dispatcher], here: Town) -> Dispatcher:
    """Who holds the account."""
    now = here.clock.now()
    (found,) = [worker for worker in workers if await leases.take("channel:post", worker.owner, now=now, lease_s=30)]
    return found
