"""What processes cost, as Linux tells in ``/proc``: processor time and memory. It measures, it starts nothing."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.nginx import Nginx

_RESTED_WITHIN_S = 30.0
_PAUSE_S = 0.5
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def children(pid: int, named: str) -> list[int]:
    """The child processes whose command line holds this word."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed if named in Path(f"/proc/{child}/cmdline").read_bytes().decode()]


def push_children() -> list[int]:
    """The processes that seal and post for this one."""
    return children(os.getpid(), "channels.webpush.worker_process")


async def rested(*pids: int) -> None:
    """Wait until these have started and have nothing more to do."""
    async with asyncio.timeout(_RESTED_WITHIN_S):
        before = -1.0
        while (used := cpu_s(*pids)) > before:
            before = used
            await asyncio.sleep(_PAUSE_S)


def cpu_s(*pids: int) -> float:
    """Processor time these have used since they began, user and system, in steps of 10 ms."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) * _TICK_S


def pss_mb(*pids: int) -> float:
    """Their memory, what they share counted once."""
    kept = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    found = [re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE) for text in kept]
    return sum(int(match.group(1)) for match in found if match) / 1024


@dataclass(slots=True)
class Bill:
    """Processor seconds of this process, its push children and nginx, between ``open`` and ``close``."""

    server: Nginx
    parent: float = 0.0
    children: float = 0.0
    nginx: float = 0.0

    def open(self) -> None:
        """Begin anew."""
        self.parent, self.children, self.nginx = self._read()

    def close(self) -> None:
        """Keep what was used since ``open``."""
        parent, children, nginx = self._read()
        self.parent, self.children, self.nginx = parent - self.parent, children - self.children, nginx - self.nginx

    def _read(self) -> tuple[float, float, float]:
        workers = children(self.server.pid, "nginx")
        return cpu_s(os.getpid()), cpu_s(*push_children()), cpu_s(*workers)
