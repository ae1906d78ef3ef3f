"""Screens' acknowledgements, written in groups, so that a city's screens cost a handful of transactions.

A report that arrives before its dispatch is planned, or while the store is unreachable, is kept and retried; it delays
no screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from displays.channel import NAME
from realis.model.errors import StoreUnavailable
from realis.ports.clock import Clock
from realis.ports.targets import Confirmations, DisplayReport
from realis.ports.waiting import wait_for_event

log = structlog.get_logger(__name__)

WRITE_CHUNK = 500
"""Reports in one transaction at most."""

GATHER_S = 0.1
"""Seconds after the first report of a group before it is written."""

SETTLE_FOR = timedelta(minutes=15)
"""How long a report is retried until its target is planned; after that it is dropped: the screen was not addressed."""

MAX_BUFFERED_REPORTS = 50_000
"""Bound of the buffer: every screen of the largest gateway, for several warnings. Beyond it the oldest are dropped."""


class AcknowledgementBuffer:
    """Buffers the reports of one gateway. ``run`` writes them until it is cancelled.

    Args:
        write_s: seconds one transaction may take.
        again_s: seconds between two attempts for targets not planned yet.
    """

    def __init__(self, confirmations: Confirmations, clock: Clock, *, write_s: float, again_s: float) -> None:
        self._confirmations = confirmations
        self._clock = clock
        self._write_s, self._again_s = write_s, again_s
        self._new: dict[DisplayReport, None] = {}
        self._unplanned: dict[DisplayReport, None] = {}
        self._some = asyncio.Event()

    def note(self, report: DisplayReport) -> None:
        """Buffer a report; never blocks."""
        self._new[report] = None
        for kept in (self._unplanned, self._new):
            while len(self._new) + len(self._unplanned) > MAX_BUFFERED_REPORTS and kept:
                del kept[next(iter(kept))]
        self._some.set()

    async def run(self) -> None:
        """Write new reports, and retry those whose target was not planned yet."""
        loop = asyncio.get_running_loop()
        again_at = loop.time() + self._again_s
        while True:
            await wait_for_event(self._some, again_at - loop.time())
            await asyncio.sleep(GATHER_S)  # the screens of one fan-out answer together: one transaction for all
            self._some.clear()  # before the write, so that a report noted during it starts the next round
            await self._write(list(self._new))
            if loop.time() >= again_at:
                await self._write(list(self._unplanned))
                again_at = loop.time() + self._again_s

    async def flush(self) -> None:
        """Write the buffered reports, once."""
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
        """Drop the reports that were written or are too old, keep the rest."""
        oldest = self._clock.now() - SETTLE_FOR
        for report in some:
            self._new.pop(report, None)
            self._unplanned.pop(report, None)
            if report in planned:
                log.info("display_shown", target=report.target_id, revision=report.revision)
            elif report.at >= oldest:
                self._unplanned[report] = None
