"""The store in memory as a schedule uses it, and what can be checked because every row is in reach."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from realis.ports.clock import Clock
from realis.storage.ledger.dispatch_rows import DispatchState
from tests.simulation.memory_people import MemoryDesk, MemoryTargets
from tests.simulation.memory_rows import DispatchRow, Rows
from tests.simulation.memory_store import MemoryAlerts, MemoryBatches
from tests.simulation.witness import PromiseBrokenError

_WORKING = (DispatchState.WAITING, DispatchState.PLANNING)


class MemoryStand:
    """``schedule.Store`` in memory."""

    def __init__(self, clock: Clock) -> None:
        self.rows = Rows()
        self._clock = clock

    @cached_property
    def desk(self) -> MemoryDesk:
        """Drafts and decisions."""
        return MemoryDesk(self.rows, self._clock)

    @cached_property
    def alerts(self) -> MemoryAlerts:
        """Issued alerts."""
        return MemoryAlerts(self.rows)

    @cached_property
    def batches(self) -> MemoryBatches:
        """The ledger."""
        return MemoryBatches(self.rows)

    @cached_property
    def targets(self) -> MemoryTargets:
        """Who can be reached."""
        return MemoryTargets(self.rows, self._clock)

    async def finished(self) -> bool:
        """Whether nothing is waiting, planned, open or claimed any more."""
        working = any(dispatch.state in _WORKING for dispatch in self.rows.dispatches.values())
        return not working and not any(batch.live for batch in self.rows.batches.values())

    async def here(self) -> set[int]:
        """Targets that are active now."""
        return {member.id for member in self.rows.members.values() if member.active}

    async def check(self) -> None:
        """Sums equal the plan; nobody waits twice for the same thing."""
        for dispatch in self.rows.dispatches.values():
            waiting = self._waiting(dispatch)
            counted = sum(waiting.values()) + sum(self.rows.tallies[dispatch.id].values())
            if counted != dispatch.planned:
                raise PromiseBrokenError(f"dispatch {dispatch.id}: {counted} counted, {dispatch.planned} planned")
            if max(waiting.values(), default=0) > 1:
                raise PromiseBrokenError(f"dispatch {dispatch.id}: somebody waits twice: {waiting}")

    def _waiting(self, dispatch: DispatchRow) -> Counter[int]:
        waiting: Counter[int] = Counter()
        for batch in self.rows.batches_of(dispatch):
            if batch.live:
                waiting.update(batch.targets)
        return waiting
