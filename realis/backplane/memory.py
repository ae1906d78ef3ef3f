"""Hints between the parts of one process. Nothing here is worth keeping: the store holds the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from realis.ports import Topic

QUEUE = 256


class MemoryEvents:
    """``realis.ports.Events`` within one process. A listener that lags gets fewer, merged hints."""

    def __init__(self) -> None:
        self._listeners: set[tuple[frozenset[Topic], asyncio.Queue[tuple[Topic, str]]]] = set()

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Tell everyone who listens; never blocks on a slow listener."""
        for topics, queue in self._listeners:
            if topic in topics and not queue.full():
                queue.put_nowait((topic, key))

    async def listen(self, *topics: Topic) -> AsyncIterator[tuple[Topic, str]]:
        """Hints from now on."""
        queue: asyncio.Queue[tuple[Topic, str]] = asyncio.Queue(QUEUE)
        entry = (frozenset(topics), queue)
        self._listeners.add(entry)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(entry)
