"""A warning, an update that moves its area and an all-clear, again and again, while somebody kills at random.

What to kill and when is drawn from a seed; what the machine is just doing then is its own affair, so a seed that is
played again hits the same kinds of moments, not the same instructions.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from realis.keystore.keys import Keys
from tests.acceptance.crash_record import Record
from tests.acceptance.crash_stage import EVERYTHING, PUSH_CHILD, WEB, Slot, Stage, Victim, kill_push_child
from tests.acceptance.crash_verdict import Bound, Crowd, Toll, judge
from tests.acceptance.program import EndedError, Post, until
from tests.fakes.push_service import phone
from tests.support.installation import Subscriber, seed

PLACES = ("altstadt", "hafen", "nordfeld")
SCRIPT = (("alert", "altstadt"), ("update", "hafen"), ("all_clear", "hafen"))
MOMENTS = (("starting", 2), ("issuing", 3), ("sending", 6), ("any", 1))
OVER_S = 180.0
"""How long a revision may take without any kill."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a campaign is: targets in the first area, and how often to kill."""

    targets: int
    kills: int

    @property
    def bound_s(self) -> float:
        """How long it may take on a slow and busy machine."""
        return 120 + self.targets / 50 + 15 * self.kills


@dataclass(slots=True)
class Figures:
    """What a campaign saw: who was killed, and in the middle of what."""

    kills: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    tolls: list[Toll] = field(default_factory=list)
    most: int = 0
    refused: int = 0

    def line(self, *, database: str, size: Size, begun: float, number: int) -> str:
        """One line to read and to keep."""
        kills, phases = (
            ", ".join(f"{what} {times}" for what, times in sorted(counted.items()))
            for counted in (self.kills, self.phases)
        )
        sums = {name: sum(getattr(toll, name) for toll in self.tolls) for name in Toll.__slots__}
        return (
            f"crash database={database} seed={number} targets={size.targets} kills={self.kills.total()} ({kills}) "
            f"while=({phases}) incidents={len(self.tolls)} arrivals={sums['arrivals']} repeats={sums['repeats']} "
            f"allowed={sums['allowed']} repeats_of_children={sums['of_children']} most_in_flight={self.most} "
            f"refused={self.refused} seconds={time.monotonic() - begun:.0f}"
        )


def people(origin: str, targets: int) -> list[Subscriber]:
    """Phones in three places, each with keys of its own, in two languages."""
    sizes = dict(zip(PLACES, (targets, targets // 10, targets // 100 + 1), strict=True))
    return [
        Subscriber(phone(f"{origin}/{place}/{number}"), (place,), ("de", "ar")[number % 2])
        for place, size in sizes.items()
        for number in range(size)
    ]


@dataclass(slots=True)
class Campaign:
    """One campaign on one stage.

    Args:
        chance: where every draw comes from.
        working: set while an incident is under way, which is when killing makes sense.
        ordering: set while an order is being given.
    """

    stage: Stage
    post: Post
    size: Size
    chance: random.Random
    crowd: Crowd
    figures: Figures = field(default_factory=Figures)
    bound: Bound = field(default_factory=Bound)
    working: asyncio.Event = field(default_factory=asyncio.Event)
    ordering: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> Figures:
        """Kill as often as agreed, and judge every incident."""
        await self.stage.begin()
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(self._kill())
            before: UUID | None = None
            while before is None or not killing.done():
                before = await self._incident(before)
        await self.stage.finish()
        return self.figures

    # ---- what the desk does

    async def _incident(self, before: UUID | None) -> UUID:
        """One incident from its warning to its end, and the judgement on it."""
        self.bound = Bound()
        refused = self.stage.logged("commit_refused")
        self.working.set()
        incident: UUID | None = None
        for revision, (kind, place) in enumerate(SCRIPT, 1):
            incident = await self._issued(incident, before, revision, kind, place)
            await self._some_arrived(incident, revision)
        assert incident is not None
        await self._idle()
        self.bound.refused = self.stage.logged("commit_refused") - refused
        toll = await judge(incident, self.post.empty(), self.crowd, self.stage.record, self.bound)
        self.figures.tolls.append(toll)
        self.figures.most = max(self.figures.most, self.bound.most)
        self.figures.refused += self.bound.refused
        return incident

    async def _issued(self, incident: UUID | None, before: UUID | None, revision: int, kind: str, place: str) -> UUID:
        """Have it issued, however often whoever takes the order dies over it."""
        while True:
            await self.stage.desk.serving.wait()
            known, newest, pending = await self.stage.record.newest()
            if known is not None and known != before and newest >= revision:
                assert known == (incident or known)
                assert newest == revision, f"issued twice: revision {newest}"
                return known
            if pending:
                await asyncio.sleep(0.05)
                continue
            self.ordering.set()
            with suppress(EndedError):
                await self.stage.order(kind, str(incident or "-"), place)
            self.ordering.clear()

    async def _some_arrived(self, incident: UUID, revision: int) -> None:
        """Wait for a part of it, so that some revisions overtake and some do not; of an ending for all."""
        part = None if revision == len(SCRIPT) else self.chance.choice((0.0, 0.1, 0.4, 0.8, None))
        wanted = None if part is None else self.post.ever + int(part * self.size.targets)
        async with asyncio.timeout(OVER_S + 8 * self.size.kills):
            while wanted is None or self.post.ever < wanted:
                await self._everyone_serves()
                if await self.stage.record.over(incident, revision):
                    return
                await asyncio.sleep(0.1)

    async def _idle(self) -> None:
        """Nobody is killed from here on, and everybody who was is back."""
        self.working.clear()
        await self.idle.wait()
        await self._everyone_serves()

    async def _everyone_serves(self) -> None:
        await asyncio.gather(*(slot.serving.wait() for slot in self.stage.slots.values()))

    # ---- who kills

    async def _kill(self) -> None:
        moments, victims = self._deck(MOMENTS), self._deck(self.stage.victims)
        for _ in range(self.size.kills):
            moment, victim = next(moments), Victim(next(victims))
            while True:
                self.idle.set()
                await self.working.wait()
                await self._until(moment)
                if self.working.is_set():
                    break
            self.idle.clear()
            self.figures.kills[await self._strike(victim)] += 1
        self.idle.set()

    def _deck(self, among: Sequence[tuple[str, int]]) -> Iterator[str]:
        """Like cards: by chance, yet each as often as it should be."""
        cards = [name for name, times in among for _ in range(times)]
        while True:
            self.chance.shuffle(cards)
            yield from cards

    async def _until(self, moment: str) -> None:
        """Wait for such a moment; not for ever, because it may not come any more."""
        if moment == "starting":
            await asyncio.sleep(self.chance.uniform(0, 3))
            return
        await self._everyone_serves()
        if moment == "issuing":
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ordering.wait(), self.chance.uniform(2, 8))
            await asyncio.sleep(self.chance.uniform(0, 0.8))
        elif moment == "sending":
            wanted = self.post.ever + self.chance.randint(1, max(1_500, self.size.targets // 4))
            with suppress(TimeoutError):
                await until(lambda: self.post.ever >= wanted, 8)
            await asyncio.sleep(self.chance.uniform(0, 0.05))
        else:
            await asyncio.sleep(self.chance.uniform(0, 6))

    async def _strike(self, victim: Victim) -> str:
        """Kill it and start it anew; what it was in the end."""
        slot = self.stage.desk if victim == WEB else self.chance.choice(self.stage.senders)
        if victim == PUSH_CHILD:
            await self._until_killed(slot)
            self.bound.children += 1
            self.figures.phases[(await self.stage.record.found(slot.pid)).phase] += 1
            return victim
        slots = list(self.stage.slots.values()) if victim == EVERYTHING else [slot]
        starting = not slot.serving.is_set()
        async with self.stage.killing:
            found = [await self.stage.found(await one.kill()) for one in slots]
        for one, left in zip(slots, found, strict=True):
            self.bound.add(left.in_flight)
            await one.begin()
        self.figures.phases["starting" if starting else found[0].phase] += 1
        return victim

    async def _until_killed(self, slot: Slot) -> None:
        """Kill a push child as soon as there is one."""
        async with asyncio.timeout(60):
            while not kill_push_child(slot.pid, self.chance.choice):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.02)


@asynccontextmanager
async def prepared(stage: Stage, post: Post, size: Size, number: int) -> AsyncIterator[Campaign]:
    """A campaign whose phones have subscribed."""
    crowd = people(post.origin, size.targets)
    await seed(stage.settings, crowd)
    fingerprint: Callable[[str], str] = Keys.open(stage.settings.data_dir / "keys").fingerprint
    yield Campaign(
        stage,
        post,
        size,
        random.Random(number),  # noqa: S311 - no secret
        await Crowd.of(crowd, PLACES, Record(stage.settings.database_url), fingerprint),
    )
