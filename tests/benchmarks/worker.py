"""``python -m tests.benchmarks.worker FOLDER DATABASE REDIS``: one worker of a cluster that sends to the local nginx.

The real wiring; says its process id when it is ready, and serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from realis.app import log
from realis.app.container import ProcessRole
from tests.benchmarks.whole_path import running, settings


async def main(folder: Path, database_url: str, redis_url: str) -> None:
    """Work until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = settings(folder, database_url=database_url, redis_url=redis_url)
    async with running((), config=config, part=ProcessRole.WORKER):
        print(os.getpid(), flush=True)
        await stop.wait()


if __name__ == "__main__":
    log.configure(level="WARNING")
    home, *urls = sys.argv[1:]
    uvloop.run(main(Path(home), *urls))
