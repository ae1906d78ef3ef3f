"""Several processes of one installation on a real PostgreSQL and Redis, started, frozen, killed and counted by tests.

``python -m tests.support.cluster FOLDER PART DATABASE REDIS LEASE_S [known]`` is one of them: the real wiring with
doors to loopback only; with ``known``, push services there are known ones. It prints one line of JSON with its ports,
then takes orders, one a line, and answers each with one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from realis.app import log
from realis.app.container import ProcessRole
from realis.app.settings import Settings
from realis.app.wiring import BuildOptions, build
from realis.model.audit import AuditAction
from realis.model.delivery import State
from realis.model.draft import DraftKind
from realis.ports.stores import AuditEntry
from realis.storage import audit
from realis.storage.database import Database
from realis.storage.ledger.delivery_statistics import count_dispatch
from realis.storage.schema import batches, dispatches
from tests.acceptance.child import carry_out, doors, release, say
from tests.acceptance.program import Child, launch
from tests.fakes.postgres import PostgresServer, postgres_server
from tests.fakes.redis_server import RedisServer, redis_server
from tests.support import installation
from tests.support.installation import Installation, Subscriber, seed

LEASE_S = 4.0


def settings(folder: Path, database_url: str, redis_url: str, lease_s: float = LEASE_S) -> Settings:
    """Settings of one process of Lindenbrück's cluster."""
    return installation.settings(folder, database_url=database_url, redis_url=redis_url, lease_s=lease_s)


@dataclass(slots=True)
class Node(Child):
    """One process of the cluster."""

    ports: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Cluster:
    """What several processes share, and who of them runs."""

    folder: Path
    postgres: PostgresServer
    redis: RedisServer
    url: str
    lease_s: float = LEASE_S
    known: bool = False

    def settings(self, name: str) -> Settings:
        """Settings of one process: a directory of its own, the keys the same."""
        home = self.folder / name
        (home / "data").mkdir(parents=True, exist_ok=True)
        keys = self.folder / "keys"
        keys.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (home / "data" / "keys").symlink_to(keys)
        return settings(home, self.url, self.redis.url, self.lease_s)

    async def seed(self, subscribers: Sequence[Subscriber]) -> None:
        """Store many phones."""
        await seed(self.settings("seed"), subscribers)

    async def launch(self, name: str, part: ProcessRole) -> Node:
        """A process playing a part, which has said nothing yet."""
        self.settings(name)
        errors = self.folder / f"{name}.log"
        words = (
            str(self.folder / name),
            part.value,
            self.url,
            self.redis.url,
            str(self.lease_s),
            *(["known"] if self.known else []),
        )
        return Node(await launch(errors, "tests.support.cluster", *words), errors)

    @asynccontextmanager
    async def node(self, name: str, part: ProcessRole) -> AsyncIterator[Node]:
        """A process playing a part; killed at the end if it still lives."""
        child = await self.launch(name, part)
        process = child.process
        try:
            child.ports = await child.answer()
            yield child
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The record, for a look."""
        database = Database(self.url)
        try:
            yield database
        finally:
            await database.close()

    async def over(self, revision: int) -> bool:
        """Whether every target of this revision ended in a state, and the sums equal the plan."""
        async with self.database() as database, database.read() as connection:
            query = select(dispatches).where(dispatches.c.revision == revision, dispatches.c.variant == "message")
            rows = (await connection.execute(query)).all()
            counts = [await count_dispatch(connection, row) for row in rows]
        assert all(sum(count.states.values()) == count.planned for count in counts)
        open_states = {State.PLANNED, State.RETRYING, State.HELD}
        return bool(rows) and all(
            count.planning_done and not any(n for state, n in count.states.items() if state in open_states)
            for count in counts
        )

    async def until_over(self, revision: int, bound_s: float = 90.0) -> None:
        """Wait for that."""
        async with asyncio.timeout(bound_s):
            while not await self.over(revision):  # noqa: ASYNC110 - in other processes
                await asyncio.sleep(0.1)

    async def shares(self) -> dict[str, int]:
        """How many targets each worker (by process id) sent, as the batches say."""
        async with self.database() as database, database.read() as connection:
            query = select(batches.c.owner, func.sum(batches.c.size).label("number")).group_by(batches.c.owner)
            rows = (await connection.execute(query.where(batches.c.state == "done"))).all()
        return {row.owner.split(":")[1]: int(row.number) for row in rows}

    async def audit(self) -> audit.AuditVerdict:
        """Whether the audit chain holds."""
        async with self.database() as database:
            return await audit.verify(database)


@asynccontextmanager
async def cluster(folder: Path, *, lease_s: float = LEASE_S, known: bool = False) -> AsyncIterator[Cluster]:
    """PostgreSQL and Redis of its own, with an empty record."""
    with postgres_server() as postgres, redis_server() as redis:
        yield Cluster(folder, postgres, redis, postgres.empty(), lease_s, known)


async def order(child: Child, *words: str) -> dict[str, Any]:
    """Have it do something; its answer."""
    assert child.process.stdin is not None
    child.process.stdin.write((" ".join(words) + "\n").encode())
    await child.process.stdin.drain()
    return await child.answer()


async def main(part: ProcessRole, config: Settings, variation: BuildOptions) -> None:
    """Play the part until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with build(config, variation=variation, part=part) as app, asyncio.TaskGroup() as group:
        serving = group.create_task(app.run(stop))
        people = await installation.staff(app.core) if part.serves_pages else {}
        say(http=app.http_port, gateway=app.screens.port if app.screens else 0, pid=os.getpid())
        obeying = group.create_task(obey(Installation(app, serving, "", people)))
        await asyncio.wait({serving})
        obeying.cancel()


async def obey(here: Installation) -> None:
    """Take orders until the input ends."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order, *words = line.decode().split()
        say(**await ORDERS[order](here, words))


async def _issue(here: Installation, words: list[str]) -> dict[str, object]:
    kind, incident, *places = words
    return {"incident": str(await carry_out(here, DraftKind(kind), incident, places))}


async def _submit(here: Installation, words: list[str]) -> dict[str, object]:
    """An update that waits for its release."""
    incident, *places = words
    draft = await here.follow_up(UUID(incident), DraftKind.UPDATE, areas=(installation.area(*places),))
    return {"draft": str(draft.id), "digest": draft.digest}


async def _release(here: Installation, words: list[str]) -> dict[str, object]:
    return await release(here, *words)


async def _note(here: Installation, words: list[str]) -> dict[str, object]:
    """Append to the audit chain so many times, as fast as it goes."""
    for number in range(int(words[0])):
        await here.core.desk.operations.store.note(
            AuditEntry("P-test", AuditAction.DRAFT_SAVED, f"{os.getpid()}.{number}")
        )
    return {"noted": words[0]}


ORDERS = {"issue": _issue, "submit": _submit, "release": _release, "note": _note}


if __name__ == "__main__":
    log.configure(level="INFO", json=True)
    home, part, database_url, redis_url, lease_s, *words = sys.argv[1:]
    config = settings(Path(home), database_url, redis_url, float(lease_s))
    asyncio.run(main(ProcessRole(part), config, doors(words)))
