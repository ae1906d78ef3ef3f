"""The planner: turns issued dispatches into frozen batches, step by step; after a crash it resumes at the cursor."""

from __future__ import annotations

from collections.abc import Mapping

from realis.ports.channel import ChannelCapabilities
from realis.ports.clock import Clock
from realis.ports.events import Events, Topic
from realis.ports.stores import BatchStore

STEP = 5_000
"""Targets frozen in one transaction: small enough that commits of outcomes never wait long."""


class Planner:
    """Plans the gravest dispatch first."""

    def __init__(
        self, store: BatchStore, events: Events, clock: Clock, limits: Mapping[str, ChannelCapabilities]
    ) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._limits = limits

    async def run_once(self) -> bool:
        """Start due expiries and plan until nothing is left to plan; True if an expiry came into effect."""
        expired = await self.begin()
        while await self.step() is not None:
            pass
        return expired

    async def begin(self) -> bool:
        """Close batches past their deadline and start the expiry notices that are due; True if one was started."""
        now = self._clock.now()
        await self._store.close_abandoned(now)
        return await self._store.start_due(now) > 0

    async def step(self) -> frozenset[str] | None:
        """Freeze the next targets into batches, which can be sent at once.

        Returns:
            The channels that have more to send; None if nothing is left to plan.
        """
        planned = await self._store.plan_step(self._clock.now(), self._limits, most=STEP)
        if planned is not None:
            await self._events.publish(Topic.DELIVERY)
        return planned
