"""How long things may take on a machine that does other work besides."""

from __future__ import annotations

import os


def at_pace(seconds: float) -> float:
    """What an idle machine does in so many seconds may take as many times longer as there are programs per core.

    For limits that are themselves the promise under test. A bound on waiting for something is simply generous, since
    it costs nothing while all is well.
    """
    busy = os.getloadavg()[0] / len(os.sched_getaffinity(0))
    return seconds * max(1.0, busy)
