"""What every database behind the stores promises. A further database is one more row in ``DATABASES``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from realis.draft import DraftKind
from realis.errors import RealisError, StaleVersion, WrongState
from realis.storage import audit, migrate
from realis.stores import AuditEntry, Claim
from tests.unit.realis.storage.town import ANNA, BERND, CARLA, Town, flood, town_over

DATABASES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite+aiosqlite:///{folder / 'contract.sqlite'}",
}


@pytest.fixture(params=list(DATABASES))
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    """A town over each database."""
    async with town_over(DATABASES[request.param](tmp_path)) as made:
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
    draft = await here.desk.create(ANNA, flood(here.clock.now()))
    saves = (here.desk.save(CARLA, draft.id, version=1, content=draft.content) for _ in range(5))
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(result, StaleVersion) for result in results) == 4
    assert (await here.desk.draft(draft.id)).version == 2


async def test_a_decision_is_issued_once(here: Town) -> None:
    """Several processes that find the same due decision issue one revision."""
    draft = await here.submit(flood(here.clock.now()))
    release = await here.desk.release(BERND, draft.id, digest=draft.digest)
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
    await asyncio.gather(*(here.store.note(AuditEntry("P", "did", str(number))) for number in range(20)))
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
