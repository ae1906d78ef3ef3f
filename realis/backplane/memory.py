"""Hints between the parts of one process. Nothing here is worth keeping: the store holds the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self
from weakref import WeakSet

from realis.ports.channel import Topic

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
        """Keep a hint. When there are too many of a topic, one without a key stands for all of them."""
        if (topic, "") in self._hints:
            return
        self._hints[topic, key] = None
        if len(self._hints) > MAX_PENDING:
            self._hints = {(of, ""): None for of, _ in self._hints}

    def pop(self) -> Hint:
        """The oldest hint."""
        hint = next(iter(self._hints))
        del self._hints[hint]
        return hint

    def take(self) -> tuple[Hint, ...]:
        """All of them."""
        taken = tuple(self._hints)
        self._hints.clear()
        return taken


class Listener(AsyncIterator[Hint]):
    """One listener's hints, from the moment it was made."""

    def __init__(self, topics: frozenset[Topic]) -> None:
        self._topics = topics
        self._pending = Pending()
        self._some = asyncio.Event()

    def hear(self, topic: Topic, key: str) -> None:
        """Take note of a hint, if it is of interest."""
        if topic in self._topics:
            self._pending.add(topic, key)
            self._some.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Hint:
        while not self._pending:
            self._some.clear()
            await self._some.wait()
        return self._pending.pop()


class MemoryEvents:
    """``realis.ports.channel.Events`` within one process. A listener that lags gets fewer, merged hints."""

    def __init__(self) -> None:
        # Whoever stops iterating is forgotten with its iterator.
        self._listeners: WeakSet[Listener] = WeakSet()

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Tell everyone who listens; never blocks on a slow listener."""
        self.tell(topic, key)

    def tell(self, topic: Topic, key: str = "") -> None:
        """The same, at once."""
        for listener in list(self._listeners):
            listener.hear(topic, key)

    def listen(self, *topics: Topic) -> AsyncIterator[Hint]:
        """Hints from now on; a hint without a key stands for any number of them."""
        listener = Listener(frozenset(topics))
        self._listeners.add(listener)
        return listener
