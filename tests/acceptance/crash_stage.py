"""What a crash campaign kills: one whole program on SQLite, or the parts of one on PostgreSQL and Redis.

Whoever is killed here is started again at once, by the same command. It counts nothing and judges nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NewType

from realis.app.container import ProcessRole
from realis.app.settings import Settings
from tests.acceptance.crash_record import Found, Record, Turn
from tests.acceptance.program import Child, EndedError, launch
from tests.support import installation
from tests.support.cluster import Cluster, cluster

CHILD = "channels.webpush.worker_process"
LEASE_S = 4.0

Victim = NewType("Victim", str)
"""What is killed: ``program``, ``push child``, ``worker``, ``web`` or ``everything``."""

PROGRAM, PUSH_CHILD, WORKER, WEB = Victim("program"), Victim("push child"), Victim("worker"), Victim("web")
EVERYTHING = Victim("everything")


def push_children(parent: int) -> list[int]:
    """The push children of a process, as the kernel knows them."""
    with suppress(FileNotFoundError, ProcessLookupError):
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(pid) for pid in found if _is_push_child(int(pid))]
    return []


def _is_push_child(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return CHILD.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@dataclass(slots=True)
class Slot:
    """A place where one process runs at a time. One that ends without having been killed ends the campaign."""

    name: str
    start: Callable[[], Awaitable[Child]]
    group: asyncio.TaskGroup
    child: Child | None = None
    serving: asyncio.Event = field(default_factory=asyncio.Event)
    doomed: set[int] = field(default_factory=set)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process that runs here now."""
        assert self.child is not None
        return self.child.process.pid

    async def begin(self) -> None:
        """Start a process; ``serving`` is set when it says so."""
        self.serving.clear()
        self.child = await self.start()
        self._tasks = [
            self.group.create_task(self._greet(self.child)),
            self.group.create_task(self._watch(self.child)),
        ]

    async def kill(self) -> int:
        """``kill -9``, and wait until it is gone; who it was."""
        child, pid = self.child, self.pid
        assert child is not None
        self.doomed.add(pid)
        self.serving.clear()
        await child.end(signal.SIGKILL)
        await asyncio.gather(*self._tasks)
        return pid

    async def finish(self) -> None:
        """SIGTERM; it must end by itself and well."""
        assert self.child is not None
        await self.serving.wait()
        self.doomed.add(self.pid)
        assert await self.child.end(signal.SIGTERM) == 0, self._tail()

    async def order(self, *words: str) -> None:
        """Have it do something. Raises ``EndedError`` if it dies before it says that it is done."""
        child = self.child
        assert child is not None
        try:
            await child.say(*words)
        except (ConnectionError, RuntimeError) as error:
            raise EndedError("it ended before it heard") from error

    async def _greet(self, child: Child) -> None:
        try:
            await child.answer(bound_s=60)
        except EndedError:
            assert child.process.pid in self.doomed, self._tail()
            return
        if child.process.pid not in self.doomed:
            self.serving.set()

    async def _watch(self, child: Child) -> None:
        code = await child.process.wait()
        assert child.process.pid in self.doomed, f"{self.name} ended by itself with {code}: {self._tail()}"

    def _tail(self) -> str:
        return self.child.errors.read_text()[-6000:] if self.child else ""


@dataclass(slots=True)
class Stage(ABC):
    """Something that warns, and can be killed in parts."""

    group: asyncio.TaskGroup
    slots: dict[str, Slot] = field(default_factory=dict)
    victims: tuple[tuple[Victim, int], ...] = ()
    """Who can be killed, and how often in proportion."""
    killing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """Where its keys are."""

    @property
    @abstractmethod
    def desk(self) -> Slot:
        """Who takes orders."""

    @property
    @abstractmethod
    def senders(self) -> Sequence[Slot]:
        """Who sends."""

    @property
    @abstractmethod
    def record(self) -> Record:
        """What it wrote down."""

    @abstractmethod
    async def found(self, pid: int) -> Found:
        """What there is when a process has just been killed."""

    @abstractmethod
    async def order(self, kind: str, incident: str, *places: str) -> None:
        """Have a message issued. Raises ``EndedError`` if whoever takes orders dies over it."""

    def logged(self, event: str) -> int:
        """How often anyone logged an event."""
        return sum(slot.child.logged(event) for slot in self.slots.values() if slot.child)

    async def begin(self) -> None:
        """Start everyone."""
        for slot in self.slots.values():
            await slot.begin()

    async def finish(self) -> None:
        """Have everyone end well, one after the other."""
        for slot in self.slots.values():
            await slot.finish()

    async def abandon(self) -> None:
        """Kill what still runs."""
        for slot in self.slots.values():
            if slot.child is not None and slot.child.process.returncode is None:
                slot.doomed.add(slot.pid)
                slot.child.process.kill()
                await slot.child.process.wait()


@dataclass(slots=True)
class OneMachine(Stage):
    """``realis serve`` with everything in it, on SQLite."""

    folder: Path = Path()

    @property
    def settings(self) -> Settings:
        """Its own."""
        return installation.settings(self.folder)

    @property
    def desk(self) -> Slot:
        """The program."""
        return self.slots["child"]

    @property
    def senders(self) -> Sequence[Slot]:
        """The program."""
        return [self.desk]

    @property
    def record(self) -> Record:
        """Its file, looked into only while the program has it open too."""
        return Record(self.settings.database_url, Turn(self.killing, self.desk.serving))

    async def found(self, pid: int) -> Found:
        """From a copy, so that the next start finds the file as the dead left it."""
        with TemporaryDirectory(dir=self.folder) as aside:
            for name in ("realis.db", "realis.db-wal"):
                with suppress(FileNotFoundError):
                    shutil.copyfile(self.folder / "data" / name, Path(aside) / name)
            return await Record(f"sqlite+aiosqlite:///{aside}/realis.db").found(pid)

    async def order(self, kind: str, incident: str, *places: str) -> None:
        """As the program takes it."""
        await self.desk.order(kind, incident, *places)


@dataclass(slots=True)
class ManyMachines(Stage):
    """One web node and two workers on PostgreSQL and Redis."""

    shared: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        """What they share."""
        assert self.shared is not None
        return self.shared

    @property
    def settings(self) -> Settings:
        """One node's."""
        return self.cluster.settings("seed")

    @property
    def desk(self) -> Slot:
        """The web node."""
        return self.slots["web"]

    @property
    def senders(self) -> Sequence[Slot]:
        """The workers."""
        return [slot for name, slot in self.slots.items() if name != "web"]

    @property
    def record(self) -> Record:
        """The database."""
        return Record(self.cluster.url)

    async def found(self, pid: int) -> Found:
        """As long as its leases run, what it had claimed is nobody else's."""
        return await self.record.found(pid)

    async def order(self, kind: str, incident: str, *places: str) -> None:
        """As a node takes it."""
        await self.desk.order("issue", kind, incident, *places)


@asynccontextmanager
async def one_machine(folder: Path) -> AsyncIterator[Stage]:
    """The program on an empty folder; nothing is started yet."""

    async def start() -> Child:
        errors = folder / "child.log"
        return Child(await launch(errors, "tests.acceptance.child", str(folder), "known"), errors)

    async with asyncio.TaskGroup() as group:
        victims = ((PROGRAM, 3), (PUSH_CHILD, 2))
        stage = OneMachine(group, {"child": Slot("child", start, group)}, victims, folder=folder)
        try:
            yield stage
        finally:
            await stage.abandon()


@asynccontextmanager
async def many_machines(folder: Path) -> AsyncIterator[Stage]:
    """Web node and workers on an empty database; nothing is started yet."""
    parts = {"web": ProcessRole.WEB, "worker0": ProcessRole.WORKER, "worker1": ProcessRole.WORKER}
    async with cluster(folder, lease_s=LEASE_S, known=True) as shared, asyncio.TaskGroup() as group:
        victims = ((WORKER, 5), (PUSH_CHILD, 4), (WEB, 2), (EVERYTHING, 1))
        slots = {
            name: Slot(name, lambda name=name, part=part: shared.launch(name, part), group)  # type: ignore[misc]
            for name, part in parts.items()
        }
        stage = ManyMachines(group, slots, victims, shared=shared)
        try:
            yield stage
        finally:
            await stage.abandon()


def kill_push_child(parent: int, choose: Callable[[Sequence[int]], int]) -> bool:
    """``kill -9`` one of its push children; False if it has none yet."""
    found = push_children(parent)
    with suppress(ProcessLookupError):
        if found:
            os.kill(choose(found), signal.SIGKILL)
            return True
    return False
