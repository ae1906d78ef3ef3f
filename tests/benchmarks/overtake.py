"""How much longer the last of many screens waits for a graver warning while a whole city is being pushed to.

First warnings to the screens alone, on an idle machine; then, while the pushes of a warning of level 2 go out, more of
level 1. Both counted from the end of the pause.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from realis.app.container import Services
from realis.model.alert import Level
from tests.benchmarks.nginx import Nginx
from tests.benchmarks.outside import Outside, outside
from tests.benchmarks.whole_path import CITY, forget, prepare, release, running, settings
from tests.fakes.push_service import Phone

PAUSE_S = 0.2
IDLE_SAMPLES = 9
EVERY_S = 0.5
"""Between two samples: the screens' confirmations of the last one are written by then."""


@dataclass(slots=True)
class Overtaken:
    """Milliseconds until the last screen had it."""

    idle: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The middles, and the slowest while busy; no number where the storm was over before a sample was."""
        if not self.busy:
            return f"idle_ms={median(self.idle):.0f} busy_ms=nan samples=0 (more --targets are needed)"
        idle, busy = median(self.idle), median(self.busy)
        return (
            f"idle_ms={idle:.0f} busy_ms={busy:.0f} ratio={busy / idle:.2f}"
            f" busy_max_ms={max(self.busy):.0f} samples={len(self.busy)}"
        )


async def overtake(server: Nginx, subscriptions: Sequence[Phone], *, screens: int) -> Overtaken:
    """Measure both."""
    found = Overtaken()
    with tempfile.TemporaryDirectory() as folder:
        config = settings(Path(folder), pause_s=PAUSE_S)
        async with running(subscriptions, config=config) as app, outside(app, screens=screens, confirm=True) as there:
            await _last_screen(app.core, there)  # the first one ever opens and prepares much
            for _ in range(IDLE_SAMPLES):
                found.idle.append(await _last_screen(app.core, there))
            last = await _storm(app.core, server) + len(subscriptions)
            while True:
                taken = await _last_screen(app.core, there)
                if await server.requests() >= last:
                    return found  # the pushes may have ended before this sample did
                found.busy.append(taken)


async def _storm(core: Services, server: Nginx) -> int:
    """Warn the whole city; returns when its pushes arrive, with how many requests came before them."""
    before = await server.requests()
    await release(core, await prepare(core, CITY, "webpush", level=Level.DANGER))
    async with asyncio.timeout(60):
        while await server.requests() < before + 1_000:  # noqa: ASYNC110 - they happen in another process
            await asyncio.sleep(0.02)
    return before


async def _last_screen(core: Services, there: Outside) -> float:
    """Milliseconds from the end of the pause until all screens had a new warning of level 1."""
    ready = await prepare(core, CITY, "display")
    due = await release(core, ready)
    seen = await there.see(ready, due)
    await asyncio.sleep(EVERY_S)
    await forget(core, ready)
    return (seen.last_screen - due) * 1000
