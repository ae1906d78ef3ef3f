"""Waiting on an event with a bound."""

from __future__ import annotations

import asyncio


async def wait_for_event(event: asyncio.Event, timeout_s: float) -> bool:
    """True once the event is set, False after ``timeout_s`` seconds; the event is not cleared.

    ``asyncio.wait_for`` is not used: until Python 3.12 it can swallow a cancellation that arrives together with the
    event (https://github.com/python/cpython/issues/86296), and the task that should end goes on.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False
