"""What the program wrote down, read beside it on either database: to know when it is done, and to judge its sums.

It never writes. What arrived is counted elsewhere, at the push service.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.draft import Variant
from realis.storage import audit
from realis.storage.database import Database
from realis.storage.ledger.dispatch_rows import BatchState, DispatchState
from realis.storage.schema import alerts, batches, dispatches, enrolled, incidents, releases, tallies, targets

PUSH = "webpush"
InFlight = Counter[tuple[int, int]]
"""How often a revision may have been on its way to a target, unrecorded."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One dispatch that began: what was planned, and what became of it."""

    revision: int
    channel: str
    state: str
    planned: int
    ended: int
    accepted: int
    unfinished: int

    @property
    def over(self) -> bool:
        """Whether planning is over and nothing is open."""
        return self.state != DispatchState.PLANNING and self.unfinished == 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a kill left behind: what the process had claimed, and what was going on in general."""

    in_flight: InFlight
    phase: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Who may open a file that somebody may be killed over: whoever closes it last tidies up what a crash left."""

    lock: asyncio.Lock
    serving: asyncio.Event

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """As long as somebody serves it, and nobody is killed."""
        while True:
            await self.serving.wait()
            async with self.lock:
                if self.serving.is_set():
                    yield
                    return


@dataclass(frozen=True, slots=True)
class Record:
    """One installation's database. Every look opens it and closes it again, in its turn where there is one."""

    url: str
    turn: Turn | None = None

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[AsyncConnection]:
        async with self._open() as database, database.read() as connection:
            yield connection

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Database]:
        async with self.turn.looking() if self.turn else nullcontext():
            database = Database(self.url)
            try:
                yield database
            finally:
                await database.close()

    async def newest(self) -> tuple[UUID | None, int, int]:
        """The incident warned about last, its newest revision, and how many decisions wait to be issued."""
        order = select(alerts.c.incident_id, func.max(alerts.c.revision).label("revision"))
        order = order.join(incidents, incidents.c.id == alerts.c.incident_id).group_by(alerts.c.incident_id)
        waiting = select(func.count()).select_from(releases).where(releases.c.state == "pending")
        async with self._look() as connection:
            pending = int((await connection.execute(waiting)).scalar_one())
            last = order.order_by(func.max(alerts.c.issued_at).desc()).limit(1)
            row = (await connection.execute(last)).first()
        return (row.incident_id, int(row.revision), pending) if row else (None, 0, pending)

    async def sums(self, incident: UUID) -> list[Sum]:
        """Every dispatch of an incident that began."""
        ended = select(func.coalesce(func.sum(tallies.c.number), 0)).where(tallies.c.dispatch_id == dispatches.c.id)
        waiting = select(func.coalesce(func.sum(batches.c.size), 0)).where(
            batches.c.dispatch_id == dispatches.c.id, batches.c.state.in_((BatchState.OPEN, BatchState.CLAIMED))
        )
        query = (
            select(
                *(dispatches.c.revision, dispatches.c.channel, dispatches.c.state, dispatches.c.planned),
                ended.scalar_subquery().label("ended"),
                ended.where(tallies.c.state == "accepted").scalar_subquery().label("accepted"),
                waiting.scalar_subquery().label("unfinished"),
            )
            .where(dispatches.c.incident_id == incident)
            .where(dispatches.c.state.not_in((DispatchState.WAITING, DispatchState.VOIDED)))
            .order_by(dispatches.c.revision, dispatches.c.channel)
        )
        async with self._look() as connection:
            return [Sum(*row) for row in (await connection.execute(query)).all()]

    async def over(self, incident: UUID, revision: int) -> bool:
        """Whether this revision and those before it are done."""
        sums = [one for one in await self.sums(incident) if one.revision <= revision]
        return any(one.revision == revision for one in sums) and all(one.over for one in sums)

    async def in_flight(self, pid: int) -> InFlight:
        """What a process has claimed."""
        query = (
            select(dispatches.c.revision, batches.c.targets)
            .join(dispatches, dispatches.c.id == batches.c.dispatch_id)
            .where(batches.c.state == BatchState.CLAIMED, batches.c.owner.like(f"%:{pid}:%"))
            .where(dispatches.c.channel == PUSH, dispatches.c.variant == Variant.MESSAGE)
        )
        async with self._look() as connection:
            rows = (await connection.execute(query)).all()
        return Counter((int(row.revision), int(target)) for row in rows for target in row.targets)

    async def found(self, pid: int) -> Found:
        """What there is when a process has just been killed."""
        mine = await self.in_flight(pid)
        decided = select(releases.c.id).where(releases.c.state == "pending")
        planning = select(dispatches.c.id).where(dispatches.c.state == DispatchState.PLANNING)
        claimed = select(batches.c.id).where(batches.c.state == BatchState.CLAIMED)
        phases = {"before issue": decided, "planning": planning, "sending": claimed}
        async with self._look() as connection:
            for phase, query in phases.items():
                if (await connection.execute(query.limit(1))).first() is not None:
                    return Found(mine, phase)
        return Found(mine, "between")

    async def numbers(self) -> Mapping[str, int]:
        """Every push target's number, by its fingerprint."""
        query = select(targets.c.fingerprint, targets.c.id).where(targets.c.channel == PUSH)
        async with self._look() as connection:
            return {row.fingerprint: int(row.id) for row in (await connection.execute(query)).all()}

    async def planned(self, incident: UUID) -> set[int]:
        """Whom any revision was planned for."""
        query = select(enrolled.c.target_id).where(enrolled.c.incident_id == incident, enrolled.c.channel == PUSH)
        async with self._look() as connection:
            return set((await connection.execute(query)).scalars())

    async def audit(self) -> audit.AuditVerdict:
        """Whether the audit chain is whole."""
        async with self._open() as database:
            return await audit.verify(database)
