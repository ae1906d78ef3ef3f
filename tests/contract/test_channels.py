"""What every channel promises, checked through one table: ``channel_benches.BENCHES``."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from realis.app import channel_registry
from realis.app.channel_registry import TABLE
from realis.backplane.memory import MemoryEvents
from realis.egress.channel_spec import ChannelSpec
from realis.model.delivery import Accepted, Failed, FailureKind
from realis.ports.channel import MessageKind
from tests.contract.channel_benches import (
    ADDRESS,
    BENCHES,
    CITY,
    SECRET,
    C,
    NothingHappens,
    accounts,
    editing,
    made,
    over_network,
    repeatable,
    speaking,
)
from tests.fakes.channel_messages import ENDINGS, NOTICE, message, saying
from tests.fakes.clock import SettableClock
from tests.fakes.push_service import PeerVapid
from tests.fakes.scripted_http import ScriptedServer
from tests.support.installation import settings
from tests.support.ports import free_port

every = pytest.mark.parametrize("name", list(BENCHES))
of_an_account = pytest.mark.parametrize("name", accounts())
that_edits = pytest.mark.parametrize("name", editing())
over_http = pytest.mark.parametrize("name", over_network())
that_speaks = pytest.mark.parametrize("name", speaking())


async def test_every_channel_of_the_table_keeps_this_contract(tmp_path: Path) -> None:
    """A row that is added to the table needs a bench here, and makes the channel it describes."""
    table = channel_registry.build(
        settings(tmp_path),
        channel_registry.EgressPolicies.loopback(),
        city=CITY,
        situation=NothingHappens(),
        events=MemoryEvents(),
        vapid=PeerVapid(),
        clock=SettableClock(),
    )
    await table.close()
    assert list(table.channels) == [spec.name for spec in TABLE]
    assert set(BENCHES) == set(table.channels)
    for spec in TABLE:
        channel = table.channels[spec.name]
        assert (channel.name, channel.label, channel.capabilities) == (spec.name, spec.label, spec.capabilities)


@every
async def test_introduces_itself(name: str) -> None:
    """A channel has the name the table knows, a label, workable limits, and no problem when set up."""
    async with BENCHES[name]() as bench:
        channel = bench.channel
        assert (channel.name, channel.unavailable_reason) == (name, "")
        assert channel.label
        assert channel.capabilities.length > 0
        assert channel.capabilities.concurrency > 0
        assert channel.capabilities.batch > 0


@every
async def test_one_outcome_per_target_in_order(name: str) -> None:
    """Three targets get three outcomes; none gets none."""
    async with BENCHES[name]() as bench:
        outcomes = await bench.send(message(), None, None, None)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert len(outcomes) == 3
        assert list(await bench.channel.send(message(), [])) == []


@every
async def test_accepts_every_kind(name: str) -> None:
    """Warning, update and each of the three endings are taken one after the other."""
    async with BENCHES[name]() as bench:
        for ending in ENDINGS:
            ref = await bench.show(message())
            ref = await bench.show(message(MessageKind.UPDATE, revision=2), ref)
            await bench.show(message(ending, revision=3), ref)


@that_speaks
async def test_exercise_begins_with_its_notice(name: str) -> None:
    """Whatever a channel shows of an Übung says so before anything else."""
    async with BENCHES[name]() as bench:
        ref = await bench.show(message())
        await bench.show(message(MessageKind.UPDATE, revision=2), ref)
        await bench.show(message(MessageKind.ALL_CLEAR, revision=3), ref)
        assert bench.shown
        for text in bench.shown():
            assert text.lstrip("─\n").startswith(NOTICE)


@that_speaks
@pytest.mark.parametrize("ending", ENDINGS)
async def test_endings_keep_their_own_words(name: str, ending: MessageKind) -> None:
    """Each ending is shown in exactly the words it was given, and in none of the other endings'."""
    async with BENCHES[name]() as bench:
        await bench.show(message(ending, revision=2))
        assert bench.shown
        text = bench.shown()[-1]
        for paragraph in message(ending).text.paragraphs:
            assert paragraph in text
        for other in set(ENDINGS) - {ending}:
            assert f"{NOTICE}: {message(other).text.kind}" not in text


@that_edits
async def test_update_changes_what_is_shown(name: str) -> None:
    """A quiet update changes the one thing shown instead of adding another, and keeps its ref."""
    async with BENCHES[name]() as bench:
        ref = await bench.show(message())
        assert await bench.show(saying("Ganz neu"), ref) == ref
        assert bench.shown
        (text,) = bench.shown()
        assert "Ganz neu" in text


@over_http
async def test_unreachable_service_is_tried_again(name: str) -> None:
    """A service that refuses connections is a retryable failure, never an exception."""
    async with BENCHES[name](f"http://127.0.0.1:{free_port()}") as bench:
        (outcome,) = await bench.send(message(), None)
    assert isinstance(outcome, Failed)
    assert outcome.kind in (FailureKind.UNAVAILABLE, FailureKind.TIMEOUT)


@over_http
@pytest.mark.parametrize("ref", [None, "1"])
async def test_silent_service_is_bounded(name: str, ref: str | None) -> None:
    """A service that takes the message and never answers is given up in time; an edit may simply be repeated."""
    async with ScriptedServer(hang=True) as server, BENCHES[name](server.base_url) as bench:
        (outcome,) = await bench.send(message(MessageKind.UPDATE), ref)
    assert isinstance(outcome, Failed)
    assert outcome.kind is (FailureKind.UNAVAILABLE if repeatable(name, ref) else FailureKind.UNKNOWN)
    assert server.asked == 1


@over_http
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, FailureKind.AUTH),
        (403, FailureKind.AUTH),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
        (302, None),
    ],
)
async def test_refusals_are_classified(name: str, status: int, kind: FailureKind | None) -> None:
    """A refused credential holds the channel, a busy or broken service is retried, a redirect is never followed."""
    headers = {"Location": "http://127.0.0.1:9/elsewhere"} if status == 302 else {}
    async with ScriptedServer(status, headers=headers) as server, BENCHES[name](server.base_url) as bench:
        (outcome,) = await bench.send(message(), None)
    assert isinstance(outcome, Failed)
    assert kind in (outcome.kind, None)
    assert server.asked == 1


@of_an_account
@pytest.mark.parametrize("body", ["", "<html>portal</html>", "[]", '{"ok": true}', "null", "\x00"])
async def test_nonsense_is_a_failure_not_an_exception(name: str, body: str) -> None:
    """A success whose body makes no sense is reported as a failure."""
    async with ScriptedServer(200, body) as server, BENCHES[name](server.base_url) as bench:
        (outcome,) = await bench.send(message(), None)
    assert isinstance(outcome, Failed)


@over_http
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
async def test_nothing_secret_is_told(name: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """No failure puts the token, an address or the message's words into an outcome or a log, even at DEBUG."""
    caplog.set_level(logging.DEBUG)
    async with ScriptedServer(status) as server:
        with capture_logs() as logged:
            async with BENCHES[name](server.base_url) as bench:
                (outcome,) = await bench.send(message(), None)
    assert isinstance(outcome, Failed) or (name, status) == ("webpush", 200)
    told = f"{outcome} {logged} {bench.channel.unavailable_reason}" + "".join(
        record.getMessage() for record in caplog.records if record.name != "aiohttp.access"
    )
    for secret in (SECRET, ADDRESS, "Weidenau"):
        assert secret not in told


@of_an_account
async def test_blocked_address_holds_the_channel(name: str) -> None:
    """An address the policy forbids holds the channel for the operator; nothing is sent."""
    async with BENCHES[name]("https://203.0.113.7") as bench:
        (outcome,) = await bench.send(message(), None)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.AUTH


@pytest.mark.parametrize("spec", [spec for spec in TABLE if spec.has_settings], ids=lambda spec: spec.name)
async def test_channels_without_credentials_say_so(spec: ChannelSpec[C]) -> None:
    """A channel that is not set up shows it, and answers auth instead of failing a release."""
    empty = spec.config()
    async with made(spec, empty) as bench:
        (outcome,) = await bench.send(message(), None)
    assert (empty.complete, bench.channel.unavailable_reason) == (False, "nicht eingerichtet")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.AUTH
