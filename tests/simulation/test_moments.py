"""Rare moments that schedules came upon, each played by hand over the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from realis.model.delivery import Failed, FailureKind
from realis.model.draft import DraftKind, DraftState
from realis.ports.stores import Claim
from realis.services.desk import Desk
from tests.support.core_world import BERND, Town, flood, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town whose releases pause."""
    async with town(tmp_path) as made:
        yield replace(made, desk=Desk.over(replace(made.desk.ports, pause=timedelta(seconds=10))))


async def test_an_ending_that_misses_a_channel_is_not_issued(here: Town) -> None:
    """Decided before an update that adds a channel, issued after it: its draft is open again, nobody is left out."""
    await here.account()
    draft = await here.submit(flood(here.clock.now(), channels=("push",)))
    await here.issue(draft)
    here.clock.forward(seconds=11)
    await here.desk.issuer.issue_due()
    update = await here.prepare(draft.incident, DraftKind.UPDATE, channels=("push", "post"))
    ending = await here.prepare(draft.incident, DraftKind.ALL_CLEAR)
    await here.desk.approval.release(BERND, update.id, digest=update.digest)
    await here.desk.approval.release(BERND, ending.id, digest=ending.digest)
    here.clock.forward(seconds=11)
    await here.desk.issuer.issue_due()
    assert len(await here.alerts.chain(draft.incident)) == 2
    again = await here.desk.drafts.get(ending.id)
    assert again.state is DraftState.OPEN
    assert "Kanälen" in again.return_reason


async def test_a_worker_frozen_before_its_send_sends_nothing(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thawed after its lease it leaves the batch to whoever holds it now: an older message could follow a newer."""
    target = await here.subscribe("a")
    draft = await here.submit(flood(here.clock.now(), channels=("push",)))
    await here.issue(draft)
    here.clock.forward(seconds=11)
    await here.desk.issuer.issue_due()
    await here.plan()
    claim_now = here.batches.claim
    frozen: list[Claim] = []

    async def freeze_after(*args: Any, **named: Any) -> Claim | None:  # noqa: ANN401 - passed on as they are
        claim = await claim_now(*args, **named)
        if claim is not None and not frozen:
            frozen.append(claim)
            here.clock.forward(seconds=130)
        return claim

    monkeypatch.setattr(here.batches, "claim", freeze_after)
    with capture_logs() as logs:
        await here.deliver()
    assert "claim_lapsed" in [entry["event"] for entry in logs]
    assert here.push.revisions(target) == [1], "once, by whoever took it over"
    assert not await here.commit(frozen[0]), "and the old claim is worth nothing"


async def test_who_came_back_in_between_is_not_ended(here: Town) -> None:
    """A batch claimed while its target was gone ends nothing: only a service's word does."""
    target = await here.subscribe("a")
    draft = await here.submit(flood(here.clock.now(), channels=("push",)))
    await here.issue(draft)
    here.clock.forward(seconds=11)
    await here.desk.issuer.issue_due()
    other = await here.submit(flood(here.clock.now(), channels=("push",)))
    await here.issue(other)
    here.clock.forward(seconds=11)
    await here.desk.issuer.issue_due()
    await here.plan()
    await here.commit(await here.taken(), Failed(FailureKind.GONE, "410"))
    nobody = await here.taken()
    assert not nobody.targets[0].address
    assert await here.subscribe("a") == target
    assert await here.commit(nobody, Failed(FailureKind.GONE, "Abmeldung vor dem Senden"))
    assert await here.active(target)
