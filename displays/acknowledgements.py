"""What screens said they showed, written down some at a time, so that a city's screens cost a handful of writes.

A report that came before its plan, or while the store is away, is kept and tried again; it holds up no screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from displays.channel import NAME
from realis.model.errors import StoreUnavailable
from realis.ports.channel import Clock
from realis.ports.targets import Confirmations, DisplayReport
from realis.ports.waiting import wait_for_event

log = structlog.get_logger(__name__)

WRITE_CHUNK = 500
"""Reports in one write."""

GATHER_S = 0.1
"""How long the first of some waits for others."""

SETTLE_FOR = timedelta(minutes=15)
"""How long a report waits for its plan; after that the screen was simply not meant."""

MAX_BUFFERED_REPORTS = 50_000
"""Reports kept: every screen of the largest gateway, for several warnings. The oldest make room."""


class AcknowledgementBuffer:
    """Gathers reports of one gateway. ``run`` writes them until it is cancelled.

    Args:
        write_s: seconds one write may take.
        again_s: seconds between two tries of what was not planned yet.
    """

    def __init__(self, confirmations: Confirmations, clock: Clock, *, write_s: float, again_s: float) -> None:
        self._confirmations = confirmations
        self._clock = clock
        self._write_s, self._again_s = write_s, again_s
        self._new: dict[DisplayReport, None] = {}
        self._unplanned: dict[DisplayReport, None] = {}
        self._some = asyncio.Event()

    def note(self, report: DisplayReport) -> None:
        """Remember it; it is written soon."""
        self._new[report] = None
        for kept in (self._unplanned, self._new):
            while len(self._new) + len(self._unplanned) > MAX_BUFFERED_REPORTS and kept:
                del kept[next(iter(kept))]
        self._some.set()

    async def run(self) -> None:
        """Write what comes in, and try again what was too early."""
        loop = asyncio.get_running_loop()
        again_at = loop.time() + self._again_s
        while True:
            await wait_for_event(self._some, again_at - loop.time())
            await asyncio.sleep(GATHER_S)
            self._some.clear()
            await self._write(list(self._new))
            if loop.time() >= again_at:
                await self._write(list(self._unplanned))
                again_at = loop.time() + self._again_s

    async def flush(self) -> None:
        """Write what is left, once."""
        await self._write([*self._new, *self._unplanned])

    async def _write(self, reports: Sequence[DisplayReport]) -> None:
        for start in range(0, len(reports), WRITE_CHUNK):
            some = reports[start : start + WRITE_CHUNK]
            try:
                async with asyncio.timeout(self._write_s):
                    planned = await self._confirmations.confirm(NAME, some)
            except (TimeoutError, StoreUnavailable) as error:
                log.warning("display_reports_late", number=len(some), cause=type(error).__name__)
                return
            self._sort(some, planned)

    def _sort(self, some: Sequence[DisplayReport], planned: frozenset[DisplayReport]) -> None:
        """Let go of what is written or too old, keep the rest."""
        oldest = self._clock.now() - SETTLE_FOR
        for report in some:
            self._new.pop(report, None)
            self._unplanned.pop(report, None)
            if report in planned:
                log.info("display_shown", target=report.target_id, revision=report.revision)
            elif report.at >= oldest:
                self._unplanned[report] = None
