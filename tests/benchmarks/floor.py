"""What the machine itself can do: how many key agreements, how many requests. Nothing of ours is measured here."""

from __future__ import annotations

import asyncio
import re
import shutil

from tests.benchmarks.nginx import Nginx

SECONDS = 2


async def ecdh_per_s() -> float:
    """P-256 key agreements OpenSSL makes on one core in a second."""
    out = await _run("openssl", "speed", "-seconds", str(SECONDS), "ecdhp256")
    found = re.search(r"ecdh \(nistp256\)\s+\S+\s+([\d.]+)", out)
    return float(found.group(1)) if found else 0.0


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
