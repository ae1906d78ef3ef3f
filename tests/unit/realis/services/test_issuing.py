"""What one decision sets in motion, over a real database: dispatches, names and times, and what a failure leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from realis.model.alert import Occasion
from realis.model.draft import DraftKind, DraftState
from realis.policy.approval import IssuePolicy
from realis.services.desk import Desk
from realis.services.issuing import chain_problems, overtaken
from tests.fakes.clock import START
from tests.support.core_world import BERND, Town, flood, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town whose releases pause for ten seconds."""
    async with town(tmp_path) as made:
        yield replace(made, desk=Desk.over(replace(made.desk.ports, pause=timedelta(seconds=10))))


async def test_one_that_fails_stops_no_other(here: Town) -> None:
    """A decision whose signature fails is open again with the reason; the one after it is issued."""
    first, second = [await here.submit(flood(here.clock.now())) for _ in range(2)]
    for draft in (first, second):
        await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    here.clock.forward(seconds=10)
    signs = iter((True, False))

    class Once:
        def sign(self, xml: bytes) -> bytes:
            here.signer.broken = next(signs)
            return here.signer.sign(xml)

    with capture_logs():
        await Desk.over(replace(here.desk.ports, signer=Once())).issuer.issue_due()
    assert await here.alerts.chain(first.incident) == ()
    assert len(await here.alerts.chain(second.incident)) == 1
    reopened = await here.desk.drafts.get(first.id)
    assert (reopened.state, reopened.digest) == (DraftState.OPEN, "")
    assert reopened.return_reason.startswith("Nicht ausgegeben: ")
    assert (await here.store.trail(subject=str(first.incident)))[0].action == "release.failed"


async def test_a_barred_occasion_is_not_issued_either(here: Town) -> None:
    """What was released before an installation was told to rehearse only is refused at the last moment."""
    draft = await here.submit(flood(here.clock.now()))
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    here.clock.forward(seconds=10)
    with capture_logs():
        rehearsing = IssuePolicy(frozenset({Occasion.UEBUNG}))
        await Desk.over(replace(here.desk.ports, policy=rehearsing)).issuer.issue_due()
    assert await here.alerts.chain(draft.incident) == ()
    assert "gesperrt" in (await here.desk.drafts.get(draft.id)).return_reason


async def test_a_warning_plans_its_expiry_and_an_ending_plans_none(here: Town) -> None:
    """One message and one expiry per channel, due at the end; an ending's message only."""
    await here.account()
    draft = await here.submit(flood(here.clock.now()))
    await here.issue(draft)
    here.clock.forward(seconds=10)
    await here.desk.issuer.issue_due()
    ending = await here.prepare(draft.incident, DraftKind.ALL_CLEAR)
    await here.issue(ending)
    here.clock.forward(seconds=10)
    await here.desk.issuer.issue_due()
    lines = {(line.channel, line.revision, line.variant) for line in await here.ledger()}
    warned = {(name, 1, variant) for name in ("push", "post") for variant in ("message", "expiry")}
    assert lines == warned | {("push", 2, "message"), ("post", 2, "message")}


async def test_the_time_never_falls_within_a_chain(here: Town) -> None:
    """A clock set back between two revisions does not make the newer one look older; seconds are whole."""
    draft = await here.submit(flood(here.clock.now()))
    await here.issue(draft)
    here.clock.forward(seconds=10.7)
    await here.desk.issuer.issue_due()
    update = await here.prepare(draft.incident, DraftKind.UPDATE)
    await here.desk.approval.release(BERND, update.id, digest=update.digest)
    here.clock.forward(seconds=10)
    (release,) = await here.store.due_releases(here.clock.now())
    here.clock.forward(minutes=-5)
    await here.desk.issuer.issue(release)
    first, second = [revision.alert.sent for revision in await here.alerts.chain(draft.incident)]
    assert (second, second.microsecond) == (first, 0)


async def test_what_does_not_fit_its_chain_is_named(here: Town) -> None:
    """A second first warning, an update of nothing or of what ended, another occasion."""
    content = flood(here.clock.now())
    update = replace(content, kind=DraftKind.UPDATE)
    draft = await here.submit(content)
    assert [problem.where for problem in chain_problems(update, ())] == ["kind"]
    await here.issue(draft)
    here.clock.forward(seconds=10)
    await here.desk.issuer.issue_due()
    chain = await here.alerts.chain(draft.incident)
    assert [problem.where for problem in chain_problems(content, chain)] == ["kind"]
    assert chain_problems(update, chain) == ()
    real = replace(update, occasion=Occasion.UEBUNG)
    assert [problem.where for problem in chain_problems(real, chain)] == ["occasion"]


def test_only_warnings_are_overtaken_by_their_end() -> None:
    """At its end a warning must not go out any more; an ending always may."""
    over = flood(START, expires=START)
    assert [problem.where for problem in overtaken(over, START)] == ["expires"]
    assert overtaken(over, START - timedelta(seconds=1)) == ()
    assert overtaken(replace(over, kind=DraftKind.ALL_CLEAR), START) == ()
