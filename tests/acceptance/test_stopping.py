"""The program stops when it is told to, also in the middle of things."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from realis.app.wiring import build
from realis.ports.events import Topic
from tests.support.installation import LOOPBACK, settings


@pytest.mark.parametrize("turns", range(6))
async def test_it_stops_at_the_very_moment_something_happens(tmp_path: Path, turns: int) -> None:
    """Events and the order to stop within a few turns of the loop: neither makes the program forget the other."""
    async with asyncio.timeout(60), build(settings(tmp_path), variation=LOOPBACK) as app:
        stop = asyncio.Event()
        serving = asyncio.create_task(app.run(stop))
        await asyncio.sleep(0.2)
        for topic in Topic:
            await app.core.events.publish(topic)
        for _ in range(turns):
            await asyncio.sleep(0)
        stop.set()
        done, _ = await asyncio.wait({serving}, timeout=10)
        serving.cancel()
        assert done, "it did not stop"
        serving.result()


async def test_it_can_be_built_again_on_the_same_data_at_once(tmp_path: Path) -> None:
    """After the end everything is given back: lock, ports, database; the next start takes them."""
    for _ in range(3):
        async with asyncio.timeout(20), build(settings(tmp_path), variation=LOOPBACK) as app:
            assert app.http_port
