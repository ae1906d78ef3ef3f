"""Web push to many targets: REALIS beside ``webpush_async`` of pywebpush, in one run, on one loop.

Both sides: distinct keys, the same plaintext, as many requests at once, one shared session, the same local nginx.
Rounds alternate, because the machine's mood changes; the middle ratio counts. Every round checks at nginx that all
of it arrived.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp
from py_vapid import Vapid02
from pywebpush import webpush_async

from channels.webpush.channel import WebPush, payload
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.model.delivery import Accepted
from tests.benchmarks.nginx import Nginx
from tests.fakes.push_service import PeerVapid, Phone, phone
from tests.unit.channels.webpush.samples import MESSAGE, StandingClock

IN_FLIGHT = 256
LANES = 4
BATCH = 500

Way = Callable[[Sequence[Phone]], Awaitable[float]]
"""Sends one warning to all of them and returns the seconds it took; preparing does not count.

The whole path (release to the last committed outcome) is such a function, too.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Middle values over the rounds. ``ratio`` is our rate divided by theirs."""

    seconds: float
    peer_seconds: float
    ratio: float

    @property
    def line(self) -> str:
        """As it is printed."""
        return f"seconds={self.seconds:.2f} ratio_to_pywebpush={self.ratio:.2f} (pywebpush {self.peer_seconds:.2f} s)"


def phones(server: Nginx, count: int) -> list[Phone]:
    """Subscribed phones with distinct keys."""
    return [phone(f"{server.origin}/push/{number:06}", number.to_bytes(16, "big")) for number in range(count)]


async def pywebpush(subscriptions: Sequence[Phone]) -> float:
    """The peer's own loop: ``webpush_async`` with a shared session."""
    infos = [subscription.subscription for subscription in subscriptions]
    signer = Vapid02()
    signer.generate_keys()
    text, waiting = payload(MESSAGE).decode(), iter(infos)
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for info in waiting:
                answer = await webpush_async(
                    info,
                    text,
                    vapid_private_key=signer,
                    vapid_claims={"sub": "mailto:warnung@example.org"},
                    ttl=21_600,
                    timeout=aiohttp.ClientTimeout(total=30),
                    aiohttp_session=session,
                )
                assert answer.status == 201

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - started


async def push_channel(subscriptions: Sequence[Phone]) -> float:
    """REALIS's channel alone: batches of 500 in four lanes, without store and dispatcher."""
    targets = [subscription.target(number) for number, subscription in enumerate(subscriptions)]
    batches = iter([targets[start : start + BATCH] for start in range(0, len(targets), BATCH)])
    channel = WebPush(
        Egress(LoopbackOnly()), PeerVapid(), StandingClock(), in_flight=IN_FLIGHT // LANES, known=lambda host: True
    )

    async def lane() -> None:
        for batch in batches:
            outcomes = await channel.send(MESSAGE, batch)
            assert all(isinstance(outcome, Accepted) for outcome in outcomes)

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    seconds = time.perf_counter() - started
    await channel.close()
    return seconds


async def compare(server: Nginx, ours: Way, *, targets: int, rounds: int) -> Result:
    """Both ways in turn, after a small warm-up of each."""
    subscriptions = phones(server, targets)
    gc.collect()
    gc.freeze()  # a hundred thousand phones are nothing either side has to look through again and again
    for way in (pywebpush, ours):
        await way(subscriptions[: min(targets, 200)])
    pairs = []
    for _ in range(rounds):
        theirs = await _counted(server, pywebpush, subscriptions)
        pairs.append((theirs, await _counted(server, ours, subscriptions)))
    return Result(
        seconds=statistics.median(mine for _, mine in pairs),
        peer_seconds=statistics.median(theirs for theirs, _ in pairs),
        ratio=statistics.median(theirs / mine for theirs, mine in pairs),
    )


async def _counted(server: Nginx, way: Way, subscriptions: Sequence[Phone]) -> float:
    before = await server.requests()
    seconds = await way(subscriptions)
    arrived = await server.requests() - before - 1
    assert arrived == len(subscriptions), f"{arrived} of {len(subscriptions)} arrived"
    return seconds
