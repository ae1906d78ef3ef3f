"""One schedule: a city, some processes, a clock, and a run of accidents drawn from a seed.

The planner, dispatcher, retry, desk and issuing are the real ones. Stores, services and time are stand-ins.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Protocol, cast
from unittest.mock import patch
from uuid import UUID

import realis.dispatch.dispatcher
import realis.dispatch.planner
from content.messages import Messages
from content.phrases import PhraseBook
from realis.dispatch.dispatcher import Dispatcher, Lease
from realis.dispatch.planner import Planner
from realis.model.alert import Level, Occasion
from realis.model.area import Area
from realis.model.audit import AuditAction
from realis.model.draft import Content, DraftKind, LanguageText
from realis.model.errors import RealisError, SigningFailed
from realis.policy.approval import Actor, Role
from realis.ports.channel import Channel, ChannelCapabilities, LengthUnit
from realis.ports.events import Events
from realis.ports.installation import City
from realis.ports.stores import AlertStore, AuditEntry, BatchStore, DeskStore
from realis.ports.targets import NewTarget, Targets
from realis.services.desk import Desk, DeskPorts
from realis.services.issuing import Identity
from realis.services.rendering import Renderer
from tests.simulation.ports import CALM, RUNNING, Chance, Gate, LossyEvents, Service, Weather, seeded
from tests.simulation.virtual_time import VirtualClock, VirtualLoop
from tests.simulation.witness import PromiseBrokenError, Witness
from tests.support.core_world import EISERFELD, IN_EISERFELD, IN_WEIDENAU, WEIDENAU

ANNA = Actor("anna", "P-anna", frozenset({Role.CAPTURE, Role.RELEASE}))
BERND = Actor("bernd", "P-bernd", frozenset({Role.RELEASE}))
LIMITS: Mapping[str, ChannelCapabilities] = {
    "push": ChannelCapabilities(length=1700, unit=LengthUnit.BYTES, concurrency=2, batch=3, geo_targeted=True),
    "post": ChannelCapabilities(length=500, edits=True, per_language=False, batch=1, public=True),
}
LEASE = Lease(length_s=30.0, send_s=20.0)
CITY = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example", "wss://warnung.example/ws", ("de",))
AREAS: tuple[tuple[Area, ...], ...] = ((WEIDENAU,), (EISERFELD,), (WEIDENAU, EISERFELD))
PLACES = (IN_WEIDENAU, IN_EISERFELD)
IDLE_S, CALM_IDLE_S = 10.0, 900.0
"""How long lost hints delay work: longer than in life, because looking is what a schedule spends its time on."""
GAPS_S = (0.05, 0.5, 3.0, 8.0, 8.0, 20.0, 60.0, 600.0)
"""The longest time between two accidents: most come while something is being sent."""
HEALED_S = 36 * 3600.0
_PHRASES: list[PhraseBook] = []


class Store(Protocol):
    """Where a schedule's truth lies."""

    @property
    def desk(self) -> DeskStore: ...
    @property
    def alerts(self) -> AlertStore: ...
    @property
    def batches(self) -> BatchStore: ...
    @property
    def targets(self) -> Targets: ...

    async def finished(self) -> bool:
        """Whether nothing is waiting, planned, open or claimed any more."""
        ...

    async def check(self) -> None:
        """Raise if the books do not add up."""
        ...

    async def here(self) -> set[int]:
        """Targets that are active now."""
        ...


class SlipperySigner:
    """Signs as it is, and sometimes cannot."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.broken = 0.0

    def sign(self, xml: bytes) -> bytes:
        """The message, or ``SigningFailed``."""
        if self.chance.random() < self.broken:
            raise SigningFailed("message-not-signed")
        return xml


class Process:
    """One life of a worker: from its start to its crash or stop."""

    def __init__(self, schedule: Schedule, number: int) -> None:
        self.schedule = schedule
        self.number = number
        self.chance = Chance(f"{schedule.seed}.{number}")
        self.clock = VirtualClock(
            schedule.loop, self.chance.stream("skew").choice((0.0, 0.0, -2.0, 2.0)) if schedule.many else 0.0
        )
        self.pace = self.chance.stream("pace").choice((1.0, 1.0, 0.1))
        self.dead = False
        self.thaws_at = 0.0
        self.dispatcher = self._dispatcher()
        self.task = schedule.loop.create_task(self._run(), name=f"process.{number}")

    @property
    def weather(self) -> Weather:
        """Around it."""
        return self.schedule.weather

    async def step(self, random: Random) -> None:
        """Slow, frozen or dead."""
        await asyncio.sleep(random.uniform(0.0001, self.weather.slow_s))
        if random.random() < self.weather.crash and self in self.schedule.running:
            self.crash()
            self.schedule.running.remove(self)
        if random.random() < self.weather.freeze:
            self.freeze(random.choice((1.0, 40.0, 100.0)) * random.random())
        while (frozen_s := self.thaws_at - self.schedule.loop.time()) > 0:  # noqa: ASYNC110 - it may be frozen again
            await asyncio.sleep(frozen_s)
        if self.dead:
            raise asyncio.CancelledError

    def _gate(self, store: object) -> Gate:
        return Gate(self, store, self.schedule.witness, self.number)

    def _dispatcher(self) -> Dispatcher:
        batches = cast(BatchStore, self._gate(self.schedule.store.batches))
        events = self.schedule.events
        ways = self.schedule.ways(self)
        planner = Planner(batches, events, self.clock, LIMITS)
        return Dispatcher(batches, planner, ways, events=events, clock=self.clock, lease=LEASE)

    async def _run(self) -> None:
        RUNNING.set(f"p{self.number}")
        store = self.schedule.store
        if not self.schedule.many:
            await cast(BatchStore, self._gate(store.batches)).reclaim()
        desk = self.schedule.desk_over(
            cast(DeskStore, self._gate(store.desk)), cast(AlertStore, self._gate(store.alerts))
        )
        async with asyncio.TaskGroup() as group:
            issuing = group.create_task(self._issue(Desk.over(replace(desk.ports, clock=self.clock))), name="issuing")
            await self.dispatcher.run()
            issuing.cancel()

    async def _issue(self, desk: Desk) -> None:
        while True:
            due = await desk.issuer.issue_due()
            wait_s = (due - self.clock.now()).total_seconds() if due else realis.dispatch.dispatcher.IDLE_S
            await asyncio.sleep(min(realis.dispatch.dispatcher.IDLE_S, max(0.1, wait_s)))

    def crash(self) -> None:
        """``kill -9``: nothing of it does anything any more."""
        self.dead = True
        self.schedule.witness.crashed(self.number)
        self.task.cancel()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT that much later."""
        self.thaws_at = self.schedule.loop.time() + seconds

    async def stop(self) -> None:
        """SIGTERM: finish what is in flight, or be cut off."""
        self.dispatcher.stop()
        await asyncio.wait({self.task}, timeout=20)
        if not self.task.done():
            self.crash()
        await asyncio.wait({self.task})
        self.dead = True


@dataclass(slots=True)
class Schedule:
    """What happens under one seed. ``many``: two or three workers on one store; else one that is restarted."""

    seed: int
    loop: VirtualLoop
    store: Store
    random: Random = field(init=False)
    many: bool = field(init=False)
    weather: Weather = field(init=False)
    events: LossyEvents = field(init=False)
    signer: SlipperySigner = field(init=False)
    witness: Witness = field(init=False)
    desk: Desk = field(init=False)
    processes: list[Process] = field(default_factory=list)
    running: list[Process] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = seeded(self.seed)
        self.many = self.random.random() < 0.6
        self.weather = Weather.drawn(self.random)
        self.events = LossyEvents(Chance(f"{self.seed}.events"), self.weather)
        self.signer = SlipperySigner(Chance(f"{self.seed}.signer"))
        self.signer.broken = self.random.choice((0.0, 0.3))
        self.witness = Witness(
            self.store.alerts,
            VirtualClock(self.loop).now,
            lambda who: self.processes[who].clock.now(),
            lambda who: not self.processes[who].dead,
            self.store.here,
        )
        self.desk = self.desk_over(self.store.desk, self.store.alerts)

    def desk_over(self, store: DeskStore, alerts: AlertStore) -> Desk:
        """A desk that reaches these stores."""
        if not _PHRASES:
            _PHRASES.append(PhraseBook.load())
        clock = VirtualClock(self.loop)
        return Desk.over(
            DeskPorts(
                store=store,
                alerts=alerts,
                ledger=self.store.batches,
                targets=self.store.targets,
                renderer=Renderer(_PHRASES[0], CITY, LIMITS),
                signer=self.signer,
                events=cast(Events, self.events),
                clock=clock,
                messages=Messages.load(),
                identity=Identity("realis@example.org", "DE-SIM"),
                channels=self.ways(None),
                pause=timedelta(seconds=3),
            )
        )

    def ways(self, process: Process | None) -> Mapping[str, Channel]:
        """The ways out of one process; the desk's only say what there is."""
        life = process or cast(Process, None)
        number = process.number if process else -1
        return {name: Service(life, self.witness, number, name, limits) for name, limits in LIMITS.items()}

    @property
    def now(self) -> datetime:
        """Virtual."""
        return VirtualClock(self.loop).now()

    # ---- the run

    async def run(self) -> None:
        """Chaos, then healing, then the reckoning."""
        for _ in range(self.random.randint(4, 12)):
            await self._subscribe()
        await self.store.targets.put(self._account())
        for _ in range(self.random.randint(2, 3) if self.many else 1):
            self._start()
        await self._warn()
        await self._chaos()
        await self._heal()
        await self._reckon()

    async def _chaos(self) -> None:
        actions: tuple[tuple[Callable[[], Awaitable[None]], int], ...] = (
            (self._crash, 5),
            (self._freeze, 4),
            (self._restart, 2),
            (self._update, 8),
            (self._end, 1),
            (self._retract, 1),
            (self._warn, 1),
            (self._subscribe, 3),
            (self._move, 3),
            (self._leave, 1),
            (self._resume, 2),
            (self._think_again, 1),
        )
        for _ in range(self.random.randint(10, 30)):
            await asyncio.sleep(
                self.random.choice((0.05, 0.5, 3.0, 8.0, 8.0, 20.0, 60.0, 600.0)) * self.random.random()
            )
            action = self.random.choices([a for a, _ in actions], [weight for _, weight in actions])[0]
            self.witness.note(action.__name__)
            # What the rules forbid right now (a second ending, an update of nothing) is not done.
            with contextlib.suppress(RealisError):
                await action()
            await self._look()

    async def _look(self) -> None:
        await self.store.check()
        if self.witness.broken:
            raise PromiseBrokenError(self.witness.broken[0])
        for process in self.processes:
            if process.task.done() and not process.task.cancelled() and (error := process.task.exception()):
                raise error

    async def _heal(self) -> None:
        """Everything works from now on; whatever is open must come to its end."""
        self.witness.note("heal")
        realis.dispatch.dispatcher.IDLE_S = CALM_IDLE_S
        self.weather = CALM
        self.events.weather = CALM
        self.signer.broken = 0.0
        while len(self.running) < (2 if self.many else 1):
            self._start()
        for process in self.running:
            process.thaws_at = 0.0
        until = self.loop.time() + HEALED_S
        while self.loop.time() < until:
            await self._resume()
            await asyncio.sleep(CALM_IDLE_S)
            await self._look()
            if await self.store.finished() and not await self.store.desk.next_due():
                break
        else:
            self.witness.fail("36 hours after everything was mended, something is still open")
        for process in self.running:
            await process.stop()
        await self._look()

    async def _reckon(self) -> None:
        here = await self.store.here()
        for incident in self.witness.incidents:
            if chain := await self.store.alerts.chain(incident):
                self.witness.all_heard(incident, chain, here)
        if self.witness.repeats > self.witness.lost:
            self.witness.fail(f"{self.witness.repeats} repeats after {self.witness.lost} lost claims")

    # ---- accidents

    def _start(self) -> None:
        process = Process(self, len(self.processes))
        self.processes.append(process)
        self.running.append(process)

    async def _crash(self) -> None:
        if self.running:
            self.running.pop(self.random.randrange(len(self.running))).crash()
            await asyncio.sleep(self.random.choice((0.0, 1.0, 200.0)) * self.random.random())
        if self.many or not self.running:
            self._start()

    async def _freeze(self) -> None:
        if self.running:
            self.random.choice(self.running).freeze(self.random.choice((20.0, 60.0, 200.0)) * self.random.random())

    async def _restart(self) -> None:
        if self.running:
            await self.running.pop(self.random.randrange(len(self.running))).stop()
        if self.many or not self.running:
            self._start()

    # ---- people

    def _account(self) -> NewTarget:
        return NewTarget("post", "account", "account", "de", origin="post", everywhere=True)

    async def _subscribe(self) -> None:
        await self._put(f"phone-{len(self.people)}")

    async def _put(self, name: str) -> None:
        before = self.people.get(name)
        joined = self.random.random() < 0.4
        target = await self.store.targets.put(
            NewTarget(
                "push",
                name,
                name,
                self.random.choice(("de", "en")),
                origin=self.random.choice(("https://a.example", "https://b.example")),
                places=frozenset({self.random.choice(PLACES)}),
                joined=joined,
            )
        )
        self.people[name] = target
        self.witness.joined.setdefault(target, []).append((self.now, joined))
        if before == target and target in self.witness.gone:
            self.witness.came_back(target)

    async def _move(self) -> None:
        await self._put(self.random.choice(sorted(self.people)))

    async def _leave(self) -> None:
        await self.store.targets.remove(self.people[self.random.choice(sorted(self.people))])

    # ---- the desk

    async def _warn(self) -> None:
        occasion = self.random.choice((Occasion.ERNSTFALL, Occasion.ERNSTFALL, Occasion.UEBUNG, Occasion.PROBEWARNUNG))
        content = Content(
            occasion,
            DraftKind.ALERT,
            self.random.choice(tuple(Level)),
            event="Hochwasser",
            event_code="BBK-EVC-038",
            texts=(LanguageText("de", "Hochwasser", "Die Sieg steigt.", "Gehen Sie nicht in Keller."),),
            areas=self.random.choice(AREAS),
            channels=self.random.choice((("push",), ("push", "post"))),
            expires=self._later(),
        )
        draft = await self.desk.authoring.create(ANNA, content)
        self.witness.incidents.append(draft.incident)
        await self._release(draft.id)

    def _later(self) -> datetime:
        return self.now + timedelta(seconds=self.random.choice((60, 600, 3600, 7200)) * (0.5 + self.random.random()))

    async def _follow(self, kind: DraftKind, **changes: object) -> None:
        incidents = self.witness.incidents
        incident = incidents[-1] if self.random.random() < 0.7 else self.random.choice(incidents)
        draft = await self.desk.authoring.follow_up(ANNA, incident, kind=kind)
        content = replace(draft.content, **changes)  # type: ignore[arg-type] # Content's own fields
        draft = await self.desk.authoring.save(ANNA, draft.id, version=draft.version, content=content)
        await self._release(draft.id)

    async def _release(self, draft_id: UUID) -> None:
        draft = await self.desk.drafts.get(draft_id)
        draft = await self.desk.authoring.submit(ANNA, draft.id, version=draft.version)
        await self.desk.approval.release(BERND, draft.id, digest=draft.digest)

    async def _update(self) -> None:
        channels = self.random.choice((("push",), ("push", "post")))
        areas, level = self.random.choice(AREAS), self.random.choice(tuple(Level))
        await self._follow(DraftKind.UPDATE, areas=areas, level=level, channels=channels, expires=self._later())

    async def _end(self) -> None:
        await self._follow(DraftKind.ALL_CLEAR)

    async def _retract(self) -> None:
        await self._follow(DraftKind.RETRACTION)

    async def _think_again(self) -> None:
        """Stop whatever pauses."""
        for incident in self.witness.incidents:
            if (release := await self.store.desk.pending(incident)) is not None:
                await self.desk.approval.stop(BERND, release.draft)

    async def _resume(self) -> None:
        for channel in sorted(await self.store.desk.holds()):
            await self.store.desk.lift_hold(channel, AuditEntry("P-bernd", AuditAction.CHANNEL_RESUMED, channel))


@contextlib.contextmanager
def staged(seed: int) -> Iterator[None]:
    """For the length of a schedule: the dispatcher's jitter from the seed, small steps of planning."""
    with (
        patch.object(realis.dispatch.dispatcher, "random", Chance(f"{seed}.jitter")),
        patch.object(realis.dispatch.dispatcher, "IDLE_S", IDLE_S),
        patch.object(realis.dispatch.planner, "STEP", 3),
    ):
        yield
