"""The store in memory means the same as the SQL store: the same steps leave the same books in both.

Batches of one target each, so that only meaning counts and not how targets are put together.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from realis.dispatch.dispatcher import judge
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome, State
from realis.model.errors import RealisError
from realis.ports.channel import ChannelCapabilities
from realis.ports.stores import Claim
from realis.storage import migrate
from realis.storage.database import Database
from realis.storage.ledger.delivery_statistics import count_dispatch
from realis.storage.ledger.dispatch_rows import BatchState
from realis.storage.schema import dispatches, enrolled
from tests.fakes.clock import SettableClock
from tests.simulation.memory_rows import BatchRow
from tests.simulation.memory_stand import MemoryStand
from tests.simulation.ports import FAILURES, seeded
from tests.simulation.schedule import LIMITS, Schedule, Store, staged
from tests.simulation.sql_stand import SqlStand
from tests.simulation.virtual_time import VirtualClock, VirtualLoop, run_virtual
from tests.simulation.witness import rank

SEEDS = range(4)
SINGLE: Mapping[str, ChannelCapabilities] = {name: replace(limits, batch=1) for name, limits in LIMITS.items()}

Books = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the newest schema, to be copied."""
    file = tmp_path_factory.mktemp("sql") / "empty.db"

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{file}")
        await migrate.upgrade(database)
        await database.close()

    asyncio.run(make())
    return file


async def sql_books(database: Database) -> Books:
    """Every dispatch with its sums, and who is enrolled."""
    async with database.read() as connection:
        rows = (await connection.execute(select(dispatches).order_by(dispatches.c.id))).all()
        counts = [await count_dispatch(connection, row) for row in rows]
        found = (await connection.execute(select(enrolled.c.channel, enrolled.c.target_id))).all()
        known = sorted((row.channel, row.target_id) for row in found)
    lines = zip(rows, counts, strict=True)
    return [*[(r.channel, r.revision, r.variant, r.state, r.planned, _sums(c.states)) for r, c in lines], (known,)]


def memory_books(stand: MemoryStand) -> Books:
    """The same of the store in memory."""
    books: Books = []
    for row in stand.rows.dispatches.values():
        states = Counter(stand.rows.tallies[row.id])
        for batch in stand.rows.batches_of(row):
            if batch.live:
                states[_open_state(batch)] += len(batch.targets)
        new = row.new
        books.append((new.channel, row.revision, new.variant, row.state, row.planned, _sums(states)))
    return [*books, (sorted((channel, target) for _, channel, target in stand.rows.enrolled),)]


def _open_state(batch: BatchRow) -> State:
    if batch.held and batch.state is BatchState.OPEN:
        return State.HELD
    return State.RETRYING if batch.attempt > 1 else State.PLANNED


def _sums(states: Mapping[State, int]) -> dict[str, int]:
    return {state.value: number for state, number in sorted(states.items()) if number}


class Story:
    """The same steps on any store: people, warnings, planning, claims, answers, lapses, restarts."""

    def __init__(self, seed: int, store: Store, clock: SettableClock, loop: VirtualLoop) -> None:
        self.seed = seed
        self.store = store
        self.clock = clock
        self.random = seeded("story", seed)
        # Only its people and its desk are used; both clocks stand still between steps.
        self.town = Schedule(seed, loop, store)
        self.late: list[Claim] = []

    async def step(self, number: int) -> None:
        """One step; what the rules forbid is not done."""
        town = self.town
        actions = (town._subscribe, town._move, town._leave, town._warn, town._update, town._end, town._retract)
        for action in self.random.choices(actions, k=2) if number else [town._subscribe, town._warn]:
            if town.people or action is town._subscribe:
                try:
                    await action()
                except (RealisError, IndexError):
                    continue
        await town.desk.issuer.issue_due()
        if self.random.random() < 0.15:
            await self.store.batches.reclaim()
        if self.random.random() < 0.3:
            await town._resume()
        await self._work(number)

    async def _work(self, number: int) -> None:
        now = self.clock.now()
        await self.store.batches.close_abandoned(now)
        await self.store.batches.start_due(now)
        while await self.store.batches.plan_step(now, SINGLE, most=2):
            pass
        claims = [claim for name in sorted(LIMITS) for claim in await self._claims(name)]
        claims.sort(key=lambda c: (self.town.witness.incidents.index(c.message.incident), rank(c.message), c.targets))
        for claim in [*self.late, *claims]:
            await self._end(claim, seeded(self.seed, number, claim.targets[0].id, rank(claim.message)))

    async def _claims(self, channel: str) -> list[Claim]:
        found = []
        while claim := await self.store.batches.claim(
            channel, "w", now=self.clock.now(), lease_s=120, busy_origins=frozenset()
        ):
            found.append(claim)
        return found

    async def _end(self, claim: Claim, random: Random) -> None:
        if claim in self.late:
            self.late.remove(claim)
        elif random.random() < 0.2:
            self.late.append(claim)
            return
        outcome: Outcome = Accepted("ref") if random.random() < 0.5 else Failed(random.choice(FAILURES), "so")
        if not claim.targets[0].address:
            outcome = Failed(FailureKind.GONE)
        now = self.clock.now()
        await self.store.batches.commit(claim, judge(claim, [outcome], now, 0.5), now=now)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_steps_leave_the_same_books(seed: int, migrated: Path, tmp_path: Path) -> None:
    """After every step both stores hold the same dispatches, states, sums and enrolments."""
    copy = tmp_path / "town.db"
    shutil.copy(migrated, copy)
    loop = VirtualLoop()
    clock = SettableClock()
    database = Database(f"sqlite+aiosqlite:///{copy}")
    stand = MemoryStand(clock)

    async def both() -> None:
        try:
            await compare()
        finally:
            with loop.busy():
                await database.close()

    async def compare() -> None:
        on_disk = Story(seed, SqlStand(database, clock, loop), clock, loop)
        in_memory = Story(seed, stand, clock, loop)
        for number in range(25):
            await on_disk.step(number)
            await in_memory.step(number)
            with loop.busy():
                assert await sql_books(database) == memory_books(stand), f"step {number}"
            seconds = seeded(seed, number).choice((1.0, 30.0, 121.0, 1800.0))
            clock.instant += timedelta(seconds=seconds)
            await asyncio.sleep(seconds)

    with staged(seed), capture_logs():
        run_virtual(both(), loop)


@pytest.mark.parametrize("seed", range(2))
def test_no_schedule_breaks_a_promise_on_sql(seed: int, migrated: Path, tmp_path: Path) -> None:
    """Whole schedules over the real store keep the promises too."""
    copy = tmp_path / "town.db"
    shutil.copy(migrated, copy)
    loop = VirtualLoop()
    database = Database(f"sqlite+aiosqlite:///{copy}")
    schedule = Schedule(seed, loop, SqlStand(database, VirtualClock(loop), loop))

    async def whole() -> None:
        try:
            await schedule.run()
        finally:
            with loop.busy():
                await database.close()

    with staged(seed), capture_logs():
        run_virtual(whole(), loop)
