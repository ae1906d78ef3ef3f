"""``python -m tests.benchmarks.memory TARGETS``: the most memory one warning to so many phones needs.

In a process of its own, whose phones are forgotten as soon as they are stored. PSS, with the children.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.benchmarks.nginx import Nginx, nginx
from tests.benchmarks.whole_path import CITY, prepare, recorded, release, running
from tests.fakes.push_service import Phone, phone

EVERY_S = 0.1


async def main(targets: int) -> None:
    """Print the highest PSS while pushing, in MB."""
    async with nginx() as server, running(_phones(server, targets)) as app:
        gc.collect()
        ready = await prepare(app.core, CITY)
        watching = asyncio.create_task(_watch())
        await release(app.core, ready)
        await recorded(app.core, ready, targets)
        watching.cancel()
        print(f"{max(_SEEN):.1f}")


_SEEN: list[float] = [0.0]


async def _watch() -> None:
    while True:
        _SEEN.append(sum(_pss_mb(pid) for pid in (os.getpid(), *_children())))
        await asyncio.sleep(EVERY_S)


def _phones(server: Nginx, count: int) -> Iterator[Phone]:
    return (phone(f"{server.origin}/push/{number:06}", number.to_bytes(16, "big")) for number in range(count))


def _children() -> list[int]:
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in listed if b"webpush_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _pss_mb(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
