"""``python -m tests.benchmarks``: every measurement beside its peer, one line each, and what it ran on."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from tests.benchmarks.first import release_to_first
from tests.benchmarks.floor import ecdh_per_s, requests_per_s
from tests.benchmarks.nginx import nginx
from tests.benchmarks.push import compare, phones, push_channel
from tests.benchmarks.whole_path import whole_path

CITY = 104_444
"""The inhabitants of Siegen."""


async def floor(_given: argparse.Namespace) -> None:
    """What the machine can do."""
    async with nginx() as server:
        ecdh, requests = await ecdh_per_s(), await requests_per_s(server)
    cores = os.cpu_count() or 1
    # Each push needs one key made and one agreement; two cores do nothing else in this bound.
    print(f"floor ecdh_per_s={ecdh:.0f} wrk_per_s={requests:.0f} city_s_of_ecdh_alone={CITY / ecdh / cores:.1f}")


async def push(given: argparse.Namespace) -> None:
    """The whole path to ten thousand, beside the peer's own loop."""
    await _beside("push", min(given.targets, 10_000), max(given.rounds, 3))


async def push_city(given: argparse.Namespace) -> None:
    """The whole path to all of the city, beside the peer's own loop."""
    await _beside("push_city", given.targets, given.rounds)


async def _beside(name: str, targets: int, rounds: int) -> None:
    async with nginx() as server:
        result = await compare(server, whole_path, targets=targets, rounds=rounds)
    print(
        f"{name} targets={targets} seconds={result.seconds:.2f} ratio_to_pywebpush={result.ratio:.2f}"
        f" (pywebpush {result.peer_seconds:.2f} s)"
    )


async def push_channel_alone(given: argparse.Namespace) -> None:
    """The channel in this process alone, without store, dispatcher and children."""
    async with nginx() as server:
        result = await compare(server, push_channel, targets=min(given.targets, 10_000), rounds=given.rounds)
    print(f"push_channel seconds={result.seconds:.2f} ratio_to_pywebpush={result.ratio:.2f}")


async def push_tls(given: argparse.Namespace) -> None:
    """The whole path over TLS."""
    async with nginx(tls=True) as server:
        seconds = await whole_path(phones(server, given.targets), server.trust)
    print(f"push_tls targets={given.targets} seconds={seconds:.2f}")


async def push_scaling(given: argparse.Namespace) -> None:
    """Seconds from a thousand to a hundred thousand."""
    sizes, taken = [size for size in (1_000, 10_000, 100_000) if size <= max(given.targets, 1_000)], []
    async with nginx() as server:
        for size in sizes:
            taken.append(await whole_path(phones(server, size)))
    said = " ".join(f"s_{size}={seconds:.2f}" for size, seconds in zip(sizes, taken, strict=True))
    more = (taken[-1] - taken[0]) / (sizes[-1] - sizes[0]) if len(sizes) > 1 else 0.0
    print(f"push_scaling {said} us_per_more_target={more * 1e6:.0f}")


async def push_memory(given: argparse.Namespace) -> None:
    """The most memory, in processes of their own."""
    most = min(given.targets, 100_000)
    small, large = [float(await _measured(size)) for size in (1_000, most)]
    print(f"push_memory mb_1k={small:.1f} mb_{most // 1000}k={large:.1f} ratio={large / small:.2f}")


async def first(given: argparse.Namespace) -> None:
    """From a release to the first arrival."""
    async with nginx(log=True) as server:
        subscriptions = phones(server, given.targets)
        small, large = await release_to_first(server, subscriptions, districts=given.districts, cities=given.cities)
    for where, firsts, number in (("district", small, given.districts), ("city", large, given.cities)):
        for channel in ("push", "screen", "feed") if number else ():
            print(f"release_to_first to={where} channel={channel} releases={number} {firsts.line(channel)}")


async def _measured(targets: int) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.memory", str(targets), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode().split()[-1]


PARTS: dict[str, Callable[[argparse.Namespace], Awaitable[None]]] = {
    "push": push,
    "floor": floor,
    "push_city": push_city,
    "push_channel": push_channel_alone,
    "push_tls": push_tls,
    "push_scaling": push_scaling,
    "push_memory": push_memory,
    "release_to_first": first,
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
    uvloop.run(main(parser.parse_args()))
