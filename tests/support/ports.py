"""Ports for programs that cannot be told to choose one themselves; everything else in the tests listens on port 0."""

from __future__ import annotations

import os
import random
import socket
from contextlib import suppress
from typing import Final

FIRST: Final = 20_000
SHARE: Final = 1_500
SHARES: Final = 8
_DRAWN: Final = random.SystemRandom()


def free_port() -> int:
    """A port of loopback that nothing uses now and no test process running beside this one will be given.

    Between this answer and the program that listens there the port is free for everything else. It lies below the
    ports the system gives away by itself (32768 and up on Linux), and each worker of pytest-xdist draws from its own
    share, so that only a program outside these tests could take it.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + SHARE * (worker % SHARES)
    while True:
        port = _DRAWN.randrange(first, first + SHARE)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
