"""The worker loop over a real ledger: no channel can stop another, lose a target or take every lane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from realis.dispatch.dispatcher import IDLE_S, Lease, judge
from realis.model.alert import Level
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome, State
from realis.model.draft import DraftKind
from realis.policy.circuit_breaker import LONGEST_PAUSE_S
from realis.ports.channel import Message, Target
from realis.storage.schema import addresses
from tests.support.core_world import Town, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    """An empty town."""
    async with town(tmp_path) as made:
        yield made


async def test_a_channel_that_raises_loses_nobody(here: Town) -> None:
    """A bug in one channel leaves its targets to be tried again, and the other channel delivers."""
    await here.subscribe("a")
    await here.account()

    def crash(_message: Message, _targets: Sequence[Target]) -> None:
        raise ZeroDivisionError

    here.push.before = crash
    await here.warn()
    with capture_logs() as logs:
        await here.deliver()
    assert await here.states("push", 1) == {"retrying": 1}
    assert await here.states("post", 1) == {"accepted": 1}
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["channel_crashed"]
    here.push.before = None
    here.clock.forward(minutes=1)
    await here.deliver()
    assert await here.states("push", 1) == {"accepted": 1}


@pytest.mark.parametrize(("level", "state"), [(Level.DANGER, "retrying"), (Level.INFORMATION, "unknown")])
async def test_a_channel_that_hangs_is_cut_off(here: Town, level: Level, state: str) -> None:
    """A send that takes too long is repeated at levels 1 and 2 and unknown at level 3."""
    await here.subscribe("a")
    here.push.hanging = frozenset({"https://push.example"})
    await here.warn(level=level)
    with capture_logs() as logs:
        await here.deliver(Lease(length_s=120, send_s=0.05))
    assert await here.states("push", 1) == {state: 1}
    assert "channel_too_slow" in [entry["event"] for entry in logs]


@pytest.mark.parametrize("lose", [1, 2])
async def test_a_channel_that_answers_too_little_stops_nothing(here: Town, lose: int) -> None:
    """Fewer outcomes than targets is a channel's bug: nobody is lost, the rest goes on."""
    await here.subscribe("a")
    await here.subscribe("b")
    await here.account()
    here.push.lose = lose
    await here.warn()
    with capture_logs():
        await here.deliver()
    assert await here.states("push", 1) == {"retrying": 2}
    assert await here.states("post", 1) == {"accepted": 1}


async def test_one_hanging_origin_does_not_take_every_lane(here: Town) -> None:
    """Many batches for a push service that hangs leave a lane for the others."""
    for number in range(12):
        await here.subscribe(f"slow-{number}", origin="https://slow.example")
    quick = [await here.subscribe(f"quick-{number}", origin="https://quick.example") for number in range(6)]
    here.push.hanging = frozenset({"https://slow.example"})
    await here.warn()
    async with here.working():
        await here.until(lambda: {sent.target.id for sent in here.push.sent} >= set(quick))
        assert here.push.in_flight < here.push.capabilities.concurrency
        here.push.let_go.set()
        await here.until_idle()
    assert await here.states("push", 1) == {"accepted": 18}


async def test_a_service_that_fails_is_left_alone_then_tried_with_one_batch(here: Town) -> None:
    """The others are not held up; when it works again, everyone hears."""
    for number in range(12):
        await here.subscribe(f"down-{number}", origin="https://down.example")
    well = [await here.subscribe(f"well-{number}", origin="https://well.example") for number in range(6)]

    def answer(_message: Message, target: Target) -> Outcome:
        down = target.origin == "https://down.example" and not mended
        return Failed(FailureKind.UNAVAILABLE, "gestört") if down else Accepted()

    mended, here.push.answer = False, answer
    await here.warn()
    with capture_logs() as logs:
        async with here.working():
            await here.until(lambda: "origin_paused" in [entry["event"] for entry in logs])
            await here.until(lambda: {sent.target.id for sent in here.push.sent} >= set(well))
            tried = len(here.push.sent)
            here.clock.forward(seconds=LONGEST_PAUSE_S)
            await here.until(lambda: len(here.push.sent) > tried)
            mended = True
            here.clock.forward(minutes=10)
            await here.until_idle()
    assert await here.states("push", 1) == {"accepted": 18}


async def test_an_account_keeps_its_pace(here: Town) -> None:
    """The next message of an account waits as long as its service wants, and holds nothing meanwhile."""
    here.post.capabilities = replace(here.post.capabilities, min_interval_s=30.0)
    await here.account()
    await here.warn()
    await here.warn()
    async with here.working():
        await here.until(lambda: here.post.sent)
        await asyncio.sleep(2 * IDLE_S)
        assert len(here.post.sent) == 1
        assert await here.balanced()
        here.clock.forward(seconds=30)
        await here.until(lambda: len(here.post.sent) == 2)


async def test_the_graver_warning_goes_first(here: Town) -> None:
    """With several warnings waiting, level 1 is sent before level 3, a Fehlalarm before both."""
    await here.account()
    false_alarm = await here.warn()
    await here.deliver()
    here.post.sent.clear()
    for level in (Level.INFORMATION, Level.EXTREME):
        await here.warn(level=level)
    await here.follow(false_alarm, DraftKind.RETRACTION)
    await here.deliver()
    got = [(sent.message.kind.value, sent.message.level) for sent in here.post.sent]
    assert got == [("retraction", 2), ("alert", 1), ("alert", 3)]


async def test_never_older_after_newer(here: Town) -> None:
    """While an old revision hangs in flight, the newer one waits; nobody gets the older one after it."""
    ids = [await here.subscribe(str(number)) for number in range(6)]
    here.push.hanging = frozenset({"https://push.example"})
    incident = await here.warn()
    async with here.working():
        await here.until(lambda: here.push.in_flight)
        await here.follow(incident, DraftKind.UPDATE)
        await asyncio.sleep(0.05)
        assert not [sent for sent in here.push.sent if sent.message.revision == 2]
        here.push.let_go.set()
        await here.until_idle()
    for target in ids:
        assert here.push.revisions(target)[-1] == 2
        assert here.push.revisions(target) == sorted(here.push.revisions(target))


async def test_stopping_finishes_what_is_in_flight(here: Town) -> None:
    """A stop claims nothing more and commits what was being sent."""
    for number in range(8):
        await here.subscribe(str(number))
    here.push.hanging = frozenset({"https://push.example"})
    await here.warn()
    async with here.working() as dispatcher:
        await here.until(lambda: here.push.in_flight)
        dispatcher.stop()
        here.push.let_go.set()
    line = await here.line("push", 1)
    assert line.balanced
    assert line.states[State.ACCEPTED] == len(here.push.sent) < 8


async def test_sending_begins_while_planning_goes_on(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batches leave before the last target is planned."""
    monkeypatch.setattr("realis.dispatch.planner.STEP", 2)
    for number in range(40):
        await here.subscribe(str(number))
    planning: list[bool] = []

    def look(_message: Message, _targets: Sequence[Target]) -> None:
        planning.append(unplanned())

    planned = 0
    step = here.batches.plan_step

    async def counted(*args: object, **named: object) -> frozenset[str] | None:
        nonlocal planned
        planned += 1
        return await step(*args, **named)  # type: ignore[arg-type]

    def unplanned() -> bool:
        return planned < 20

    monkeypatch.setattr(here.batches, "plan_step", counted)
    here.push.before = look
    await here.warn()
    async with here.working():
        await here.until(lambda: len(here.push.sent) == 40)
    assert planning[0]


async def test_an_address_nobody_can_read_stops_nothing(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged address costs its own target only, and does not end its subscription."""
    broken, whole = await here.subscribe("a"), await here.subscribe("b")
    async with here.database.write() as connection:
        damaged = addresses.update().where(addresses.c.target_id == broken).values(sealed=b"\x00\xff")
        await connection.execute(damaged)
    await here.warn()
    with capture_logs():
        await here.deliver()
    assert here.push.revisions(whole) == [1]
    assert await here.active(broken)
    assert await here.states("push", 1) == {"accepted": 1, "rejected": 1}


async def test_judge_places_every_target(here: Town) -> None:
    """Each target of a batch is in exactly one state or one retry, and only ``gone`` ends a subscription."""
    for number in range(2):
        await here.subscribe(str(number))
    await here.warn()
    await here.plan()
    claim = await here.taken()
    now = here.clock.now()
    result = judge(claim, [Failed(FailureKind.GONE), Failed(FailureKind.AUTH, "401")], now, 0.5)
    assert (result.states, result.gone, result.hold) == ({State.GONE: 1}, (claim.targets[0].id,), "401")
    assert [(group.targets, group.held) for group in result.retries] == [((claim.targets[1].id,), True)]
    assert judge(claim, [Accepted("x"), Accepted()], now, 0.5).refs == {claim.targets[0].id: "x"}
    with pytest.raises(ValueError, match="zip"):
        judge(claim, [Accepted()], now, 0.5)
