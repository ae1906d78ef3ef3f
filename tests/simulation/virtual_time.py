"""An event loop whose time is a number: hours pass in milliseconds, in the same order for the same program.

It waits for nothing but work that was announced with ``busy`` (a database's thread). It knows no warnings.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.clock import START


class DeadlockError(Exception):
    """Nothing is ready, nothing is scheduled, nothing is being worked on: nobody would ever wake up."""


class _Leaping(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's time forward."""

    def __init__(self) -> None:
        super().__init__()
        self.instant = 0.0
        self.working = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.working:
            # A thread will report. Real time passes, virtual time stands still.
            return super().select(0 if timeout == 0 else None)
        if timeout is None:
            raise DeadlockError
        self.instant += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Virtual seconds since the start."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """The virtual now in seconds."""
        return self._leaping.instant

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Let no virtual time pass while something outside the loop works."""
        self._leaping.working += 1
        try:
            yield
        finally:
            self._leaping.working -= 1


class VirtualClock:
    """``realis.ports.channel.Clock`` on the loop's time, ahead or behind by a fixed ``skew_s``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, skew_s: float = 0.0) -> None:
        self._loop = loop
        self._skew_s = skew_s

    def now(self) -> datetime:
        """The virtual instant."""
        return START.astimezone(UTC) + timedelta(seconds=self._loop.time() + self._skew_s)


def run_virtual(main: Coroutine[Any, Any, None], loop: VirtualLoop) -> None:
    """Run to the end on this loop, then leave nothing behind."""
    try:
        loop.run_until_complete(loop.create_task(main, name="schedule"))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
