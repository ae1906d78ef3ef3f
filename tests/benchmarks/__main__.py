"""``python -m tests.benchmarks``: every measurement beside its peer, one line each, and what it ran on."""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from realis.app import log
from tests.benchmarks import floor as machine
from tests.benchmarks import overtake as overtaking
from tests.benchmarks import together
from tests.benchmarks.clients import http_clients
from tests.benchmarks.first import CHANNELS, release_to_first
from tests.benchmarks.memory import peak
from tests.benchmarks.nginx import nginx
from tests.benchmarks.processes import Bill
from tests.benchmarks.push import compare, phones, push_channel
from tests.benchmarks.whole_path import whole_path

CITY = 104_444
"""The inhabitants of Siegen."""


async def floor(given: argparse.Namespace) -> None:
    """What the machine can do."""
    async with nginx() as server:
        least = await machine.floor(server)
    print(
        f"floor ecdh_per_s={least.agreements:.0f} keys_per_s={least.keys:.0f} wrk_per_s={least.requests:.0f}"
        f" targets={given.targets} floor_s={least.seconds(given.targets):.2f}"
    )


async def push(given: argparse.Namespace) -> None:
    """The whole path to ten thousand, beside the peer's own loop."""
    targets = min(given.targets, 10_000)
    async with nginx() as server:
        result = await compare(server, whole_path, targets=targets, rounds=max(given.rounds, 3))
    print(f"push targets={targets} {result.line}")


async def push_city(given: argparse.Namespace) -> None:
    """The whole path to all of the city, beside the peer's own loop and beside what is possible at all."""
    async with nginx() as server:
        bill, least = Bill(server), await machine.floor(server)
        ours = partial(whole_path, bill=bill)
        result = await compare(server, ours, targets=given.targets, rounds=given.rounds)
    part, each = least.seconds(given.targets) / result.seconds, 1e6 / given.targets
    print(f"push_city targets={given.targets} {result.line} floor_part={part:.2f}")
    print(
        f"push_city_cpu parent_us={bill.parent * each:.1f} children_us={bill.children * each:.1f}"
        f" nginx_us={bill.nginx * each:.1f}"
    )


async def push_channel_alone(given: argparse.Namespace) -> None:
    """The channel in this process alone, without store, dispatcher and children."""
    targets = min(given.targets, 10_000)
    async with nginx() as server:
        result = await compare(server, push_channel, targets=targets, rounds=given.rounds)
    print(f"push_channel targets={targets} {result.line}")


async def push_tls(given: argparse.Namespace) -> None:
    """The whole path over TLS."""
    async with nginx(tls=True) as server:
        seconds = await whole_path(phones(server, given.targets), server.trust)
    print(f"push_tls targets={given.targets} seconds={seconds:.2f}")


async def push_scaling(given: argparse.Namespace) -> None:
    """Seconds from a thousand to a hundred thousand. An exponent of 1 is linear."""
    sizes = [size for size in (1_000, 10_000, 100_000) if size <= max(given.targets, 1_000)]
    async with nginx() as server:
        taken = [await whole_path(phones(server, size)) for size in sizes]
    said = " ".join(
        f"s_{size}={seconds:.2f} per_target_us_{size}={seconds / size * 1e6:.0f}"
        for size, seconds in zip(sizes, taken, strict=True)
    )
    grown = math.log(taken[-1] / taken[0]) / math.log(sizes[-1] / sizes[0]) if len(sizes) > 1 else math.nan
    print(f"push_scaling {said} exponent={grown:.2f}")


async def push_memory(given: argparse.Namespace) -> None:
    """The most memory, in processes of their own; and how it divides between the parent and its children."""
    most = min(given.targets, 100_000)
    small, large = await peak(1_000), await peak(most)
    name = f"{most // 1000}k"
    print(f"push_memory mb_1k={sum(small):.1f} mb_{name}={sum(large):.1f} ratio={sum(large) / sum(small):.2f}")
    print(
        f"push_memory_parts parent_1k={small[0]:.1f} parent_{name}={large[0]:.1f}"
        f" children_1k={small[1]:.1f} children_{name}={large[1]:.1f}"
    )


async def push_cluster(given: argparse.Namespace) -> None:
    """Two workers on PostgreSQL and Redis, beside one and beside the single machine."""
    async with nginx() as server:
        found = await together.push_cluster(server, phones(server, given.targets))
    print(
        f"push_cluster targets={given.targets} two_s={found.two_s:.2f} one_s={found.one_s:.2f}"
        f" single_s={found.single_s:.2f} ratio_to_single={found.single_s / found.two_s:.2f} share={found.share:.2f}"
    )


async def overtake(given: argparse.Namespace) -> None:
    """A graver warning to the screens, beside the pushes of a lesser one."""
    async with nginx() as server:
        found = await overtaking.overtake(server, phones(server, given.targets), screens=given.screens)
    print(f"overtake screens={given.screens} targets={given.targets} {found.line}")


async def first(given: argparse.Namespace) -> None:
    """From the end of a release's pause to the first arrival."""
    async with nginx(log=True) as server:
        subscriptions = phones(server, given.targets)
        small, large = await release_to_first(server, subscriptions, districts=given.districts, cities=given.cities)
    for where, firsts, number in (("district", small, given.districts), ("city", large, given.cities)):
        for channel in CHANNELS if number else ():
            print(f"release_to_first to={where} channel={channel} releases={number} {firsts.line(channel)}")


async def clients(_given: argparse.Namespace) -> None:
    """Processor time of one request, by HTTP client."""
    async with nginx() as server:
        found = await http_clients(server)
    said = [f"{name}_us={'not-installed' if cost is None else f'{cost:.0f}'}" for name, cost in found.items()]
    print("http_clients", *said)


PARTS: dict[str, Callable[[argparse.Namespace], Awaitable[None]]] = {
    "push": push,
    "floor": floor,
    "push_city": push_city,
    "push_channel": push_channel_alone,
    "push_tls": push_tls,
    "push_scaling": push_scaling,
    "push_memory": push_memory,
    "push_cluster": push_cluster,
    "release_to_first": first,
    "overtake": overtake,
    "http_clients": clients,
}
"""What is measured, by the name its lines begin with."""


async def main(given: argparse.Namespace) -> None:
    """Measure and print."""
    print(f"python={platform.python_version()} cores={os.cpu_count()} loop=uvloop peer=pywebpush", flush=True)
    for name in given.parts or PARTS:
        before, load = time.monotonic(), os.getloadavg()[0]
        await PARTS[name](given)
        print(f"  ({name}: {time.monotonic() - before:.0f} s, load before {load:.1f})", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"which: {', '.join(PARTS)}; all by default")
    parser.add_argument("--targets", type=int, default=CITY)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--districts", type=int, default=500, help="releases to one district")
    parser.add_argument("--cities", type=int, default=20, help="releases to the whole city")
    parser.add_argument("--screens", type=int, default=500, help="screens that are overtaken to")
    log.configure(level="WARNING")
    uvloop.run(main(parser.parse_args()))
