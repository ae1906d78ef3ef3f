"""What every database behind the stores promises. A further database is one more row in ``DATABASES``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from realis.model.alert import Ending
from realis.model.audit import AuditAction
from realis.model.delivery import Accepted, Failed, FailureKind, State
from realis.model.draft import DraftKind
from realis.model.errors import NotFound, RealisError, StaleVersion, StoreUnavailable, WrongState
from realis.ports.metrics import QueueFigures
from realis.ports.stores import AuditEntry, Claim
from realis.storage import audit, migrate
from realis.storage.database import Database
from realis.storage.figures import read_figures
from realis.storage.schema import targets
from tests.fakes.postgres import PostgresServer
from tests.support.core_world import ANNA, BERND, CARLA, Town, flood, town_over

BUSY = Failed(FailureKind.UNAVAILABLE, "503")

Make = Callable[[pytest.FixtureRequest, Path], str]


def _postgres(request: pytest.FixtureRequest) -> PostgresServer:
    server: PostgresServer = request.getfixturevalue("postgres")
    return server


DATABASES: dict[str, Make] = {
    "sqlite": lambda _request, folder: f"sqlite+aiosqlite:///{folder / 'contract.sqlite'}",
    "postgres": lambda request, _folder: _postgres(request).empty(),
}


@pytest.fixture(params=list(DATABASES))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind."""
    return DATABASES[request.param](request, tmp_path)


@pytest.fixture
async def here(url: str) -> AsyncIterator[Town]:
    """A town over each database."""
    async with town_over(url) as made:
        yield made


async def test_the_schema_is_what_the_code_expects(here: Town) -> None:
    """Migrations from empty leave no difference."""
    assert await migrate.differences(here.database) == []


async def test_concurrent_claims_never_share_a_batch(here: Town) -> None:
    """Many workers that claim at once get different batches, each once."""
    for number in range(20):
        await here.subscribe(str(number))
    await here.warn()
    await here.plan()
    claims = [claim for claim in await asyncio.gather(*(here.claim() for _ in range(15))) if claim is not None]
    assert len(claims) == len({claim.batch for claim in claims}) == 10


async def test_the_figures_for_monitoring_agree_with_the_ledger(here: Town) -> None:
    """Open, claimed and held targets by channel, final outcomes, and a hold."""
    for number in range(6):
        await here.subscribe(str(number))
    await here.warn(channels=("push",))
    await here.plan()
    begun = here.clock.now()
    first, second = await here.taken(), await here.taken()
    figures = await read_figures(here.database, begun)
    assert figures.queues == {"push": QueueFigures(open=2, claimed=4, oldest_due=begun)}
    await here.commit(first)
    await here.commit(second, Failed(FailureKind.AUTH, "401"))
    figures = await read_figures(here.database, here.clock.now())
    assert figures.queues == {"push": QueueFigures(open=2, held=2, oldest_due=begun)}
    assert figures.ended == {("push", State.ACCEPTED): 2}
    assert figures.on_hold == {"push"}
    assert (figures.pending_releases, figures.oldest_release_due, figures.leases) == (0, None, 0)


async def test_concurrent_commits_of_one_claim_count_once(here: Town) -> None:
    """However often the same outcome is committed, one commit is taken."""
    await here.subscribe("a")
    await here.warn()
    await here.plan()
    claim: Claim = await here.taken()
    assert sorted(await asyncio.gather(*(here.commit(claim) for _ in range(5)))) == [False] * 4 + [True]
    assert await here.states("push", 1) == {"accepted": 1}


async def test_concurrent_saves_lose_nothing(here: Town) -> None:
    """Of several edits of one version one is stored, the others are told."""
    draft = await here.desk.authoring.create(ANNA, flood(here.clock.now()))
    saves = (here.desk.authoring.save(CARLA, draft.id, version=1, content=draft.content) for _ in range(5))
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(result, StaleVersion) for result in results) == 4
    assert (await here.desk.drafts.get(draft.id)).version == 2


async def test_a_decision_is_issued_once(here: Town) -> None:
    """Several processes that find the same due decision issue one revision."""
    draft = await here.submit(flood(here.clock.now()))
    release = await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    again = await asyncio.gather(*(here.desk.issuer.issue(release) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(result, WrongState) for result in again)
    assert len(await here.alerts.chain(draft.incident)) == 1


async def test_revisions_count_without_gaps(here: Town) -> None:
    """Updates of one incident and of others give each chain 1, 2, 3."""
    first, second = await here.warn(), await here.warn()
    for incident in (first, second, first):
        await here.follow(incident, DraftKind.UPDATE)
    assert [revision.number for revision in await here.alerts.chain(first)] == [1, 2, 3]
    assert [revision.number for revision in await here.alerts.chain(second)] == [1, 2]


async def test_the_audit_chain_does_not_fork(here: Town) -> None:
    """Entries appended at once stand in one row, each chained to the one before."""
    await asyncio.gather(
        *(here.store.note(AuditEntry("P", AuditAction.DRAFT_SAVED, str(number))) for number in range(20))
    )
    verdict = await audit.verify(here.database)
    assert (verdict.entries, verdict.broken_at) == (20, 0)


async def test_subscribing_while_issuing_plans_everyone_once(here: Town) -> None:
    """Newcomers around the moment of issue are each planned exactly once."""
    draft = await here.submit(flood(here.clock.now()))
    steps = [here.subscribe(str(number)) for number in range(12)]
    ids = await asyncio.gather(*steps[:6], here.issue(draft), *steps[6:], return_exceptions=True)
    assert not [error for error in ids if isinstance(error, RealisError)]
    await here.deliver()
    assert sorted(sent.target.id for sent in here.push.sent) == await here.ids()


async def test_several_processes_bring_the_schema_forward_at_once(url: str) -> None:
    """Nodes that start together on an empty database migrate it once; none of them fails."""
    databases = [Database(url) for _ in range(3)]
    try:
        await asyncio.gather(*(migrate.upgrade(database) for database in databases))
        assert await migrate.differences(databases[0]) == []
        assert await asyncio.gather(*(migrate.is_current(database) for database in databases)) == [True] * 3
    finally:
        for database in databases:
            await database.close()


async def test_reading_sees_one_moment(here: Town) -> None:
    """While batches are committed, whoever counts finds every target in exactly one state."""
    for number in range(40):
        await here.subscribe(str(number))
    await here.warn()
    await here.plan()

    async def work() -> None:
        while claim := await here.claim():
            assert await here.commit(claim)

    async with asyncio.TaskGroup() as group:
        working = [group.create_task(work()) for _ in range(3)]
        while not all(task.done() for task in working):
            assert await here.balanced()
    assert await here.states("push", 1) == {"accepted": 40}


async def test_a_newer_revision_in_the_middle_of_everything(here: Town) -> None:
    """Planning, claims, commits with retries and newer revisions at once: sums hold, nothing is left open.

    After each issue nothing older is claimed any more.
    """
    for number in range(24):
        await here.subscribe(str(number))
    incident = await here.warn()
    newest = 1
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            floor = newest
            if (claim := await here.claim()) is None:
                await asyncio.sleep(0)
                continue
            assert claim.message.revision >= floor
            answers = [BUSY if target.id % 7 == claim.attempt else Accepted() for target in claim.targets]
            await here.commit(claim, *answers)  # refused where the clock below outran the lease

    async def plan() -> None:
        while not stop.is_set():
            await here.planner().run_once()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for job in (work, work, plan, plan):
            group.create_task(job())
        for number in (2, 3, 4):
            await here.subscribe(f"late {number}")
            await here.follow(incident, DraftKind.UPDATE)
            newest = number
            assert await here.balanced()

        async def over() -> bool:
            here.clock.forward(seconds=20)  # retries come due
            return all(line.finished and line.state != "planning" for line in await here.ledger())

        await here.until(over)
        stop.set()
    assert await here.balanced()
    assert (await here.line("push", 4)).states.get(State.ACCEPTED) == 27


@pytest.mark.parametrize("url", ["postgres"], indirect=True)  # SQLite has one writer: nothing to lock in two orders
async def test_databases_go_on_after_deadlock_and_outage(here: Town) -> None:
    """What the database cannot do now is said as such, and the next try works."""
    first, second = await here.subscribe("a"), await here.subscribe("b")

    async def cross(one: int, other: int, turn: asyncio.Barrier) -> None:
        async with here.database.write() as connection:
            await connection.execute(targets.update().where(targets.c.id == one).values(label="x"))
            await turn.wait()
            await connection.execute(targets.update().where(targets.c.id == other).values(label="x"))

    turn = asyncio.Barrier(2)
    results = await asyncio.gather(cross(first, second, turn), cross(second, first, turn), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [StoreUnavailable]
    async with here.database.write() as connection:
        await connection.execute(targets.update().values(label="y"))


async def test_one_incident_is_asked_for_by_itself_however_old(here: Town) -> None:
    """The entry of one incident equals its line on the board, and stays when the board has forgotten it."""
    first, second = [await here.submit(flood(here.clock.now())) for _ in range(2)]
    await here.desk.approval.release(BERND, first.id, digest=first.digest)
    await here.desk.issuer.issue_due()
    board = {entry.incident: entry for entry in await here.desk.overview.board()}
    for draft in (first, second):
        assert await here.desk.overview.entry(draft.incident) == board[draft.incident]
    here.clock.forward(days=40)
    assert await here.desk.overview.board() == ()
    assert (await here.desk.overview.entry(first.incident)).ending is Ending.EXPIRED
    with pytest.raises(NotFound):
        await here.desk.overview.entry(uuid4())
