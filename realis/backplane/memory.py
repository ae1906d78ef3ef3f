"""Hints between the parts of one process. A lost hint costs latency only: all state is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self
from weakref import WeakSet

from realis.ports.events import Topic

MAX_PENDING = 256
"""Most different hints kept for a listener; beyond that a topic's hints become one without a key."""

Hint = tuple[Topic, str]


class Pending:
    """Hints not yet taken, merged: each once, in the order they first came, never more than ``MAX_PENDING``."""

    def __init__(self) -> None:
        self._hints: dict[Hint, None] = {}

    def __bool__(self) -> bool:
        return bool(self._hints)

    def add(self, topic: Topic, key: str) -> None:
        """Add a hint. Beyond the bound, the hints of a topic are replaced by one without a key, which covers all."""
        if (topic, "") in self._hints:
            return
        self._hints[topic, key] = None
        if len(self._hints) > MAX_PENDING:
            self._hints = {(of, ""): None for of, _ in self._hints}

    def pop(self) -> Hint:
        """Remove and return the oldest hint."""
        hint = next(iter(self._hints))
        del self._hints[hint]
        return hint

    def take(self) -> tuple[Hint, ...]:
        """Remove and return all hints."""
        taken = tuple(self._hints)
        self._hints.clear()
        return taken


class Listener(AsyncIterator[Hint]):
    """One listener's queue of hints, from its creation on."""

    def __init__(self, topics: frozenset[Topic]) -> None:
        self._topics = topics
        self._pending = Pending()
        self._some = asyncio.Event()

    def hear(self, topic: Topic, key: str) -> None:
        """Queue a hint if its topic is listened to."""
        if topic in self._topics:
            self._pending.add(topic, key)
            self._some.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Hint:
        # No await between check and clear, so that no hint is missed.
        while not self._pending:
            self._some.clear()
            await self._some.wait()
        return self._pending.pop()


class MemoryEvents:
    """``realis.ports.channel.Events`` within one process. A listener that lags gets fewer, merged hints."""

    def __init__(self) -> None:
        # Weak references: a listener that stops iterating is removed with its iterator.
        self._listeners: WeakSet[Listener] = WeakSet()

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Queue the hint for every listener; never blocks on a slow one."""
        self.tell(topic, key)

    def tell(self, topic: Topic, key: str = "") -> None:
        """As ``publish``, without awaiting."""
        for listener in list(self._listeners):
            listener.hear(topic, key)

    def listen(self, *topics: Topic) -> AsyncIterator[Hint]:
        """Yield hints from now on; one without a key stands for any number of merged hints of its topic."""
        listener = Listener(frozenset(topics))
        self._listeners.add(listener)
        return listener
