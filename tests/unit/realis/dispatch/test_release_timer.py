"""The release timer looks at the due time, at every hint, and goes on when the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from structlog.testing import capture_logs

from realis.backplane.memory import MemoryEvents
from realis.dispatch.release_timer import ReleaseTimer
from realis.model.errors import StoreUnavailable
from realis.ports.events import Topic
from tests.fakes.clock import SettableClock


class Decisions:
    """Answers each look with what a script says, and tells when it was asked."""

    def __init__(self, *answers: Callable[[], datetime | None]) -> None:
        self._answers = list(answers)
        self._asked = asyncio.Semaphore(0)

    async def issue_due(self) -> datetime | None:
        """The next scripted answer; nothing due once the script is over."""
        self._asked.release()
        return self._answers.pop(0)() if self._answers else None

    async def look(self) -> None:
        """Wait until it was asked once more, ten seconds at most."""
        async with asyncio.timeout(10):
            await self._asked.acquire()


def away() -> datetime | None:
    """The database cannot be reached."""
    raise StoreUnavailable("store-unavailable")


async def test_it_looks_again_at_the_due_time() -> None:
    """A decision due in a moment is not left until the next regular look."""
    clock = SettableClock()
    decisions = Decisions(lambda: clock.now() + timedelta(milliseconds=20))
    timer = asyncio.ensure_future(ReleaseTimer(decisions.issue_due, MemoryEvents(), clock, check_s=60).run())
    await decisions.look()
    await decisions.look()
    assert not timer.done()
    timer.cancel()


async def test_it_looks_at_every_hint() -> None:
    """A release of this or another process is seen when it is told."""
    events, decisions = MemoryEvents(), Decisions()
    timer = asyncio.ensure_future(ReleaseTimer(decisions.issue_due, events, SettableClock(), check_s=60).run())
    await decisions.look()
    await events.publish(Topic.DESK)
    await decisions.look()
    assert not timer.done()
    timer.cancel()


async def test_a_database_that_is_away_delays_and_ends_nothing() -> None:
    """It says so, and looks again."""
    decisions = Decisions(away)
    with capture_logs() as logs:
        timer = asyncio.ensure_future(
            ReleaseTimer(decisions.issue_due, MemoryEvents(), SettableClock(), check_s=0.01).run()
        )
        await decisions.look()
        await decisions.look()
    assert not timer.done()
    timer.cancel()
    assert logs[0]["event"] == "releases_wait"
