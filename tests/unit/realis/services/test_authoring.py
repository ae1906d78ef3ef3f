"""The desk's use cases over a real database: who may do what, when, and what is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from realis.model.alert import Level, Occasion
from realis.model.draft import Draft, DraftKind, DraftState
from realis.model.errors import (
    Conflict,
    FourEyesViolation,
    InvalidInput,
    NotAllowed,
    NotFound,
    RealisError,
    SigningFailed,
    StaleVersion,
    StoreUnavailable,
    WrongState,
)
from realis.model.incident import Revision
from realis.policy.approval import Actor, IssuePolicy, Role
from realis.ports.desk_read_models import IncidentStage
from realis.ports.stores import NewReceivedMessage
from realis.services.desk import Desk
from realis.storage import audit
from realis.storage.one_hop import Work
from tests.support.core_world import ANNA, BERND, CARLA, DORA, Town, flood, town

PAUSE = timedelta(seconds=10)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town whose releases pause for ten seconds."""
    async with town(tmp_path) as made:
        yield replace(made, desk=Desk.over(replace(made.desk.ports, pause=PAUSE)))


async def _edit(desk: Desk, actor: Actor, draft: Draft, **changes: object) -> Draft:
    content = replace(draft.content, **changes)  # type: ignore[arg-type]
    return await desk.authoring.save(actor, draft.id, version=draft.version, content=content)


async def _issue(here: Town, draft: Draft) -> None:
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    here.clock.forward(seconds=10)
    await here.desk.issuer.issue_due()


async def _warned(here: Town, **changes: object) -> UUID:
    draft = await here.submit(flood(here.clock.now(), **changes))
    await _issue(here, draft)
    assert len(await here.alerts.chain(draft.incident)) == 1
    return draft.incident


# ---- four eyes


async def test_nobody_releases_what_they_wrote(here: Town) -> None:
    """The author, every editor and whoever submitted are barred; a second person is not."""
    draft = await here.desk.authoring.create(CARLA, flood(here.clock.now()))
    draft = await _edit(here.desk, BERND, draft, level=Level.EXTREME)
    draft = await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)
    other = Actor("u-emil", "P-emil", frozenset({Role.RELEASE}))
    for author in (CARLA, BERND, replace(ANNA, roles=CARLA.roles)):
        with pytest.raises(FourEyesViolation):
            await here.desk.approval.release(author, draft.id, digest=draft.digest)
    assert (await here.desk.approval.release(other, draft.id, digest=draft.digest)).released_by == "P-emil"


async def test_a_release_needs_the_role(here: Town) -> None:
    """Without the role Freigabe nobody releases, sends back or lifts a hold; a trainer does nothing at all."""
    draft = await here.submit(flood(here.clock.now()))
    erna = Actor("u-erna", "P-erna", frozenset({Role.CAPTURE}))
    with pytest.raises(NotAllowed):
        await here.desk.approval.release(erna, draft.id, digest=draft.digest)
    with pytest.raises(NotAllowed):
        await here.desk.approval.send_back(erna, draft.id, reason="x")
    with pytest.raises(NotAllowed):
        await here.desk.operations.lift_hold(erna, "push")
    for step in (
        here.desk.authoring.create(DORA, draft.content),
        here.desk.authoring.save(DORA, draft.id, version=draft.version, content=draft.content),
        here.desk.authoring.submit(DORA, draft.id, version=draft.version),
        here.desk.authoring.discard(DORA, draft.id),
        here.desk.approval.stop(DORA, draft.id),
        here.desk.authoring.follow_up(DORA, draft.incident, kind=DraftKind.UPDATE),
        here.desk.operations.mark_done(DORA, draft.incident, revision=1, target_id=1, who="Dora"),
    ):
        with pytest.raises(NotAllowed):
            await step


async def test_only_what_was_seen_is_released(here: Town) -> None:
    """Another digest, an older submission's digest or an empty one is refused."""
    draft = await here.submit(flood(here.clock.now()))
    edited = await _edit(here.desk, ANNA, draft, level=Level.EXTREME)
    again = await here.desk.authoring.submit(ANNA, edited.id, version=edited.version)
    assert again.digest != draft.digest
    for seen in (draft.digest, "0" * 64, ""):
        with pytest.raises(StaleVersion):
            await here.desk.approval.release(BERND, draft.id, digest=seen)


async def test_any_edit_voids_the_submission(here: Town) -> None:
    """After an edit the draft is open, its texts are gone, and the old digest releases nothing."""
    draft = await here.submit(flood(here.clock.now()))
    edited = await _edit(here.desk, ANNA, draft)
    assert (edited.state, edited.digest, edited.version) == (DraftState.OPEN, "", draft.version + 1)
    with pytest.raises(NotFound):
        await here.desk.drafts.package(draft.id)
    with pytest.raises(WrongState):
        await here.desk.approval.release(BERND, draft.id, digest=draft.digest)


async def test_a_stale_version_is_refused(here: Town) -> None:
    """Whoever saves or submits an older version than the stored one changes nothing."""
    draft = await here.desk.authoring.create(ANNA, flood(here.clock.now()))
    await _edit(here.desk, CARLA, draft, level=Level.EXTREME)
    with pytest.raises(StaleVersion):
        await _edit(here.desk, ANNA, draft, level=Level.INFORMATION)
    with pytest.raises(StaleVersion):
        await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)
    assert (await here.desk.drafts.get(draft.id)).content.level is Level.EXTREME


async def test_the_kind_cannot_be_edited(here: Town) -> None:
    """A warning saved as a Fehlalarm stays a warning, so that one person cannot release it alone."""
    draft = await here.desk.authoring.create(CARLA, flood(here.clock.now()))
    edited = await _edit(here.desk, CARLA, draft, kind=DraftKind.RETRACTION)
    assert edited.content.kind is DraftKind.ALERT


# ---- returning, stopping, discarding


async def test_sending_back_gives_a_reason(here: Town) -> None:
    """The draft is open again with the reason; an empty reason and a draft that is not submitted are refused."""
    draft = await here.submit(flood(here.clock.now()))
    with pytest.raises(InvalidInput):
        await here.desk.approval.send_back(BERND, draft.id, reason="  ")
    back = await here.desk.approval.send_back(BERND, draft.id, reason="Uhrzeit fehlt")
    assert (back.state, back.return_reason) == (DraftState.OPEN, "Uhrzeit fehlt")
    with pytest.raises(WrongState):
        await here.desk.approval.send_back(BERND, draft.id, reason="noch einmal")
    again = await here.desk.authoring.submit(ANNA, back.id, version=back.version)
    assert again.return_reason == ""


async def test_nothing_leaves_before_the_pause_is_over(here: Town) -> None:
    """A release is issued when its pause ends, not a moment sooner, and only once."""
    draft = await here.submit(flood(here.clock.now()))
    release = await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    assert await here.desk.issuer.issue_due() == release.due == here.clock.now() + PAUSE
    here.clock.forward(seconds=9.9)
    await here.desk.issuer.issue_due()
    assert not await here.alerts.chain(draft.incident)
    here.clock.forward(seconds=0.1)
    assert await here.desk.issuer.issue_due() is None
    await here.desk.issuer.issue_due()
    assert len(await here.alerts.chain(draft.incident)) == 1
    with pytest.raises(WrongState):
        await here.desk.issuer.issue(release)


async def test_stopping_during_the_pause_reopens_the_draft(here: Town) -> None:
    """Stopped in time, nothing is issued and the draft can be edited; too late, it says so."""
    draft = await here.submit(flood(here.clock.now()))
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    stopped = await here.desk.approval.stop(ANNA, draft.id)
    assert (stopped.state, stopped.digest) == (DraftState.OPEN, "")
    with pytest.raises(NotFound):
        await here.desk.drafts.package(draft.id)
    here.clock.forward(minutes=1)
    await here.desk.issuer.issue_due()
    assert not await here.alerts.chain(draft.incident)
    again = await here.desk.authoring.submit(ANNA, draft.id, version=stopped.version)
    await _issue(here, again)
    with pytest.raises(WrongState):
        await here.desk.approval.stop(BERND, draft.id)


async def test_a_discarded_draft_stays_discarded(here: Town) -> None:
    """It can be neither edited nor submitted nor released."""
    draft = await here.submit(flood(here.clock.now()))
    await here.desk.authoring.discard(ANNA, draft.id)
    for step in (
        here.desk.authoring.submit(ANNA, draft.id, version=draft.version),
        here.desk.approval.release(BERND, draft.id, digest=draft.digest),
        here.desk.authoring.discard(ANNA, draft.id),
    ):
        with pytest.raises(WrongState):
            await step
    assert (await here.desk.overview.board())[0].stage is IncidentStage.DISCARDED


# ---- a Fehlalarm


async def test_one_person_retracts_at_once(here: Town) -> None:
    """A Fehlalarm has no pause and needs one person, also one who only has the role Freigabe."""
    for person in (CARLA, BERND):
        incident = await _warned(here)
        draft = await here.desk.authoring.follow_up(person, incident, kind=DraftKind.RETRACTION)
        draft = await here.desk.authoring.submit(person, draft.id, version=draft.version)
        await here.desk.approval.release(person, draft.id, digest=draft.digest)
        (_, second) = await here.alerts.chain(incident)
        assert second.ending == "retracted"


async def test_a_warning_cannot_outlive_its_retraction(here: Town) -> None:
    """An update whose pause runs while a Fehlalarm is issued is not issued; its draft is open with the reason."""
    incident = await _warned(here)
    update = await here.prepare(incident, DraftKind.UPDATE)
    await here.desk.approval.release(BERND, update.id, digest=update.digest)
    false_alarm = await here.prepare(incident, DraftKind.RETRACTION)
    await here.desk.approval.release(CARLA, false_alarm.id, digest=false_alarm.digest)
    here.clock.forward(seconds=11)
    assert await here.desk.issuer.issue_due() is None
    assert [revision.ending for revision in await here.alerts.chain(incident)] == [None, "retracted"]
    reopened = await here.desk.drafts.get(update.id)
    assert reopened.state is DraftState.OPEN
    assert "beendet" in reopened.return_reason


async def test_an_ended_warning_is_not_revived(here: Town) -> None:
    """What was submitted before the ending cannot be released after it, nor a second first warning."""
    incident = await _warned(here)
    update = await here.prepare(incident, DraftKind.UPDATE)
    await _issue(here, await here.prepare(incident, DraftKind.ALL_CLEAR))
    with pytest.raises(WrongState):
        await here.desk.approval.release(BERND, update.id, digest=update.digest)
    with pytest.raises(WrongState):
        await here.desk.authoring.follow_up(ANNA, incident, kind=DraftKind.UPDATE)
    assert len(await here.alerts.chain(incident)) == 2


async def test_one_incident_is_warned_about_once(here: Town) -> None:
    """Two first warnings of one incident: the second must become an update."""
    witness = NewReceivedMessage("Leitstelle", "kreis@example.org", "id-1", here.clock.now(), "0" * 64, b"<alert/>", ())
    first = await here.desk.authoring.receive(flood(here.clock.now()), witness, incident=None)
    second = await here.desk.authoring.receive(
        flood(here.clock.now()), replace(witness, identifier="id-2"), incident=first.incident
    )
    drafts = [await here.desk.authoring.submit(ANNA, draft.id, version=draft.version) for draft in (first, second)]
    await here.desk.approval.release(BERND, drafts[0].id, digest=drafts[0].digest)
    await here.desk.approval.release(BERND, drafts[1].id, digest=drafts[1].digest)
    here.clock.forward(seconds=11)
    assert await here.desk.issuer.issue_due() is None
    assert len(await here.alerts.chain(first.incident)) == 1
    assert (await here.desk.drafts.get(second.id)).state is DraftState.OPEN


async def test_a_warning_whose_end_passed_is_not_issued(here: Town) -> None:
    """Neither released after its end nor issued when the end falls into the pause."""
    draft = await here.submit(flood(here.clock.now(), expires=here.clock.now() + timedelta(seconds=15)))
    here.clock.forward(seconds=8)
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    here.clock.forward(seconds=10)
    await here.desk.issuer.issue_due()
    assert not await here.alerts.chain(draft.incident)
    assert "Ende" in (await here.desk.drafts.get(draft.id)).return_reason
    late = await here.submit(flood(here.clock.now(), expires=here.clock.now() + timedelta(seconds=15)))
    here.clock.forward(seconds=15)
    with pytest.raises(WrongState):
        await here.desk.approval.release(BERND, late.id, digest=late.digest)


# ---- follow-ups


async def test_channels_only_ever_join(here: Town) -> None:
    """An update keeps the channels of earlier revisions, whether saved by hand or received from an authority."""
    incident = await _warned(here)
    update = await here.prepare(incident, DraftKind.UPDATE, channels=("post",))
    assert set(update.content.channels) == {"push", "post"}
    witness = NewReceivedMessage("Leitstelle", "kreis@example.org", "id-2", here.clock.now(), "0" * 64, b"<alert/>", ())
    content = flood(here.clock.now(), kind=DraftKind.UPDATE, channels=("post",))
    received = await here.desk.authoring.receive(content, witness, incident=incident)
    assert set(received.content.channels) == {"push", "post"}


async def test_a_channel_that_joined_meanwhile_belongs_to_the_ending(here: Town) -> None:
    """An Entwarnung submitted before an update added a channel cannot leave that channel's people behind."""
    incident = await _warned(here, channels=("push",))
    ending = await here.prepare(incident, DraftKind.ALL_CLEAR)
    await _issue(here, await here.prepare(incident, DraftKind.UPDATE, channels=("push", "post")))
    with pytest.raises(WrongState):
        await here.desk.approval.release(BERND, ending.id, digest=ending.digest)
    edited = await _edit(here.desk, ANNA, ending)
    assert set(edited.content.channels) == {"push", "post"}


async def test_follow_ups_are_prefilled(here: Town) -> None:
    """An update starts from the newest words and is quiet; an ending brings its own words, never the warning's."""
    incident = await _warned(here)
    update = await here.desk.authoring.follow_up(ANNA, incident, kind=DraftKind.UPDATE)
    assert (update.content.text("de"), update.content.realert) == (flood(here.clock.now()).text("de"), False)
    assert await here.desk.authoring.follow_up(CARLA, incident, kind=DraftKind.UPDATE) == update
    for kind in (DraftKind.ALL_CLEAR, DraftKind.RETRACTION):
        ending = await here.desk.authoring.follow_up(ANNA, incident, kind=kind)
        words = ending.content.text("de")
        assert words is not None
        assert "Keller." not in words.instruction
        assert ending.content.areas == update.content.areas
        assert ending.content.expires == here.clock.now() + timedelta(hours=6)
    other = await here.desk.authoring.create(ANNA, flood(here.clock.now()))
    with pytest.raises(WrongState):
        await here.desk.authoring.follow_up(ANNA, other.incident, kind=DraftKind.UPDATE)


# ---- occasions


@pytest.mark.parametrize("occasion", list(Occasion))
async def test_an_issued_occasion_is_never_converted(here: Town, occasion: Occasion) -> None:
    """Whatever an incident was issued as, its update can be nothing else."""
    incident = await _warned(here, occasion=occasion)
    draft = await here.desk.authoring.follow_up(ANNA, incident, kind=DraftKind.UPDATE)
    for other in set(Occasion) - {occasion}:
        with pytest.raises(Conflict):
            await _edit(here.desk, ANNA, draft, occasion=other)


async def test_a_test_never_becomes_real_and_a_real_one_may_become_a_test(here: Town) -> None:
    """Before anything is issued an Ernstfall may be marked as an Übung, never the other way round."""
    draft = await here.desk.authoring.create(ANNA, flood(here.clock.now()))
    draft = await _edit(here.desk, ANNA, draft, occasion=Occasion.UEBUNG)
    for other in (Occasion.ERNSTFALL, Occasion.PROBEWARNUNG):
        with pytest.raises(Conflict):
            await _edit(here.desk, ANNA, draft, occasion=other)


async def test_an_authority_cannot_convert_an_incident(here: Town) -> None:
    """A received update with another status than what was issued cannot be submitted."""
    incident = await _warned(here, occasion=Occasion.UEBUNG)
    witness = NewReceivedMessage("Leitstelle", "kreis@example.org", "id-2", here.clock.now(), "0" * 64, b"<alert/>", ())
    draft = await here.desk.authoring.receive(
        flood(here.clock.now(), kind=DraftKind.UPDATE), witness, incident=incident
    )
    with pytest.raises(InvalidInput, match="occasion"):
        await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)


async def test_the_demo_issues_exercises_only(tmp_path: Path) -> None:
    """Ernstfall and Probewarnung are refused at submission, at release and at issue; nothing is written."""
    async with town(tmp_path, IssuePolicy(frozenset({Occasion.UEBUNG}))) as demo:
        for occasion in (Occasion.ERNSTFALL, Occasion.PROBEWARNUNG):
            draft = await demo.desk.authoring.create(ANNA, flood(demo.clock.now(), occasion=occasion))
            with pytest.raises(InvalidInput, match="occasion-barred"):
                await demo.desk.authoring.submit(ANNA, draft.id, version=draft.version)
            free = Desk.over(replace(demo.desk.ports, policy=IssuePolicy(), pause=PAUSE))
            draft = await free.authoring.submit(ANNA, draft.id, version=draft.version)
            with pytest.raises(NotAllowed):
                await demo.desk.approval.release(BERND, draft.id, digest=draft.digest)
            release = await free.approval.release(BERND, draft.id, digest=draft.digest)
            with pytest.raises(NotAllowed):
                await demo.desk.issuer.issue(release)
            assert not await demo.alerts.chain(draft.incident)
        await demo.warn(occasion=Occasion.UEBUNG)
        assert len(demo.push.sent) == 0
        assert {line.revision for line in await demo.ledger()} == {1}


# ---- signing


async def test_a_failing_signature_stops_the_release(here: Town) -> None:
    """Nothing is written, the draft is open with the reason, other releases go on, a retry succeeds."""
    draft = await here.submit(flood(here.clock.now()))
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    here.signer.broken = True
    here.clock.forward(seconds=10)
    assert await here.desk.issuer.issue_due() is None
    assert not await here.alerts.chain(draft.incident)
    assert not await here.ledger()
    reopened = await here.desk.drafts.get(draft.id)
    assert reopened.state is DraftState.OPEN
    assert reopened.return_reason.startswith("Nicht ausgegeben: Die Nachricht konnte nicht signiert werden.")
    here.signer.broken = False
    await _issue(here, await here.desk.authoring.submit(ANNA, draft.id, version=reopened.version))
    assert len(await here.alerts.chain(draft.incident)) == 1


async def test_a_failing_signature_is_told_to_whoever_retracts(here: Town) -> None:
    """A Fehlalarm that cannot be signed fails in the releasing person's face."""
    incident = await _warned(here)
    draft = await here.prepare(incident, DraftKind.RETRACTION)
    here.signer.broken = True
    with pytest.raises(SigningFailed):
        await here.desk.approval.release(CARLA, draft.id, digest=draft.digest)
    assert len(await here.alerts.chain(incident)) == 1


# ---- what is missing, what is written


async def test_everything_missing_is_listed_at_once(here: Town) -> None:
    """A submission names every field that is missing, not only the first."""
    empty = flood(here.clock.now(), texts=(), areas=(), channels=(), expires=None)
    draft = await here.desk.authoring.create(ANNA, empty)
    with pytest.raises(InvalidInput) as caught:
        await here.desk.authoring.submit(ANNA, draft.id, version=1)
    assert set(caught.value.where.split(",")) == {"headline", "area", "channels", "expires"}


async def test_a_channel_without_credentials_never_fails_a_release(here: Town) -> None:
    """One that is not set up gets no dispatch; if none of the chosen ones is, that is said at submission."""
    here.post.unavailable_reason = "nicht eingerichtet"
    incident = await _warned(here)
    assert {line.channel for line in await here.ledger()} == {"push"}
    here.push.unavailable_reason = "nicht eingerichtet"
    draft = await here.desk.authoring.follow_up(ANNA, incident, kind=DraftKind.UPDATE)
    with pytest.raises(InvalidInput, match="channels"):
        await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)


async def test_every_step_is_in_the_audit_chain(here: Town) -> None:
    """Created, saved, submitted, returned, released, stopped, issued: each with the pseudonym, and the chain holds."""
    draft = await here.desk.authoring.create(ANNA, flood(here.clock.now()))
    draft = await _edit(here.desk, ANNA, draft)
    draft = await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)
    draft = await here.desk.approval.send_back(BERND, draft.id, reason="Uhrzeit")
    draft = await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    draft = await here.desk.approval.stop(BERND, draft.id)
    draft = await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)
    await _issue(here, draft)
    trail = [(line.actor, line.action) for line in reversed(await here.desk.overview.trail())]
    assert trail == [
        ("P-anna", "draft.created"),
        ("P-anna", "draft.saved"),
        ("P-anna", "draft.submitted"),
        ("P-bernd", "draft.returned"),
        ("P-anna", "draft.submitted"),
        ("P-bernd", "draft.released"),
        ("P-bernd", "release.stopped"),
        ("P-anna", "draft.submitted"),
        ("P-bernd", "draft.released"),
        ("P-bernd", "alert.issued"),
    ]
    assert (await audit.verify(here.database)).broken_at == 0
    file = await here.desk.overview.incident(draft.incident)
    assert [line.subject for line in file.trail] == [str(draft.incident)] * len(trail)


async def test_a_refused_step_writes_nothing(here: Town) -> None:
    """What is refused leaves no audit entry and no change."""
    draft = await here.submit(flood(here.clock.now()))
    before = await here.desk.overview.trail()
    for step in (
        here.desk.approval.release(BERND, draft.id, digest="0" * 64),
        here.desk.approval.send_back(BERND, draft.id, reason=""),
        here.desk.approval.stop(ANNA, draft.id),
        here.desk.authoring.save(ANNA, draft.id, version=99, content=draft.content),
    ):
        with pytest.raises(RealisError):
            await step
    assert await here.desk.overview.trail() == before
    assert await here.desk.drafts.get(draft.id) == draft


async def test_the_board_follows_the_incident(here: Town) -> None:
    """Draft, submitted, pause, in force, ended: each stage shows, with what expired told apart."""

    async def stage() -> IncidentStage:
        return (await here.desk.overview.board())[0].stage

    draft = await here.desk.authoring.create(ANNA, flood(here.clock.now()))
    assert await stage() is IncidentStage.DRAFT
    draft = await here.desk.authoring.submit(ANNA, draft.id, version=draft.version)
    assert await stage() is IncidentStage.SUBMITTED
    await here.desk.approval.release(BERND, draft.id, digest=draft.digest)
    assert await stage() is IncidentStage.PAUSE
    assert (await here.desk.overview.incident(draft.incident)).pending is not None
    here.clock.forward(seconds=10)
    await here.desk.issuer.issue_due()
    assert await stage() is IncidentStage.IN_FORCE
    here.clock.forward(hours=6)
    (entry,) = await here.desk.overview.board()
    assert (entry.stage, entry.ending) == (IncidentStage.ENDED, "expired")


async def test_a_long_warning_stays_on_the_board(here: Town) -> None:
    """A warning in force for months can be found and ended, however long nobody touched it."""
    incident = await _warned(here, expires=here.clock.now() + timedelta(days=90))
    here.clock.forward(days=60)
    assert [entry.incident for entry in await here.desk.overview.board()] == [incident]
    assert (await here.desk.overview.incident(incident)).entry.stage is IncidentStage.IN_FORCE


async def test_identifiers_and_references_follow_the_chain(here: Town) -> None:
    """Each CAP message is named by prefix, incident and revision, and names every earlier one."""
    incident = await _warned(here)
    await _issue(here, await here.prepare(incident, DraftKind.UPDATE))
    await _issue(here, await here.prepare(incident, DraftKind.ALL_CLEAR))
    chain = await here.alerts.chain(incident)
    assert [revision.alert.identifier for revision in chain] == [f"DE-TEST.{incident}.{n}" for n in (1, 2, 3)]
    assert [len(revision.alert.references) for revision in chain] == [0, 1, 2]
    assert [revision.ending for revision in chain] == [None, None, "all_clear"]


@pytest.mark.parametrize("pause_s", [0, 10])
async def test_a_database_that_is_away_undoes_no_decision(
    here: Town, monkeypatch: pytest.MonkeyPatch, pause_s: int
) -> None:
    """Two people have decided: it goes out as soon as the database is back, and nobody has to press again."""
    desk = Desk.over(replace(here.desk.ports, pause=timedelta(seconds=pause_s)))
    draft = await here.submit(flood(here.clock.now()))
    away = True
    write = here.database.writing

    async def writing(work: Work[Revision]) -> Revision:
        if away:
            raise StoreUnavailable("store-not-answering")
        return await write(work)

    monkeypatch.setattr(here.database, "writing", writing)
    await desk.approval.release(BERND, draft.id, digest=draft.digest)
    here.clock.forward(seconds=pause_s)
    await desk.issuer.issue_due()
    assert (await desk.drafts.get(draft.id)).state is DraftState.RELEASED
    assert await here.desk.overview.chain(draft.incident) == ()
    away = False
    await desk.issuer.issue_due()
    assert [revision.number for revision in await here.desk.overview.chain(draft.incident)] == [1]
