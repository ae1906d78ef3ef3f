"""Figures for monitoring of decisions and leases, and what the ledger reports of each commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from realis.model.delivery import Accepted, Failed, FailureKind
from realis.ports.metrics import NoMetrics
from realis.storage.addresses import AddressBook
from realis.storage.figures import read_figures
from realis.storage.leases import SqlLeases
from realis.storage.ledger.batches import SqlBatches
from tests.support.core_world import BERND, PlainSealer, Town, flood


@dataclass
class Reports(NoMetrics):
    """Keeps what the ledger reports."""

    commits: list[tuple[str, int, dict[FailureKind, int], float, bool]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def committed(
        self, channel: str, *, accepted: int, failed: Mapping[FailureKind, int], since_issue_s: float, first: bool
    ) -> None:
        """Keep it."""
        self.commits.append((channel, accepted, dict(failed), since_issue_s, first))

    def commit_refused(self, channel: str) -> None:
        """Keep it."""
        self.refused.append(channel)


async def test_decisions_and_leases_are_counted(here: Town) -> None:
    """A decision until it is issued; a lease while it runs."""
    now = here.clock.now()
    draft = await here.submit(flood(now, channels=("push",)))
    patient = replace(here.desk.approval, pause=timedelta(seconds=10))
    await patient.release(BERND, draft.id, digest=draft.digest)
    await SqlLeases(here.database).take("channel:post", "worker", now=now, lease_s=30)
    figures = await read_figures(here.database, now)
    assert (figures.pending_releases, figures.leases) == (1, 1)
    assert figures.oldest_release_due is not None
    here.clock.forward(seconds=31)
    await here.desk.issuer.issue_due()
    figures = await read_figures(here.database, here.clock.now())
    assert (figures.pending_releases, figures.oldest_release_due, figures.leases) == (0, None, 0)


async def test_a_commit_is_reported_once_with_its_latency(here: Town) -> None:
    """Failures by kind, the first acceptance of a dispatch marked as such, a stale claim as refused."""
    reports = Reports()
    town = replace(here, batches=SqlBatches(here.database, AddressBook(PlainSealer()), reports))
    for number in range(4):
        await town.subscribe(f"phone-{number}")
    await town.warn(channels=("push",))
    await town.plan()
    first, second = await town.taken(), await town.taken()
    town.clock.forward(seconds=2)
    await town.commit(first, Failed(FailureKind.UNAVAILABLE, "503"))
    await town.commit(second, Accepted(), Failed(FailureKind.GONE, "410"))
    town.clock.forward(minutes=1)
    again = await town.taken()
    await town.commit(again)
    assert not await town.commit(again)
    busy, taken, late = reports.commits
    assert (busy[1:3], busy[4]) == ((0, {FailureKind.UNAVAILABLE: 2}), False)
    assert (taken[:3], taken[4]) == (("push", 1, {FailureKind.GONE: 1}), True)
    assert taken[3] == pytest.approx(2.0)
    assert (late[1], late[4]) == (2, False)
    assert late[3] == pytest.approx(62.0)
    assert reports.refused == ["push"]


async def test_an_expiry_notice_counts_from_when_it_was_due(here: Town) -> None:
    """It is written together with the warning, hours before it may be sent."""
    reports = Reports()
    town = replace(here, batches=SqlBatches(here.database, AddressBook(PlainSealer()), reports))
    await town.subscribe("phone")
    await town.warn(channels=("push",), expires=town.clock.now() + timedelta(hours=3))
    await town.plan()
    await town.commit(await town.taken())
    town.clock.forward(hours=3, seconds=1)
    await town.plan()
    await town.commit(await town.taken())
    assert [(accepted, first) for _, accepted, _, _, first in reports.commits] == [(1, True), (1, True)]
    assert reports.commits[1][3] < 60
