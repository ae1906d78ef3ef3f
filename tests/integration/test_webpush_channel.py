"""The web push channel against a push service on loopback: what arrives, and what each answer becomes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from channels.webpush.channel import WebPush
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly, PublicOnly
from realis.model.delivery import FAILING_AFTER, Accepted, Failed, FailureKind, Outcome
from realis.model.errors import SigningFailed
from realis.ports.channel import Channel, Target
from tests.fakes.push_service import PeerVapid, PushService, phone
from tests.support.pace import at_pace
from tests.unit.channels.webpush.samples import ALL_CLEAR, MESSAGE, TEXT, StandingClock


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    """A push service."""
    async with PushService() as running:
        yield running


@pytest.fixture
async def channel() -> AsyncIterator[WebPush]:
    """The channel, which takes loopback for one of the big services."""
    vapid, egress = PeerVapid(), Egress(LoopbackOnly())
    opened = WebPush(egress, vapid, StandingClock(), known=lambda host: True, timeout_s=0.6)
    yield opened
    await opened.close()


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    """Each outcome in one word."""
    return [outcome.kind.value if isinstance(outcome, Failed) else "accepted" for outcome in outcomes]


async def test_every_phone_reads_its_own_warning(service: PushService, channel: WebPush) -> None:
    """200 phones, distinct keys: each request has the headers of RFC 8030 and decrypts to the payload."""
    as_port: Channel = channel
    phones = {f"/push/{number}": service.phone(str(number)) for number in range(200)}
    targets = [phone.target(number) for number, phone in enumerate(phones.values())]
    outcomes = await as_port.send(MESSAGE, targets)
    assert outcomes == [Accepted()] * 200
    assert len(service.arrivals) == 200
    for arrival in service.arrivals:
        data = json.loads(phones[arrival.path].read(arrival.body))
        assert data["notification"]["tag"] == str(MESSAGE.incident)
    headers = service.arrivals[0].headers
    assert {name: headers[name] for name in ("TTL", "Urgency", "Content-Encoding", "Content-Type")} == {
        "TTL": "21600",
        "Urgency": "high",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }
    assert headers["Authorization"].startswith("vapid t=")
    assert len({arrival.headers["Authorization"] for arrival in service.arrivals}) == 1


async def test_an_ending_replaces_the_warning_it_ends(service: PushService, channel: WebPush) -> None:
    """Same topic, so that the service drops an undelivered warning; lifetime until the ending's deadline."""
    targets = [service.phone("a").target(1)]
    await channel.send(MESSAGE, targets)
    await channel.send(ALL_CLEAR, targets)
    first, second = service.arrivals
    assert first.headers["Topic"] == second.headers["Topic"]
    assert second.headers["TTL"] == "3600"


async def test_outcomes_keep_the_order_of_the_targets(service: PushService, channel: WebPush) -> None:
    """Each target gets its own outcome, whatever finishes first."""
    wanted = [
        (201, "accepted"),
        (404, "gone"),
        (410, "gone"),
        (413, "too_large"),
        (400, "rejected"),
        (500, "unavailable"),
    ]
    wanted = wanted * 10
    service.by_path = {f"/push/{number}": status for number, (status, _) in enumerate(wanted)}
    targets = [service.phone(str(number)).target(number) for number in range(len(wanted))]
    assert kinds(await channel.send(MESSAGE, targets)) == [kind for _, kind in wanted]


@pytest.mark.parametrize(
    ("status", "extra", "expected"),
    [
        (429, {"Retry-After": "30"}, Failed(FailureKind.RATE_LIMITED, "Push-Dienst bittet um Pause (429)", 30.0)),
        (
            503,
            {"Retry-After": "Sun, 22 Nov 2026 10:01:00 GMT"},
            Failed(FailureKind.UNAVAILABLE, "Push-Dienst ist gestört (503)", 60.0),
        ),
    ],
)
async def test_a_service_that_refuses_all_is_spared_the_rest(
    service: PushService, channel: WebPush, status: int, extra: dict[str, str], expected: Failed
) -> None:
    """Its wish is passed on, and most of a batch is never sent."""
    service.status, service.extra = status, extra
    outcomes = await channel.send(MESSAGE, [service.phone(str(number)).target(number) for number in range(300)])
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert len(failed) == 300
    assert failed[0].detail == expected.detail
    assert {outcome.kind for outcome in failed} == {expected.kind}
    for outcome in failed:
        assert outcome.retry_after_s == pytest.approx(expected.retry_after_s, abs=2)
    assert len(service.arrivals) <= 64 + FAILING_AFTER


@pytest.mark.parametrize("status", [401, 403])
async def test_a_service_that_knows_no_key_of_ours_holds_the_channel(
    service: PushService, channel: WebPush, status: int
) -> None:
    """Nobody in the batch was taken: that is our key, and the operator must hear of it."""
    service.status = status
    outcomes = await channel.send(MESSAGE, [service.phone(str(number)).target(number) for number in range(100)])
    assert set(kinds(outcomes)) == {"auth"}


async def test_a_crowd_of_foreign_keys_keeps_nobody_else_from_being_warned(
    service: PushService, channel: WebPush
) -> None:
    """Hundreds of false subscriptions in front are rejected; everybody behind them is tried and reached."""
    service.by_path = {f"/push/{number}": 403 for number in range(200)}
    outcomes = await channel.send(MESSAGE, [service.phone(str(number)).target(number) for number in range(300)])
    assert kinds(outcomes) == ["rejected"] * 200 + ["accepted"] * 100


async def test_one_phone_with_a_foreign_key_does_not_silence_the_city(service: PushService, channel: WebPush) -> None:
    """A 403 for one among accepted ones is that phone's; the channel is not put on hold."""
    service.by_path = {"/push/0": 403}
    outcomes = await channel.send(MESSAGE, [service.phone(str(number)).target(number) for number in range(20)])
    assert kinds(outcomes) == ["rejected"] + ["accepted"] * 19


async def test_a_strangers_denial_is_its_own(service: PushService) -> None:
    """A self-hosted server that answers 403 to all cannot put the channel on hold."""
    service.status = 403
    channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock())
    assert kinds(await channel.send(MESSAGE, [service.phone("a").target(1)])) == ["rejected"]
    await channel.close()


async def test_a_service_that_hangs_costs_one_timeout(service: PushService, channel: WebPush) -> None:
    """Requests in flight are unknown, the rest was never sent; the whole batch takes no longer than one of them."""
    service.mode = "hang"
    started = time.monotonic()
    outcomes = await channel.send(MESSAGE, [service.phone(str(number)).target(number) for number in range(300)])
    assert time.monotonic() - started < at_pace(3)
    counted = kinds(outcomes)
    assert counted.count("unknown") == len(service.arrivals)
    assert counted.count("timeout") == 300 - len(service.arrivals)


async def test_a_cut_connection_is_unknown_and_sent_once(service: PushService, channel: WebPush) -> None:
    """The service may have taken it; the channel does not decide to repeat it."""
    service.mode = "cut"
    assert kinds(await channel.send(MESSAGE, [service.phone("a").target(1)])) == ["unknown"]
    assert len(service.arrivals) == 1


async def test_a_service_that_is_down_was_not_sent_to(channel: WebPush) -> None:
    """Nobody listens: unavailable, to be tried again."""
    async with PushService() as gone:
        target = gone.phone("a").target(1)
    assert kinds(await channel.send(MESSAGE, [target])) == ["unavailable"]


async def test_a_redirect_is_not_followed(service: PushService, channel: WebPush) -> None:
    """Neither the message nor our identity goes where a service points."""
    async with PushService() as inside:
        service.status, service.extra = 308, {"Location": inside.origin + "/admin"}
        assert kinds(await channel.send(MESSAGE, [service.phone("a").target(1)])) == ["rejected"]
        assert inside.arrivals == []


async def test_addresses_that_point_inside_reach_nothing(service: PushService) -> None:
    """Stored endpoints that slipped in are refused once more when sending; the inside hears nothing."""
    channel = WebPush(Egress(PublicOnly()), PeerVapid(), StandingClock())
    inside = [
        service.origin + "/x",
        f"https://127.0.0.1:{service.port}/x",
        f"https://[::ffff:127.0.0.1]:{service.port}/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://2130706433/x",
        "https://push.example.org/" + "x" * 5000,
    ]
    targets = [phone(url).target(number) for number, url in enumerate(inside)]
    with capture_logs() as logs:
        outcomes = await channel.send(MESSAGE, targets)
    await channel.close()
    assert kinds(outcomes) == ["rejected"] * len(inside)
    assert service.arrivals == []
    assert "127.0.0.1" not in str(logs) + str(outcomes)


async def test_damaged_addresses_cost_only_themselves(service: PushService, channel: WebPush) -> None:
    """One unreadable row does not keep the others from being warned."""
    targets = [Target(1, "{}", "de"), service.phone("a").target(2), Target(3, "", "de")]
    assert kinds(await channel.send(MESSAGE, targets)) == ["rejected", "accepted", "rejected"]


async def test_nothing_is_sent_after_the_deadline(service: PushService) -> None:
    """A batch that waited too long sends nothing."""
    channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(MESSAGE.deadline))
    assert kinds(await channel.send(MESSAGE, [service.phone("a").target(1)])) == ["timeout"]
    await channel.close()
    assert service.arrivals == []


async def test_a_text_beyond_the_limit_loses_what_happened_and_no_word_else(
    service: PushService, channel: WebPush
) -> None:
    """Better the headline and what to do than nothing at all."""
    message = replace(MESSAGE, text=replace(TEXT, description="ä" * 3000))
    reader = service.phone("a")
    assert kinds(await channel.send(message, [reader.target(1)])) == ["accepted"]
    body = json.loads(reader.read(service.arrivals[0].body))["notification"]["body"]
    assert "ä" * 9 not in body
    assert TEXT.instruction in body


async def test_a_headline_beyond_the_limit_is_too_large_and_not_cut(service: PushService, channel: WebPush) -> None:
    """The channel never rewrites words: it says that they do not fit."""
    message = replace(MESSAGE, text=replace(TEXT, headline="ä" * 3000))
    assert kinds(await channel.send(message, [service.phone("a").target(1)])) == ["too_large"]
    assert service.arrivals == []


LONG = replace(MESSAGE, text=replace(TEXT, description="Der Pegel steigt. " * 45, labels=("nicht geprüft",)))
"""A message in the second largest size, whose description alone makes it so."""


@pytest.mark.parametrize("known", [True, False])
async def test_a_service_with_a_smaller_limit_gets_less_of_it_once(service: PushService, *, known: bool) -> None:
    """413: title, what to do, end, source, remarks and link arrive in a smaller size; nobody hears it twice."""
    service.most = 1500
    channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(), known=lambda host: known)
    phones = [service.phone(str(number)) for number in range(20)]
    outcomes = await channel.send(LONG, [phone.target(number) for number, phone in enumerate(phones)])
    await channel.close()
    assert outcomes == [Accepted()] * 20
    taken = [arrival for arrival in service.arrivals if len(arrival.body) <= service.most]
    assert len(taken) == 20
    assert len(service.arrivals) == 40
    assert len({len(arrival.body) for arrival in taken}) == 1
    assert {arrival.path for arrival in taken} == {f"/push/{number}" for number in range(20)}
    reader = next(phone for phone in phones if phone.endpoint.endswith(taken[0].path))
    data = json.loads(reader.read(taken[0].body))
    assert data["notification"]["title"] == LONG.text.title
    assert data["notification"]["body"].split("\n") == [
        TEXT.instruction,
        f"{TEXT.until} · {TEXT.source}",
        "nicht geprüft",
    ]
    assert (data["notification"]["navigate"], data["realis"]["revision"]) == (LONG.url, 1)


@pytest.mark.parametrize("known", [True, False])
async def test_a_service_that_finds_everything_too_large_is_asked_twice(service: PushService, *, known: bool) -> None:
    """The second 413 is the outcome, which is final."""
    service.status = 413
    channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(), known=lambda host: known)
    assert kinds(await channel.send(LONG, [service.phone("a").target(1)])) == ["too_large"]
    await channel.close()
    assert len(service.arrivals) == 2
    assert len(service.arrivals[1].body) < len(service.arrivals[0].body)


async def test_only_whoever_was_refused_hears_it_again(service: PushService, channel: WebPush) -> None:
    """One phone behind a narrow bridge costs one more push, not a second for everybody."""
    service.by_path = {"/push/3": 413}
    outcomes = await channel.send(LONG, [service.phone(str(number)).target(number) for number in range(10)])
    assert kinds(outcomes) == ["accepted"] * 3 + ["too_large"] + ["accepted"] * 6
    assert sorted(arrival.path for arrival in service.arrivals) == sorted(
        [f"/push/{number}" for number in range(10)] + ["/push/3"]
    )


async def test_what_cannot_be_shorter_is_not_sent_again(service: PushService, channel: WebPush) -> None:
    """A message that is in the smallest size already has nothing to lose."""
    service.status = 413
    short = replace(MESSAGE, text=replace(TEXT, notice="", description="", instruction="Ins Haus!"), url="https://x")
    assert kinds(await channel.send(short, [service.phone("a").target(1)])) == ["too_large"]
    assert len(service.arrivals) == 1


class PassingClock(StandingClock):
    """A minute and a half later at every look."""

    def now(self) -> datetime:
        """The next instant."""
        self.at += timedelta(seconds=90)
        return self.at


async def test_too_late_for_the_shorter_one_is_tried_later(service: PushService) -> None:
    """A send that took long ends within its claim; who is left was not sent to and is due again."""
    service.status = 413
    channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), PassingClock(), known=lambda host: True)
    assert kinds(await channel.send(LONG, [service.phone("a").target(1)])) == ["timeout"]
    await channel.close()
    assert len(service.arrivals) == 1


async def test_one_stranger_leaves_room_for_the_others() -> None:
    """A server that hangs takes a quarter of the strangers' lane; another one's phones are reached beside it."""
    async with PushService(mode="hang") as hanging, PushService() as healthy:
        channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(), strangers_in_flight=8, timeout_s=2.0)
        stuck = asyncio.create_task(
            channel.send(MESSAGE, [hanging.phone(str(number)).target(number) for number in range(6)])
        )
        async with asyncio.timeout(20):
            while len(hanging.arrivals) < 2:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        targets = [healthy.phone(str(number)).target(number) for number in range(12)]
        assert await channel.send(MESSAGE, targets) == [Accepted()] * 12
        assert not stuck.done()
        assert len(hanging.arrivals) == 2
        await stuck
        await channel.close()


async def test_no_targets_are_no_work(channel: WebPush) -> None:
    """An empty batch has no outcomes."""
    assert await channel.send(MESSAGE, []) == []


async def test_details_hold_no_secret(service: PushService, channel: WebPush) -> None:
    """Whatever fails, the operator's line and the log hold neither path nor keys nor token."""
    secret = service.phone("sehr-geheim")
    with capture_logs() as logs:
        for service.status in (400, 403, 410, 429, 500):
            said = str(await channel.send(MESSAGE, [secret.target(1)])) + str(logs)
            assert "sehr-geheim" not in said
            assert str(service.port) not in said
            assert "vapid" not in said


async def test_the_subscription_check_uses_the_channels_policy(service: PushService, channel: WebPush) -> None:
    """Loopback here, the public rules in the city."""
    address, origin = channel.subscription(service.phone("a").subscription)
    assert origin == service.origin
    assert kinds(await channel.send(MESSAGE, [Target(1, address, "de", origin)])) == ["accepted"]


class BrokenVapid(PeerVapid):
    """An identity that cannot sign."""

    def authorization(self, origin: str, now: datetime) -> str:
        """Never."""
        raise SigningFailed("push-identity-not-signed")


async def test_an_identity_that_cannot_sign_is_an_outcome_not_an_error(service: PushService) -> None:
    """Nothing is sent, everything is to be tried again, and the log says why."""
    channel = WebPush(Egress(LoopbackOnly()), BrokenVapid(), StandingClock())
    with capture_logs() as logs:
        assert kinds(await channel.send(MESSAGE, [service.phone("a").target(1)])) == ["unavailable"]
    await channel.close()
    assert service.arrivals == []
    assert [entry["event"] for entry in logs] == ["webpush_identity_not_signed"]
