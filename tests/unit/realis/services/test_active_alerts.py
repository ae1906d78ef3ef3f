"""The public read side over issued alerts: what each viewer sees, in which words, under which version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from realis.model.alert import Ending, Level, Occasion
from realis.model.draft import DraftKind
from realis.model.incident import Viewer
from realis.ports.channel import MessageKind
from realis.services.active_alerts import ActiveAlertsReader
from tests.support.core_world import Town, flood, town

PUBLIC, JOINED = Viewer(), Viewer(joined=True)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town."""
    async with town(tmp_path) as made:
        yield made


async def test_nothing_is_in_force_at_first(here: Town) -> None:
    """An empty city has an empty snapshot with the instant it was read."""
    snapshot = await here.situation.snapshot(PUBLIC)
    assert (snapshot.in_force, snapshot.ended, snapshot.as_of) == ((), (), here.clock.now())


async def test_the_gravest_comes_first(here: Town) -> None:
    """Level before age; a real warning before an exercise of the same level."""
    await here.warn(level=Level.INFORMATION)
    await here.warn(level=Level.EXTREME, occasion=Occasion.UEBUNG)
    await here.warn(level=Level.EXTREME)
    snapshot = await here.situation.snapshot(JOINED)
    got = [(view.level, view.occasion) for view in snapshot.in_force]
    assert got == [(1, Occasion.ERNSTFALL), (1, Occasion.UEBUNG), (3, Occasion.ERNSTFALL)]


async def test_exercises_are_for_those_who_joined(here: Town) -> None:
    """An Übung is in nobody else's snapshot, page or CAP file, in force or over."""
    incident = await here.warn(occasion=Occasion.UEBUNG)
    (revision,) = await here.alerts.chain(incident)
    for hours in (0, 7):
        here.clock.forward(hours=hours)
        snapshot = await here.situation.snapshot(PUBLIC)
        assert (snapshot.in_force, snapshot.ended) == ((), ())
        assert await here.situation.warning(incident, PUBLIC) is None
        assert await here.situation.cap_xml(revision.alert.identifier, PUBLIC) is None
        joined = await here.situation.warning(incident, JOINED)
        assert joined is not None
        assert joined.texts["de"].notice.startswith("ÜBUNG")
    assert await here.situation.cap_xml(revision.alert.identifier, JOINED)


async def test_an_update_replaces_and_keeps_its_history(here: Town) -> None:
    """Only the newest revision is in force; its steps are listed oldest first."""
    incident = await here.warn()
    here.clock.forward(minutes=5)
    await here.follow(incident, DraftKind.UPDATE, level=Level.EXTREME)
    (view,) = (await here.situation.snapshot(PUBLIC)).in_force
    assert (view.revision, view.kind, view.level) == (2, MessageKind.UPDATE, Level.EXTREME)
    assert [(step.revision, step.kind) for step in view.history] == [(1, MessageKind.ALERT), (2, MessageKind.UPDATE)]


@pytest.mark.parametrize(
    ("kind", "ending", "words"),
    [
        (DraftKind.ALL_CLEAR, Ending.ALL_CLEAR, "Entwarnung"),
        (DraftKind.RETRACTION, Ending.RETRACTED, "Fehlalarm – Warnung zurückgezogen"),
    ],
)
async def test_an_ending_is_listed_for_a_day(here: Town, kind: DraftKind, ending: Ending, words: str) -> None:
    """It is never in force, keeps its own words, leaves the list after 24 hours and its page stays."""
    incident = await here.warn()
    await here.follow(incident, kind)
    snapshot = await here.situation.snapshot(PUBLIC)
    assert snapshot.in_force == ()
    (view,) = snapshot.ended
    assert (view.ending, view.texts["de"].kind, view.kind.ending) == (ending, words, ending)
    here.clock.forward(hours=24)
    assert (await here.situation.snapshot(PUBLIC)).ended == ()
    later = await here.situation.warning(incident, PUBLIC)
    assert later is not None
    assert later.ending is ending


async def test_an_expired_warning_says_so_in_its_own_words(here: Town) -> None:
    """At ``expires``, without anybody doing anything, the texts become those of the expiry."""
    incident = await here.warn()
    here.clock.forward(hours=6, microseconds=-1)
    assert (await here.situation.snapshot(PUBLIC)).in_force
    here.clock.forward(microseconds=1)
    snapshot = await here.situation.snapshot(PUBLIC)
    assert snapshot.in_force == ()
    for view in (*snapshot.ended, await here.situation.warning(incident, PUBLIC)):
        assert view is not None
        assert (view.ending, view.kind) == (Ending.EXPIRED, MessageKind.EXPIRY)
        assert view.texts["de"].instruction == "Die Gültigkeit ist abgelaufen. Das ist keine Entwarnung."
        assert view.ended_at == view.expires == here.clock.now()


async def test_the_texts_are_those_of_the_asked_channel(here: Town) -> None:
    """A channel that was chosen shows its own stored texts; one that was not shows the page's."""
    await here.warn(channels=("push",))
    (pushed,) = (await here.situation.snapshot(PUBLIC, "push")).in_force
    (other,) = (await here.situation.snapshot(PUBLIC, "display")).in_force
    assert set(pushed.texts) == set(other.texts) == {"de", "en", "ar"}
    assert other.texts["ar"].labels, "nobody checked the translation"


async def test_the_version_grows_with_every_change_and_never_falls(here: Town) -> None:
    """Issue, update, ending, expiry, leaving the list and long silence: each visible change is a higher version."""
    seen: list[tuple[int, object]] = []

    async def look() -> None:
        # A reader that was just started must count as one that ran all the time.
        fresh = ActiveAlertsReader(here.alerts, here.clock)
        running, started = await here.situation.snapshot(PUBLIC), await fresh.snapshot(PUBLIC)
        assert running.version == started.version
        shape = (
            [(view.incident, view.revision) for view in running.in_force],
            [(view.incident, view.revision) for view in running.ended],
        )
        if seen:
            assert running.version >= seen[-1][0], "it fell"
            assert running.version > seen[-1][0] or shape == seen[-1][1], "a change went unnoticed"
        seen.append((running.version, shape))

    await look()
    first = await here.warn(expires=here.clock.now() + timedelta(minutes=30, microseconds=500))
    await look()
    second = await here.warn()
    await look()
    await here.follow(first, DraftKind.UPDATE)
    await look()
    await here.follow(second, DraftKind.RETRACTION)
    await look()
    here.clock.forward(minutes=30)
    await look()
    here.clock.forward(microseconds=500)
    await look()
    for _ in range(60):
        here.clock.forward(hours=1)
        await look()
    await here.warn()
    await look()


async def test_an_issue_that_commits_late_is_noticed(here: Town) -> None:
    """An alert that becomes visible a moment after another change of a later second still raises the version."""
    await here.warn(expires=here.clock.now() + timedelta(seconds=2))
    draft = await here.submit(flood(here.clock.now()))
    here.clock.forward(seconds=2)
    before = await here.situation.snapshot(PUBLIC)
    here.clock.forward(seconds=-1)
    await here.issue(draft)
    here.clock.forward(seconds=1)
    after = await here.situation.snapshot(PUBLIC)
    assert len(after.in_force) == 1
    assert after.version > before.version


async def test_unknown_names_have_no_answer(here: Town) -> None:
    """A wrong incident or identifier is None, not an error."""
    assert await here.situation.warning(uuid4(), PUBLIC) is None
    assert await here.situation.cap_xml("nobody", PUBLIC) is None
