"""What the machine itself can do: how many key agreements, how many requests. Nothing of ours is measured here."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from dataclasses import dataclass

from tests.benchmarks.nginx import Nginx

SECONDS = 2


@dataclass(frozen=True, slots=True)
class Floor:
    """Operations a second: curves on one core; requests by ``wrk`` and nginx on all, 0 where wrk is missing."""

    keys: float
    agreements: float
    requests: float

    def seconds(self, targets: int) -> float:
        """The least so many pushes could take: each needs one key made, one agreement and one request, no more.

        Curves fill all cores, then requests do: with nothing else to do, that is all there is time for.
        """
        curves = (1 / self.keys + 1 / self.agreements) / (os.cpu_count() or 1)
        return targets * (curves + (1 / self.requests if self.requests else 0.0))


async def floor(server: Nginx) -> Floor:
    """Measure it, some seconds for each."""
    # OpenSSL measures no making of keys; a signature is, like it, one multiplication of the curve's base point.
    return Floor(await _speed("ecdsa"), await _speed("ecdh"), await requests_per_s(server))


async def _speed(name: str) -> float:
    """P-256 operations OpenSSL makes on one core in a second: agreements, or signatures."""
    out = await _run("openssl", "speed", "-seconds", str(SECONDS), f"{name}p256")
    seconds = r"\s+[\d.]+s" * (2 if name == "ecdsa" else 1)
    found = re.search(rf"{name} \(nistp256\){seconds}\s+([\d.]+)", out)
    return float(found.group(1)) if found else float("nan")


async def requests_per_s(server: Nginx) -> float:
    """Requests ``wrk`` gets answered by the same nginx; 0 where it is not installed."""
    if shutil.which("wrk") is None:
        return 0.0
    out = await _run("wrk", "-t1", "-c64", f"-d{SECONDS}s", server.origin + "/")
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    return float(found.group(1)) if found else 0.0


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(SECONDS * 10):
        out, _ = await process.communicate()
    return out.decode()
