"""Waiting on an event ends with the event, with the time, and with a cancellation, whichever comes first."""

from __future__ import annotations

import asyncio

import pytest

from realis.ports.waiting import wait_for_event


async def test_it_says_which_of_the_two_came() -> None:
    """True for the event, False for the time; a time that has passed is no error."""
    event = asyncio.Event()
    assert await wait_for_event(event, 0.001) is False
    assert await wait_for_event(event, -1.0) is False
    event.set()
    assert await wait_for_event(event, 10.0) is True


async def test_a_cancellation_together_with_the_event_is_kept() -> None:
    """Python 3.11's ``wait_for`` loses it, and a service never ends."""
    event = asyncio.Event()
    waiting = asyncio.ensure_future(wait_for_event(event, 10.0))
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
