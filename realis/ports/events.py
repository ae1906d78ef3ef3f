"""The port to live events: hints that something may have changed. Losing them costs latency only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol


class Topic(StrEnum):
    """The subject of a change. Events are hints: on one a listener reads the store."""

    WORK = "work"
    SITUATION = "situation"
    DELIVERY = "delivery"
    DESK = "desk"
    SCREENS = "screens"


class Events(Protocol):
    """Hints between the parts, in one process or many. Losing all of them costs latency only."""

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Queue the hint for every listener; never blocks on a slow one."""
        ...

    def listen(self, *topics: Topic) -> AsyncIterator[tuple[Topic, str]]:
        """Yield hints from now on; repeated ones may be merged."""
        ...
