"""The most memory one warning to so many phones needs, measured in a process that did nothing else.

``python -m tests.benchmarks.memory store FOLDER TARGETS ORIGIN`` stores phones and ends; ``push FOLDER TARGETS`` warns
them and prints the highest PSS while pushing, in MB: its own, then its children's.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from realis.app import log
from tests.benchmarks.nginx import nginx
from tests.benchmarks.processes import pss_mb, push_children
from tests.benchmarks.whole_path import CITY, prepare, recorded, release, running, settings
from tests.fakes.push_service import Phone, phone

EVERY_S = 0.05


async def peak(targets: int) -> tuple[float, float]:
    """The highest PSS of one warning to so many, in MB: the program's, its children's."""
    with tempfile.TemporaryDirectory() as folder:
        async with nginx() as server:
            await _run("store", folder, str(targets), server.origin)
            parent, below = (await _run("push", folder, str(targets))).split()
    return float(parent), float(below)


async def _run(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.memory", *words), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{words[0]} failed"
    return out.decode()


async def store(folder: Path, targets: int, origin: str) -> None:
    """Subscribe so many phones."""
    async with running(_phones(origin, targets), config=settings(folder)):
        pass


async def push(folder: Path, targets: int) -> None:
    """Warn them, and say what that took."""
    async with running((), config=settings(folder)) as app:
        gc.collect()
        ready = await prepare(app.core, CITY)
        seen: list[tuple[float, float]] = []
        watching = asyncio.create_task(_watch(seen))
        await release(app.core, ready)
        await recorded(app.core, ready, targets)
        watching.cancel()
        seen.append(_look())  # a small push is over before anyone looked twice
        print(*max(seen, key=sum))


def _look() -> tuple[float, float]:
    return pss_mb(os.getpid()), pss_mb(*push_children())


async def _watch(seen: list[tuple[float, float]]) -> None:
    while True:
        seen.append(_look())
        await asyncio.sleep(EVERY_S)


def _phones(origin: str, count: int) -> Iterator[Phone]:
    return (phone(f"{origin}/push/{number:06}", number.to_bytes(16, "big")) for number in range(count))


if __name__ == "__main__":
    log.configure(level="WARNING")
    order, home, number, *rest = sys.argv[1:]
    uvloop.run(store(Path(home), int(number), *rest) if order == "store" else push(Path(home), int(number)))
