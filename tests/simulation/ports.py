"""What a simulated process meets: stores behind a gate it may die at, hints that get lost, services that fail.

Nothing here decides whether what happened was right; that is ``witness``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.ports.channel import ChannelCapabilities, Message, Target
from realis.ports.clock import Clock
from realis.ports.events import Topic
from tests.simulation.witness import Witness

FAILURES = tuple(FailureKind)
RUNNING: ContextVar[str] = ContextVar("RUNNING", default="desk")
"""Which process a task belongs to; tasks inherit it from whoever started them."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad things are in one schedule; probabilities, and seconds.

    Args:
        failing: that a service fails a target.
        hanging: that it never answers.
        broken: that a channel raises or miscounts.
        lost: that a hint is lost.
        slow_s: the longest wait at a gate.
        far_s: the longest wait for a service's answer.
        auth: that a failure is a refused credential.
        crash: that a process dies at a gate.
        freeze: that it stands still there, for up to some minutes.
    """

    failing: float = 0.0
    hanging: float = 0.0
    broken: float = 0.0
    lost: float = 0.0
    slow_s: float = 0.02
    far_s: float = 0.02
    auth: float = 0.0
    crash: float = 0.0
    freeze: float = 0.0

    @classmethod
    def drawn(cls, random: Random) -> Weather:
        """Some weather, from calm to storm."""
        return cls(
            failing=random.choice((0.0, 0.1, 0.4, 0.8)),
            hanging=random.choice((0.0, 0.0, 0.03, 0.1)),
            broken=random.choice((0.0, 0.0, 0.05)),
            lost=random.choice((0.0, 0.0, 0.3, 1.0)),
            slow_s=random.choice((0.02, 0.5, 3.0)),
            far_s=random.choice((0.1, 5.0, 12.0, 18.0)),
            auth=random.choice((0.0, 0.0, 0.1)),
            crash=random.choice((0.0, 0.002, 0.01)),
            freeze=random.choice((0.0, 0.005, 0.03)),
        )


CALM = Weather()


def seeded(*parts: object) -> Random:
    """Chance that is the same in every replay."""
    return Random(".".join(map(str, parts)))  # noqa: S311 - accidents, not secrets


@dataclass(slots=True)
class Chance:
    """Chance from a seed: each task draws from a stream of its own, so that no draw depends on who ran first."""

    seed: str
    streams: dict[str, Random] = field(default_factory=dict)

    def stream(self, name: str) -> Random:
        """The stream of this name."""
        if name not in self.streams:
            self.streams[name] = seeded(self.seed, name)
        return self.streams[name]

    @property
    def mine(self) -> Random:
        """The running task's stream, by its name."""
        try:
            task = asyncio.current_task()
        except RuntimeError:  # inside a transaction, which runs in a thread of the database's own
            task = None
        return self.stream(f"{RUNNING.get()}.{task.get_name() if task else 0}")

    def random(self) -> float:
        """A number in [0, 1), for those who think this is the module ``random``."""
        return self.mine.random()


class Life(Protocol):
    """A process, as its ports see it."""

    @property
    def chance(self) -> Chance:
        """Its own chance."""
        ...

    @property
    def weather(self) -> Weather:
        """Around it."""
        ...

    @property
    def clock(self) -> Clock:
        """Its own."""
        ...

    @property
    def pace(self) -> float:
        """How long services take to answer it, beside the weather's."""
        ...

    async def step(self, random: Random) -> None:
        """A moment in which it may be slow, frozen or dead, as the stream has it."""
        ...


class Gate:
    """A store as one process reaches it: a step before each call and one before its answer arrives."""

    def __init__(self, life: Life, store: object, witness: Witness, who: int) -> None:
        self._life = life
        self._store = store
        self._witness = witness
        self._who = who

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:  # Any: the port's own types, whichever it is
        method = getattr(self._store, name)

        async def call(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
            # A commit runs in a task of its own without a name.
            random = self._life.chance.mine
            if name == "commit":
                random = self._life.chance.stream(f"commit.{args[0].batch}.{args[0].epoch}")
            await self._life.step(random)
            here = await self._witness.here() if name == "commit" else set()
            found = await method(*args, **named)
            if name == "claim" and found is not None:
                await self._witness.claimed(self._who, found, named["now"], named["lease_s"])
            if name == "commit":
                self._witness.committed(args[0], args[1], here, written=found)
            await self._life.step(random)
            # A set's order depends on the run, not on the seed.
            return dict.fromkeys(sorted(found)).keys() if name == "ready_channels" else found

        return call


@dataclass(slots=True)
class LossyEvents:
    """``realis.ports.channel.Events`` that loses hints."""

    chance: Chance
    weather: Weather
    listeners: list[tuple[str, frozenset[Topic], asyncio.Queue[tuple[Topic, str]]]] = field(default_factory=list)

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Tell those who listen, perhaps."""
        for who, topics, queue in self.listeners:
            if topic in topics and self.chance.stream(f"{RUNNING.get()} to {who}").random() >= self.weather.lost:
                queue.put_nowait((topic, key))

    async def listen(self, *topics: Topic) -> AsyncIterator[tuple[Topic, str]]:
        """Hints from now on."""
        entry = (RUNNING.get(), frozenset(topics), asyncio.Queue[tuple[Topic, str]]())
        self.listeners.append(entry)
        try:
            while True:
                yield await entry[2].get()
        finally:
            self.listeners.remove(entry)


@dataclass(slots=True)
class Service:
    """``realis.ports.channel.Channel`` of one process to a service that may answer anything."""

    life: Life
    witness: Witness
    who: int
    name: str
    capabilities: ChannelCapabilities
    unavailable_reason: str = ""

    @property
    def label(self) -> str:
        """As its name."""
        return self.name

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """One after the other in any order, each in its own time."""
        random, weather = self.life.chance.mine, self.life.weather
        if random.random() < weather.broken:
            raise ZeroDivisionError
        order = random.sample(range(len(targets)), len(targets))
        found = {index: await self._one(message, targets[index]) for index in order}
        outcomes = [found[index] for index in range(len(targets))]
        return outcomes[:-1] if random.random() < weather.broken else outcomes

    async def _one(self, message: Message, target: Target) -> Outcome:
        random, weather = self.life.chance.mine, self.life.weather
        if self.life.clock.now() >= message.deadline:
            return Failed(FailureKind.TIMEOUT, "Frist abgelaufen")  # as every channel owes it to its message
        self.witness.started(self.who, message, target)
        if random.random() < weather.hanging:
            await asyncio.sleep(1_000_000)
        await asyncio.sleep(random.uniform(0.0001, weather.far_s) * self.life.pace)
        await self.life.step(random)
        outcome = self._answer(random, weather)
        self.witness.answered(message, target, outcome)
        return outcome

    def _answer(self, random: Random, weather: Weather) -> Outcome:
        if random.random() >= weather.failing:
            return Accepted(f"ref-{random.randrange(1000)}" if self.capabilities.edits else None)
        if random.random() < weather.auth:
            return Failed(FailureKind.AUTH, "401")
        kind = random.choice([kind for kind in FAILURES if kind is not FailureKind.AUTH])
        wish = random.choice((None, None, 0.0, 5.0, 600.0, 90_000.0))
        return Failed(kind, kind.value, wish if kind is FailureKind.RATE_LIMITED else None)

    async def close(self) -> None:
        """Nothing to give back."""
