"""``python -m tests.benchmarks``: every measurement beside its peer, one line each, and what it ran on."""

from __future__ import annotations

import argparse
import os
import platform

import uvloop

from tests.benchmarks.nginx import nginx
from tests.benchmarks.push import Way, compare, push_channel
from tests.benchmarks.whole_path import whole_path

WAYS: dict[str, Way] = {"push": whole_path, "push_channel": push_channel}
"""What is measured, by the name its line begins with. The whole path is ``push``."""


async def main(targets: int, rounds: int) -> None:
    """Measure all ways and print them."""
    print(f"python={platform.python_version()} cores={os.cpu_count()} loop=uvloop peer=pywebpush rounds={rounds}")
    async with nginx() as server:
        for name, way in WAYS.items():
            result = await compare(server, way, targets=targets, rounds=rounds)
            print(
                f"{name} targets={targets} seconds={result.seconds:.2f} ratio_to_pywebpush={result.ratio:.2f}"
                f" (pywebpush {result.peer_seconds:.2f} s)",
                flush=True,
            )


if __name__ == "__main__":
    given = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    given.add_argument("--targets", type=int, default=10_000)
    given.add_argument("--rounds", type=int, default=3)
    uvloop.run(main(**vars(given.parse_args())))
