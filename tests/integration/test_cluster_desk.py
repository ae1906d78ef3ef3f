"""Two web nodes, one record: one order of revisions, one audit chain, one start."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from realis.app.container import ProcessRole
from realis.model.incident import Revision
from realis.storage.alerts import SqlAlerts
from tests.acceptance.program import realis
from tests.support.cluster import Cluster, cluster, order

BOUND_S = 30.0


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Cluster]:
    """An empty record."""
    async with cluster(tmp_path) as made:
        yield made


async def chain(shared: Cluster, incident: str, longer_than: int) -> tuple[Revision, ...]:
    """An incident's revisions, once there are more than so many."""
    async with shared.database() as database, asyncio.timeout(BOUND_S):
        alerts = SqlAlerts(database)
        while len(found := await alerts.chain(UUID(incident))) <= longer_than:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.05)
        return found


async def becomes(session: aiohttp.ClientSession, url: str, status: int, body: object = None) -> None:
    """Wait until this status is answered there, with this JSON if one is given; fails with the last answer."""
    last: tuple[int, object] = (0, None)
    try:
        async with asyncio.timeout(BOUND_S):
            while last[0] != status or (body is not None and last[1] != body):
                async with session.get(url) as answer:
                    last = answer.status, json.loads(await answer.text()) if body is not None else None
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"{url} answers {last}, not {(status, body)}")


async def test_two_releases_at_once_give_one_order(shared: Cluster) -> None:
    """Two updates of one incident, released at the same moment on two nodes: one chain, each on the one before.

    Whoever comes second is issued after the first, or told that what they saw has changed; never lost in silence.
    """
    async with shared.node("one", ProcessRole.WEB) as one, shared.node("two", ProcessRole.WEB) as two:
        incident = str((await order(one, "issue", "alert", "-", "altstadt"))["incident"])
        found = await chain(shared, incident, 0)
        for _ in range(4):
            drafts = [await order(child, "submit", incident, "hafen") for child in (one, two)]
            both = zip((one, two), drafts, strict=True)
            answers = await asyncio.gather(
                *(order(child, "release", draft["draft"], draft["digest"]) for child, draft in both)
            )
            assert {answer["refused"] for answer in answers} <= {"", "StaleVersion", "WrongState"}
            assert "" in {answer["refused"] for answer in answers}
            found = await chain(shared, incident, len(found))
        assert [revision.number for revision in found] == list(range(1, len(found) + 1))
        assert len({revision.alert.identifier for revision in found}) == len(found)
        for earlier, later in pairwise(found):
            assert earlier.alert.identifier in {reference.identifier for reference in later.alert.references}
        assert (await shared.audit()).broken_at == 0


async def test_the_audit_chain_of_two_nodes_does_not_fork(shared: Cluster) -> None:
    """Two nodes that append as fast as they can write one chain, every entry on the one before."""
    async with shared.node("one", ProcessRole.WEB) as one, shared.node("two", ProcessRole.WEB) as two:
        before = (await shared.audit()).entries
        await asyncio.gather(order(one, "note", "150"), order(two, "note", "150"))
        verdict = await shared.audit()
        assert (verdict.entries - before, verdict.broken_at) == (300, 0)


async def test_every_part_says_whether_it_can_work(shared: Cluster) -> None:
    """Web and worker answer /readyz with who is there; the gateway /healthz; without the database they say no."""
    async with (
        shared.node("web", ProcessRole.WEB) as web,
        shared.node("worker", ProcessRole.WORKER) as worker,
        shared.node("gateway", ProcessRole.GATEWAY) as gateway,
        aiohttp.ClientSession() as session,
    ):
        urls = [f"http://127.0.0.1:{child.ports['http']}/readyz" for child in (web, worker)]
        everyone = {"status": "ok", "failing": [], "redis": True, "here": {"web": 1, "worker": 1, "gateway": 1}}
        for url in urls:
            await becomes(session, url, 200, everyone)
        await becomes(session, f"http://127.0.0.1:{gateway.ports['gateway']}/healthz", 200)
        await asyncio.to_thread(shared.postgres.stop)
        for url in urls:
            await becomes(session, url, 503)
        await asyncio.to_thread(shared.postgres.start)
        for url in urls:
            await becomes(session, url, 200)
        for child in (web, worker, gateway):
            assert await child.end(signal.SIGTERM) == 0


async def test_a_part_alone_needs_a_database_that_can_be_shared(tmp_path: Path) -> None:
    """With the file in data_dir, --role is refused in plain words."""
    answers = "Echtstadt\n\n51,4 9,2\n\n\n\n\nchefin\n\nbernd\n\n"
    assert (await realis("init", folder=tmp_path, answers=answers)).code == 0
    for part in ("web", "gateway", "worker"):
        run = await realis("serve", "--role", part, folder=tmp_path)
        assert run.code == 1
        assert "PostgreSQL" in run.err
        assert "Traceback" not in run.err
