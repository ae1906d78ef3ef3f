"""One question asked for many: concurrent and repeated askers within a second share one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

FRESH_S = 1.0
MAX_KEYS = 200


class SharedQuery(Generic[K, V]):
    """Asks ``ask(key)`` at most once per key and ``fresh_s`` seconds. A failure reaches each waiter and is not kept."""

    def __init__(self, ask: Callable[[K], Awaitable[V]], *, fresh_s: float = FRESH_S) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._running: dict[K, asyncio.Future[V]] = {}
        self._answers: dict[K, tuple[float, V]] = {}

    async def get(self, key: K) -> V:
        """The answer for this key, at most ``fresh_s`` old."""
        loop = asyncio.get_running_loop()
        asked_at, answer = self._answers.get(key, (0.0, None))
        if answer is not None and loop.time() - asked_at < self._fresh_s:
            return answer
        running = self._running.get(key)
        if running is None:
            running = asyncio.ensure_future(self._fetch(key))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        # One asker that goes away must not take the answer from the others.
        return await asyncio.shield(running)

    async def _fetch(self, key: K) -> V:
        asked_at = asyncio.get_running_loop().time()
        answer = await self._ask(key)
        self._answers.pop(key, None)
        self._answers[key] = (asked_at, answer)
        while len(self._answers) > MAX_KEYS:
            self._answers.pop(next(iter(self._answers)))
        return answer
