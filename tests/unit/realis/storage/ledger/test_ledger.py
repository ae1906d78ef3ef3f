"""What the ledger promises of every target of every dispatch, over a real SQLite file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from realis.model.alert import Level, Occasion
from realis.model.audit import AuditAction
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome, State
from realis.model.draft import DraftKind
from realis.ports.channel import Message, Target
from realis.ports.stores import AuditEntry, BatchResult, RetryGroup
from realis.ports.targets import DisplayReport
from realis.storage.ledger.dispatch_rows import add_tallies, close_open_batches
from realis.storage.schema import addresses
from tests.support.core_world import EISERFELD, IN_EISERFELD, IN_WEIDENAU, Town, town, town_over

NOW = datetime(2026, 3, 14, 2, 0, tzinfo=UTC)
BUSY = Failed(FailureKind.UNAVAILABLE, "503")
GONE = Failed(FailureKind.GONE, "410")
BARRED = Failed(FailureKind.AUTH, "401")
UNSURE = Failed(FailureKind.UNKNOWN, "Zeit überschritten")


async def test_every_outcome_ends_in_its_own_state(here: Town) -> None:
    """Accepted, gone, rejected, too large and unknown each reach the one state that is theirs."""
    answers: dict[int, Outcome] = {}
    for kind in (None, FailureKind.GONE, FailureKind.REJECTED, FailureKind.TOO_LARGE, FailureKind.UNKNOWN):
        target = await here.subscribe(f"phone-{kind}")
        answers[target] = Failed(kind, "so") if kind else Accepted()
    here.push.answer = lambda _message, target: answers[target.id]
    await here.warn(level=Level.INFORMATION)
    await here.deliver()
    assert await here.states("push", 1) == {"accepted": 1, "gone": 1, "rejected": 2, "unknown": 1}


async def test_sums_equal_the_plan_at_every_moment(here: Town) -> None:
    """Before planning, after it, inside every send, while retrying and at the end, states add up to planned."""
    for number in range(7):
        await here.subscribe(f"phone-{number}")
    tries: dict[int, int] = {}

    def answer(_message: Message, target: Target) -> Outcome:
        tries[target.id] = tries.get(target.id, 0) + 1
        return BUSY if tries[target.id] <= target.id % 3 else Accepted()

    here.push.answer = answer
    await here.warn()
    assert await here.balanced()
    await here.plan()
    assert await here.states("push", 1) == {"planned": 7}
    for _ in range(4):
        while (claim := await here.claim()) is not None:
            assert await here.balanced()
            assert await here.commit(claim, *[answer(claim.message, target) for target in claim.targets])
            assert await here.balanced()
        here.clock.forward(minutes=1)
    assert await here.states("push", 1) == {"accepted": 7}


async def test_a_retry_is_a_new_batch_with_a_due_time(here: Town) -> None:
    """What failed for now is not tried before its due time, then as attempt 2, and only the failed target."""
    first, second = await here.subscribe("a"), await here.subscribe("b")
    await here.warn()
    await here.plan()
    claim = await here.taken()
    assert [target.id for target in claim.targets] == [first, second]
    await here.commit(claim, Accepted(), Failed(FailureKind.RATE_LIMITED, "429", 30.0))
    assert await here.states("push", 1) == {"accepted": 1, "retrying": 1}
    here.clock.forward(seconds=29)
    assert await here.claim() is None
    assert await here.batches.next_due(here.clock.now()) is not None
    here.clock.forward(seconds=2)
    again = await here.taken()
    assert (again.attempt, [target.id for target in again.targets]) == (2, [second])


async def test_a_retry_keeps_its_language_when_the_first_reader_left(here: Town) -> None:
    """A batch in Arabic is tried again in Arabic, also when its first target was deleted meanwhile."""
    leaver = await here.subscribe("a", language="ar")
    await here.subscribe("b", language="ar")
    await here.warn()
    await here.plan()
    await here.targets.remove(leaver)
    claim = await here.taken()
    assert claim.message.text.language == "ar"
    await here.commit(claim, GONE, BUSY)
    here.clock.forward(minutes=5)
    assert (await here.taken()).message.text.language == "ar"


async def test_gone_ends_the_subscription_and_deletes_its_address(here: Town) -> None:
    """A target that is gone is inactive, its address is deleted, and later revisions do not plan it."""
    target = await here.subscribe("a")
    here.push.answer = lambda _message, _target: GONE
    incident = await here.warn()
    await here.deliver()
    assert not await here.active(target)
    async with here.database.read() as connection:
        assert (await connection.execute(select(addresses.c.target_id))).first() is None
    await here.follow(incident, DraftKind.UPDATE)
    await here.plan()
    assert await here.states("push", 2) == {}


async def test_auth_holds_the_channel_and_deletes_nothing(here: Town) -> None:
    """401 stops the whole channel, says why, keeps every address; lifting the hold resumes at once."""
    ids = [await here.subscribe(name) for name in "abcd"]
    here.push.answer = lambda _message, _target: BARRED
    await here.warn()
    await here.plan()
    await here.commit(await here.taken(), BARRED)
    assert await here.claim() is None, "the other batch waits as well"
    assert (await here.store.holds())["push"][1] == "401"
    assert await here.states("push", 1) == {"held": 2, "planned": 2}
    assert all([await here.active(target) for target in ids])
    await here.store.lift_hold("push", AuditEntry("P-bernd", AuditAction.CHANNEL_RESUMED, "push"))
    here.push.answer = lambda _message, _target: Accepted()
    await here.deliver()
    assert await here.states("push", 1) == {"accepted": 4}


async def test_a_lapsed_claim_waits_for_the_hold_too(here: Town) -> None:
    """While a channel is on hold, nothing is claimed again either, not even what a vanished sender left."""
    for name in "abcd":
        await here.subscribe(name)
    await here.warn()
    await here.plan()
    await here.taken()
    await here.commit(await here.taken(), BARRED)
    here.clock.forward(minutes=10)
    assert await here.claim() is None


async def test_the_deadline_ends_what_is_held(here: Town) -> None:
    """At its deadline everything still waiting on a held channel is expired, and the sums stand."""
    for name in "abc":
        await here.subscribe(name)
    here.push.answer = lambda _message, _target: BARRED
    await here.warn()
    await here.deliver()
    here.clock.forward(hours=6, seconds=1)
    await here.deliver()
    assert await here.states("push", 1) == {"expired": 3}


async def test_a_channel_that_left_the_table_still_ends(here: Town) -> None:
    """Targets of a channel nobody serves any more are expired at the deadline, not open for ever."""
    await here.account()
    await here.warn()
    await here.plan()
    here.clock.forward(hours=7)
    del_post = {"push": here.push}
    dispatcher = here.dispatcher()
    dispatcher._channels = del_post
    await here.plan()
    assert (await here.line("post", 1)).finished


async def test_a_stale_epoch_writes_nothing(here: Town) -> None:
    """A commit under a lapsed lease is refused and changes no state, no ref, no subscription."""
    target = await here.subscribe("a")
    await here.warn()
    await here.plan()
    stale = await here.taken()
    here.clock.forward(seconds=121)
    fresh = await here.taken()
    assert fresh.epoch > stale.epoch
    before = await here.ledger()
    assert not await here.commit(stale, GONE)
    assert await here.ledger() == before
    assert await here.active(target)
    assert await here.commit(fresh)
    assert not await here.commit(fresh), "nor twice"
    assert await here.states("push", 1) == {"accepted": 1}


async def test_a_newer_revision_waits_for_an_older_batch_in_flight(here: Town) -> None:
    """While an older revision is being sent on a channel, nothing newer of its incident starts there."""
    for name in "abcd":
        await here.subscribe(name)
    incident = await here.warn()
    await here.plan()
    old = await here.taken()
    await here.follow(incident, DraftKind.UPDATE)
    await here.plan()
    assert await here.claim() is None
    await here.commit(old)
    assert (await here.taken()).message.revision == 2
    assert await here.states("push", 1) == {"accepted": 2, "superseded": 2}


async def test_another_incident_does_not_wait(here: Town) -> None:
    """Only the same incident waits: a graver warning elsewhere goes out at once."""
    await here.subscribe("a")
    await here.warn()
    await here.plan()
    await here.taken()
    other = await here.warn(level=Level.EXTREME)
    await here.plan()
    assert (await here.taken()).message.incident == other


async def test_a_vanished_sender_of_an_old_revision_frees_the_newer(here: Town) -> None:
    """When the older sender's lease ends, its targets are superseded, its commit is refused, the newer goes."""
    await here.subscribe("a")
    incident = await here.warn()
    await here.plan()
    old = await here.taken()
    await here.follow(incident, DraftKind.UPDATE)
    here.clock.forward(seconds=121)
    await here.plan()
    assert await here.states("push", 1) == {"superseded": 1}
    assert not await here.commit(old)
    assert (await here.taken()).message.revision == 2


async def test_superseded_batches_are_closed(here: Town) -> None:
    """Planned and retrying targets of an older revision are superseded when a newer one is issued."""
    for name in "abc":
        await here.subscribe(name)
    incident = await here.warn()
    await here.plan()
    await here.commit(await here.taken(), BUSY)
    await here.follow(incident, DraftKind.UPDATE)
    assert await here.states("push", 1) == {"superseded": 3}


async def test_a_false_alarm_withdraws_what_is_open(here: Town) -> None:
    """After a Fehlalarm, open targets and those whose try then fails are withdrawn, not superseded."""
    for name in "abcd":
        await here.subscribe(name)
    incident = await here.warn()
    await here.plan()
    flying = await here.taken()
    await here.follow(incident, DraftKind.RETRACTION)
    assert await here.states("push", 1) == {"planned": 2, "withdrawn": 2}
    await here.commit(flying, Accepted(), BUSY)
    assert await here.states("push", 1) == {"accepted": 1, "withdrawn": 3}


async def test_a_vanished_sender_after_a_false_alarm_is_withdrawn(here: Town) -> None:
    """What nobody committed before a Fehlalarm is withdrawn when its lease ends or the program restarts."""
    for name in "abcd":
        await here.subscribe(name)
    incident = await here.warn()
    await here.plan()
    await here.taken()
    await here.follow(incident, DraftKind.RETRACTION)
    here.clock.forward(seconds=121)
    await here.plan()
    assert await here.states("push", 1) == {"withdrawn": 4}


async def test_an_update_reaches_everyone_planned_before_and_the_new_area(here: Town) -> None:
    """When the area moves, the update goes to the new area and to everyone the older revision was planned for."""
    old, new = await here.subscribe("a"), await here.subscribe("b", IN_EISERFELD)
    elsewhere = await here.subscribe("c", "881fa1b20dfffff")
    incident = await here.warn()
    await here.deliver()
    await here.follow(incident, DraftKind.UPDATE, areas=(EISERFELD,))
    await here.deliver()
    await here.follow(incident, DraftKind.ALL_CLEAR)
    await here.deliver()
    assert here.push.revisions(old) == [1, 2, 3]
    assert here.push.revisions(new) == [2, 3]
    assert here.push.revisions(elsewhere) == []


async def test_whoever_was_only_planned_hears_the_update(here: Town) -> None:
    """A target whose first send never started still hears the moved update and the ending."""
    target = await here.subscribe("a")
    incident = await here.warn()
    await here.plan()
    await here.follow(incident, DraftKind.UPDATE, areas=(EISERFELD,))
    await here.follow(incident, DraftKind.ALL_CLEAR)
    await here.deliver()
    assert here.push.kinds(target) == ["all_clear"]


async def test_a_retraction_goes_only_to_those_who_were_planned(here: Town) -> None:
    """A Fehlalarm startles nobody who never heard the alarm."""
    warned, incident = await here.subscribe("a"), await here.warn(areas=(replace(EISERFELD, desc="x"),))
    assert warned
    there = await here.subscribe("b", IN_EISERFELD)
    await here.deliver()
    await here.follow(incident, DraftKind.RETRACTION, areas=(EISERFELD,))
    await here.deliver()
    assert here.push.kinds(warned) == []
    assert here.push.kinds(there) == ["alert", "retraction"]


async def test_the_expiry_is_planned_at_release_and_fires_at_its_time(here: Town) -> None:
    """One expiry per channel waits from the release on, starts at ``expires`` and not before."""
    target = await here.subscribe("a")
    await here.warn()
    await here.deliver()
    assert (await here.line("push", 1, "expiry")).state == "waiting"
    here.clock.forward(hours=5, minutes=59)
    await here.deliver()
    assert here.push.kinds(target) == ["alert"]
    here.clock.forward(minutes=1)
    await here.deliver()
    assert here.push.kinds(target) == ["alert", "expiry"]
    words = here.push.sent[-1].message.text
    assert words.instruction == "Die Gültigkeit ist abgelaufen. Das ist keine Entwarnung."


async def test_a_newer_revision_voids_the_expiry(here: Town) -> None:
    """An Entwarnung before the end means no expiry notice; an update brings its own."""
    target = await here.subscribe("a")
    incident = await here.warn()
    await here.deliver()
    later = here.clock.now() + timedelta(hours=9)
    await here.follow(incident, DraftKind.UPDATE, expires=later)
    assert (await here.line("push", 1, "expiry")).state == "voided"
    here.clock.forward(hours=7)
    await here.deliver()
    assert here.push.kinds(target) == ["alert", "update"]
    await here.follow(incident, DraftKind.ALL_CLEAR)
    here.clock.forward(days=2)
    await here.plan()
    assert (await here.line("push", 2, "expiry")).state == "voided"


async def test_expiry_skips_whoever_was_never_attempted(here: Town) -> None:
    """Only targets a send was started for hear that the warning ran out."""
    tried, _, never = [await here.subscribe(name) for name in "abc"]
    await here.warn()
    await here.plan()
    await here.commit(await here.taken(), BUSY)
    here.clock.forward(hours=6)
    await here.deliver()
    assert here.push.kinds(tried) == ["expiry"]
    assert here.push.kinds(never) == []
    assert await here.states("push", 1) == {"expired": 3}


async def test_a_claim_after_the_deadline_is_no_attempt(here: Town) -> None:
    """A batch nobody sent before its deadline ends as expired and gets no expiry notice, whoever looks first."""
    target = await here.subscribe("a")
    await here.warn()
    await here.plan()
    here.clock.forward(hours=6)
    late = await here.claim()
    if late is not None:
        await here.commit(late, Failed(FailureKind.TIMEOUT, "Frist abgelaufen"))
    await here.deliver()
    assert here.push.kinds(target) == []
    assert await here.states("push", 1) == {"expired": 1}


async def test_a_warning_that_ran_out_before_it_was_planned_reaches_nobody(here: Town) -> None:
    """After an outage longer than the warning, neither the warning nor its expiry notice is sent."""
    target = await here.subscribe("a")
    await here.warn()
    here.clock.forward(hours=7)
    await here.deliver()
    assert here.push.kinds(target) == []
    assert {(line.finished, line.balanced) for line in await here.ledger()} == {(True, True)}


async def test_a_late_subscriber_gets_what_is_in_force_once_and_its_ending(here: Town) -> None:
    """Who subscribes after the release is sent the newest revision once, also after saving twice, and the ending."""
    incident = await here.warn()
    await here.follow(incident, DraftKind.UPDATE)
    await here.deliver()
    target = await here.subscribe("late")
    assert await here.subscribe("late", language="en") == target
    await here.deliver()
    assert here.push.revisions(target) == [2]
    await here.follow(incident, DraftKind.ALL_CLEAR)
    await here.deliver()
    assert here.push.kinds(target) == ["update", "all_clear"]
    after = await here.subscribe("after the end")
    await here.deliver()
    assert here.push.kinds(after) == []


async def test_who_subscribes_between_issue_and_plan_gets_it_once(here: Town) -> None:
    """Neither the planner nor the enrolment forgets or doubles a newcomer of that moment."""
    early = await here.subscribe("early")
    await here.warn()
    late = await here.subscribe("late")
    await here.subscribe("early", language="en")
    await here.deliver()
    assert here.push.revisions(early) == [1]
    assert here.push.revisions(late) == [1]
    assert await here.states("push", 1) == {"accepted": 2}


async def test_who_comes_back_gets_what_is_in_force(here: Town) -> None:
    """A target that was gone and subscribes again is sent the warning in force, once."""
    target = await here.subscribe("a")
    here.push.answer = lambda _message, _target: GONE
    await here.warn()
    await here.deliver()
    here.push.answer = lambda _message, _target: Accepted()
    assert await here.subscribe("a") == target
    assert await here.subscribe("a") == target
    await here.deliver()
    assert here.push.revisions(target) == [1, 1]
    assert await here.states("push", 1) == {"gone": 1, "accepted": 1}


async def test_who_comes_back_before_the_send_is_sent_once(here: Town) -> None:
    """Gone for one warning and back before another's batch is sent: no second copy of the other."""
    target = await here.subscribe("a")
    await here.warn(level=Level.EXTREME)
    other = await here.warn()
    await here.plan()
    first = await here.taken()
    await here.commit(first, GONE)
    await here.subscribe("a")
    await here.deliver()
    got = [sent.message.incident for sent in here.push.sent if sent.target.id == target]
    assert got.count(other) == 1


async def test_who_moves_into_the_area_gets_it_and_who_moves_out_keeps_hearing(here: Town) -> None:
    """Changing places while a warning is in force plans the newcomer; leaving does not lose the ending."""
    leaves, comes = await here.subscribe("leaves"), await here.subscribe("comes", IN_EISERFELD)
    incident = await here.warn()
    await here.deliver()
    await here.subscribe("comes", IN_WEIDENAU)
    await here.subscribe("leaves", IN_EISERFELD)
    await here.deliver()
    await here.follow(incident, DraftKind.ALL_CLEAR)
    await here.deliver()
    assert here.push.revisions(comes) == [1, 2]
    assert here.push.revisions(leaves) == [1, 2]


async def test_an_exercise_goes_only_to_those_who_joined(here: Town) -> None:
    """An Übung reaches joined targets only, early or late, also on public accounts and after a move."""
    public = await here.account()
    apart, joined = await here.subscribe("apart"), await here.subscribe("joined", joined=True)
    incident = await here.warn(occasion=Occasion.UEBUNG)
    late = await here.subscribe("late")
    late_joined = await here.subscribe("late joined", joined=True)
    await here.deliver()
    await here.follow(incident, DraftKind.ALL_CLEAR)
    await here.deliver()
    assert here.push.revisions(joined) == here.push.revisions(late_joined) == [1, 2]
    assert here.push.revisions(apart) == here.push.revisions(late) == []
    assert here.post.revisions(public) == []


async def test_a_probewarnung_goes_to_everyone(here: Town) -> None:
    """An announced test is the one case in which something other than Actual reaches the public."""
    apart = await here.subscribe("apart")
    await here.warn(occasion=Occasion.PROBEWARNUNG)
    await here.deliver()
    assert here.push.sent[0].message.text.notice.startswith("PROBEWARNUNG")
    assert here.push.revisions(apart) == [1]


async def test_a_target_removed_midway_keeps_the_sums(here: Town) -> None:
    """Whoever deletes the subscription while it is planned or in flight counts as gone and is sent nothing more."""
    ids = [await here.subscribe(name) for name in "abcd"]
    await here.warn()
    await here.plan()
    claim = await here.taken()
    await here.targets.remove(ids[0])
    await here.targets.remove(ids[3])
    await here.commit(claim)
    await here.deliver()
    assert here.push.revisions(ids[3]) == []
    assert await here.states("push", 1) == {"accepted": 3, "gone": 1}


async def test_what_a_channel_shows_is_kept_and_handed_on(here: Town) -> None:
    """The ref of the first post comes with the target when the update is sent; the newest ref replaces it."""
    await here.account()
    here.post.answer = lambda message, _target: Accepted(f"post-{message.revision}")
    incident = await here.warn()
    await here.deliver()
    await here.follow(incident, DraftKind.UPDATE)
    await here.deliver()
    await here.follow(incident, DraftKind.ALL_CLEAR)
    await here.deliver()
    assert [sent.target.shown_ref for sent in here.post.sent] == [None, "post-1", "post-2"]
    await here.warn()
    await here.deliver()
    assert here.post.sent[-1].target.shown_ref is None, "another incident shows nothing yet"


async def test_a_crash_repeats_only_what_was_in_flight(tmp_path: Path) -> None:
    """After a kill between claim and commit, a second process over the same file sends that batch again only."""
    async with town(tmp_path) as before:
        ids = [await before.subscribe(str(number)) for number in range(6)]
        await before.warn()
        await before.plan()
        done = await before.taken()
        await before.commit(done)
        lost = await before.taken()
        url, clock = before.database.url, before.clock
        async with town_over(url, clock=clock) as after:
            assert await after.batches.reclaim() == 1
            await after.deliver()
            assert await after.states("push", 1) == {"accepted": 6}
            repeated = {sent.target.id for sent in after.push.sent}
            assert repeated == set(ids) - {target.id for target in done.targets}
            assert {target.id for target in lost.targets} <= repeated
        assert not await before.commit(lost), "the dead process's commit comes too late"


async def test_a_crash_while_planning_resumes(here: Town) -> None:
    """Planning goes on where it stopped: everybody is planned once, whatever the steps."""
    ids = [await here.subscribe(str(number)) for number in range(7)]
    await here.warn()
    for _ in range(3):
        assert await here.batches.plan_step(here.clock.now(), here.limits, most=2)
        assert await here.balanced()
    await here.deliver()
    assert sorted(sent.target.id for sent in here.push.sent) == ids


async def test_reclaim_closes_what_was_superseded(here: Town) -> None:
    """At a restart a claimed batch of an older revision is ended, not sent."""
    target = await here.subscribe("a")
    incident = await here.warn()
    await here.plan()
    await here.taken()
    await here.follow(incident, DraftKind.UPDATE)
    await here.batches.reclaim()
    assert await here.states("push", 1) == {"superseded": 1}
    await here.deliver()
    assert here.push.revisions(target) == [2]


async def test_counts_name_states_failures_and_times(here: Town) -> None:
    """The console's figures: planned, states, kinds of failure, confirmations, first and last in ms."""
    first, second = await here.subscribe("a"), await here.subscribe("b")
    incident = await here.warn()
    await here.plan()
    here.clock.forward(seconds=2)
    await here.commit(await here.taken(), Accepted(), GONE)
    shown = DisplayReport(first, incident, 1, here.clock.now())
    odd = [replace(shown, target_id=second + 1), replace(shown, revision=99), replace(shown, incident=uuid4())]
    assert await here.confirmations.confirm("push", [*odd, shown]) == {shown}
    assert await here.confirmations.confirm("push", [shown, *odd]) == {shown}
    assert await here.confirmations.confirm("post", [shown]) == await here.confirmations.confirm("push", []) == set()
    (count,) = [count for count in await here.batches.counts(incident) if count.channel == "push"]
    assert (count.planned, count.confirmed, count.planning_done) == (2, 1, True)
    assert dict(count.states) == {State.ACCEPTED: 1, State.GONE: 1}
    assert dict(count.failures) == {"gone": 1}
    assert (count.first_ms, count.last_ms) == (2000.0, 2000.0)


@pytest.mark.parametrize(
    "result",
    [
        BatchResult({State.ACCEPTED: 1}),
        BatchResult({State.ACCEPTED: 3}),
        BatchResult({State.ACCEPTED: 1, State.RETRYING: 1}),
        BatchResult({State.ACCEPTED: 2}, retries=(RetryGroup(NOW, (1,)),)),
    ],
)
async def test_a_result_that_loses_or_invents_somebody_is_refused(here: Town, result: BatchResult) -> None:
    """Nothing of it is written: the sums hold, and the batch is still the sender's."""
    await here.subscribe("a")
    await here.subscribe("b")
    await here.warn()
    await here.plan()
    claim = await here.taken()
    with pytest.raises(ValueError, match="2 targets cannot become"):
        await here.batches.commit(claim, result, now=here.clock.now())
    assert await here.states("push", 1) == {"planned": 2}
    assert await here.commit(claim, Accepted(), Accepted())
    assert await here.states("push", 1) == {"accepted": 2}


async def test_an_illegal_transition_is_refused(here: Town) -> None:
    """Open states are no outcomes, and nobody becomes accepted without being sent to."""
    await here.subscribe("a")
    await here.warn()
    await here.plan()
    async with here.database.write() as connection:
        with pytest.raises(ValueError, match="retrying is not a terminal state"):
            await add_tallies(connection, 1, {(State.RETRYING, ""): 1})
        with pytest.raises(ValueError, match="without being sent to"):
            await close_open_batches(connection, 1, State.ACCEPTED)
    assert await here.states("push", 1) == {"planned": 1}
