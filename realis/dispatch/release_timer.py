"""Issues decisions when their pause is over. The issue transaction repeats every check, so a stale hint is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from realis.model.errors import StoreUnavailable
from realis.ports.clock import Clock
from realis.ports.events import Events, Topic
from realis.ports.waiting import wait_for_event

log = structlog.get_logger(__name__)

RELEASE_CHECK_S = 1.0
"""Seconds between two polls at most, so that a decision of another process is found without a hint."""


class ReleaseTimer:
    """Calls ``issue_due`` at each due time, at every desk event and once a second.

    Args:
        issue_due: issues every decision that is due; returns when the next one is, or None.
        check_s: seconds between two polls at most.
    """

    def __init__(
        self,
        issue_due: Callable[[], Awaitable[datetime | None]],
        events: Events,
        clock: Clock,
        *,
        check_s: float = RELEASE_CHECK_S,
    ) -> None:
        self._issue_due = issue_due
        self._events = events
        self._clock = clock
        self._check_s = check_s
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled. An unreachable database delays decisions and loses none."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="releases.listen")
            while True:
                self._wake.clear()  # before the step, so that a hint during it starts the next one at once
                await wait_for_event(self._wake, await self._step())

    async def _listen(self) -> None:
        async for _ in self._events.listen(Topic.DESK):
            self._wake.set()

    async def _step(self) -> float:
        """Issue the decisions that are due; returns the seconds until the next poll."""
        try:
            due = await self._issue_due()
        except StoreUnavailable as error:
            log.warning("releases_wait", code=error.code)
            return self._check_s
        if due is None:
            return self._check_s
        return max(0.0, min(self._check_s, (due - self._clock.now()).total_seconds()))
