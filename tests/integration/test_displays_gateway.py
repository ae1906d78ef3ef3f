"""The screens' gateway with real websocket clients: who gets in, what they are told, who never delays whom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from displays.connection import ConnectionLimits
from displays.protocol import instant
from realis.model.alert import Ending
from tests.support.displays import ELSEWHERE, INCIDENT, TOKEN, Stage, ended, hash_token, make_stage, warning
from tests.support.pace import at_pace

BOUND_S = 30.0
QUICK = ConnectionLimits(poll_s=0.5, hello_s=0.5, send_s=1.0, ping_s=1.0, silent_s=5.0, recheck_s=0.3)

Frame = dict[str, Any]  # frames are JSON from outside; each test looks at a few fields


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """A city with one paired screen and a gateway that is quick to lose patience."""
    return await make_stage(tmp_path / "keys", QUICK)


class Screen:
    """A screen's end of the wire, with verified frames."""

    def __init__(self, socket: ClientConnection, stage: Stage) -> None:
        self.socket = socket
        self._key = ECKey.import_key(dict(stage.signer.public_jwk))

    async def say(self, **message: object) -> None:
        """Send one message."""
        await self.socket.send(json.dumps(message))

    async def hear(self, kind: str) -> Frame:
        """The next message of a kind."""
        while True:
            message: Frame = json.loads(await asyncio.wait_for(self.socket.recv(), BOUND_S))
            if message["type"] == kind:
                return message

    async def state(self, kind: str) -> list[Frame]:
        """The next state whose frames are of a kind."""
        while True:
            frames = [self._open(frame) for frame in (await self.hear("state"))["frames"]]
            if frames[0]["kind"] == kind:
                return frames

    def _open(self, frame: str) -> Frame:
        content: Frame = json.loads(jws.deserialize_compact(frame, self._key, algorithms=["ES256"]).payload)
        return content

    async def closed(self) -> tuple[int, str]:
        """Wait until the gateway closes; code and reason."""
        async with asyncio.timeout(BOUND_S):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@asynccontextmanager
async def connected(stage: Stage, *, origin: str | None = "", **options: Any) -> AsyncIterator[Screen]:  # noqa: ANN401 - passed on
    """A connection that has not said hello yet."""
    origin = stage.city.public_url if origin == "" else origin
    async with connect(
        stage.city.gateway_url,
        origin=None if origin is None else Origin(origin),
        compression=None,
        close_timeout=1,
        **options,
    ) as socket:
        yield Screen(socket, stage)


@asynccontextmanager
async def paired(stage: Stage, token: str = TOKEN, have: object = None) -> AsyncIterator[Screen]:
    """A screen that was welcomed."""
    async with connected(stage) as screen:
        await screen.say(type="hello", proto=1, token=token, have=have)
        await screen.hear("welcome")
        yield screen


async def until(true: Callable[[], object]) -> None:
    """Poll until something holds, within the bound."""
    async with asyncio.timeout(BOUND_S):
        while not true():  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0.01)


async def test_a_warning_takes_over_and_its_ending_follows(stage: Stage) -> None:
    """Idle, warning in every language, ending, each signed; ``shown`` is passed on once."""
    async with stage.gateway(), paired(stage) as screen:
        assert (await screen.state("clear"))[0]["incident"] is None
        view = warning(stage.clock)
        await stage.say(view)
        frames = await screen.state("alert")
        assert [frame["lang"] for frame in frames] == ["de", "en", "ar"]
        for _ in range(2):
            await screen.say(type="shown", incident=str(INCIDENT), revision=1, at=instant(stage.clock.now()))
        await stage.say(ended=[ended(view, Ending.ALL_CLEAR, stage.clock.now())])
        assert (await screen.state("alert"))[0]["ending"] == "all_clear"
        await until(lambda: stage.confirmations.shown)
        assert [shown[:4] for shown in stage.confirmations.shown] == [("display", stage.screen, INCIDENT, 1)]
        assert stage.screen in stage.targets.heard


async def test_a_screen_with_a_wrong_clock_is_not_believed(stage: Stage) -> None:
    """A time in the future or long past is replaced by when it was heard."""
    async with stage.gateway(), paired(stage) as screen:
        await screen.say(type="shown", incident=str(INCIDENT), revision=1, at="2099-01-01T00:00:00Z")
        await until(lambda: stage.confirmations.shown)
        assert abs(stage.confirmations.shown[0][4] - stage.clock.now()) < timedelta(seconds=BOUND_S)


async def test_a_screen_may_be_faster_than_the_planner(stage: Stage) -> None:
    """What was painted before it was planned is confirmed as soon as it is, with the time it was painted."""
    stage.confirmations.planned = False
    async with stage.gateway(), paired(stage) as screen:
        painted = stage.clock.now()
        await screen.say(type="shown", incident=str(INCIDENT), revision=1, at=instant(painted))
        await screen.say(type="ping", id=1)
        await screen.hear("pong")
        stage.confirmations.planned = True
        await until(lambda: stage.confirmations.shown)
        assert abs(stage.confirmations.shown[0][4] - painted) < timedelta(milliseconds=1)


async def test_a_store_that_is_away_hangs_up_no_screen(stage: Stage) -> None:
    """What was shown is written down when the store is back, over the same connection."""
    stage.confirmations.away = True
    async with stage.gateway(), paired(stage) as screen:
        painted = stage.clock.now()
        await screen.say(type="shown", incident=str(INCIDENT), revision=1, at=instant(painted))
        await screen.say(type="ping", id=1)
        await screen.hear("pong")
        stage.confirmations.away = False
        await until(lambda: stage.confirmations.shown)
        await screen.say(type="ping", id=2)
        await screen.hear("pong")


async def test_a_wrong_token_is_refused_and_logged_once_without_it(stage: Stage) -> None:
    """Close code 4401, one line in the log, the secret nowhere."""
    with capture_logs() as logs:
        async with stage.gateway(), connected(stage) as screen:
            await screen.say(type="hello", proto=1, token="wrong-secret-token", have=None)
            code, reason = await screen.closed()
    assert code == 4401
    assert "Zugangsschlüssel" in reason
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["display_refused"]
    assert "wrong-secret-token" not in str(logs)
    assert hash_token("wrong-secret-token") not in str(logs)


@pytest.mark.parametrize("message", ["not json", '{"type":"ping","id":1}', '{"type":"hello","proto":9,"token":"x"}'])
async def test_whoever_does_not_keep_to_the_protocol_is_refused(stage: Stage, message: str) -> None:
    """Close code 4400 with the reason."""
    async with stage.gateway(), connected(stage) as screen:
        await screen.socket.send(message)
        assert (await screen.closed())[0] == 4400


async def test_an_oversize_message_is_refused_unread(stage: Stage) -> None:
    """Standard close code 1009, logged once."""
    with capture_logs() as logs:
        async with stage.gateway(), connected(stage) as screen:
            await screen.socket.send("x" * 3000)
            assert (await screen.closed())[0] == 1009
    assert [log["reason"] for log in logs if log["event"] == "display_refused"] == ["message too big"]


async def test_no_hello_in_time_ends_the_connection(stage: Stage) -> None:
    """Whoever says nothing does not hold a place."""
    async with stage.gateway(), connected(stage) as screen:
        assert (await screen.closed())[0] == 4408


async def test_a_screen_that_talks_too_much_is_refused(stage: Stage) -> None:
    """Forty messages in ten seconds are enough for any page."""
    async with stage.gateway(), paired(stage) as screen:
        for number in range(stage.bounds.messages + 1):
            await screen.say(type="ping", id=number)
        assert (await screen.closed())[0] == 4429


@pytest.mark.parametrize("origin", ["https://evil.example", None, "null"])
async def test_a_foreign_page_cannot_connect(stage: Stage, origin: str | None) -> None:
    """The upgrade is refused with 403 unless the page is this city's own."""
    async with stage.gateway():
        with pytest.raises(InvalidStatus) as refused:
            async with connected(stage, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_no_more_connections_than_allowed(stage: Stage) -> None:
    """When full, the answer is 503 with Retry-After, and the others stay."""
    stage.bounds = replace(QUICK, connections=1)
    async with stage.gateway(), paired(stage) as screen:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(stage):
                pass
        assert refused.value.response.headers["Retry-After"] == "30"
        await screen.state("current")


async def test_a_revoked_token_ends_its_connection(stage: Stage) -> None:
    """A stolen screen is out within the recheck's time."""
    async with stage.gateway(), paired(stage) as screen:
        await stage.tokens.revoke(1)
        assert (await screen.closed())[0] == 4410


async def test_a_removed_screen_is_out(stage: Stage) -> None:
    """The target's end is the connection's end."""
    async with stage.gateway(), paired(stage) as screen:
        await stage.targets.remove(stage.screen)
        assert (await screen.closed())[0] == 4410


async def test_a_lost_event_costs_a_few_seconds_only(stage: Stage) -> None:
    """The poll finds what no event told."""
    stage.events.silent = True
    async with stage.gateway(), paired(stage) as screen:
        await screen.state("clear")
        await stage.say(warning(stage.clock))
        assert (await screen.state("alert"))[0]["revision"] == 1


async def test_a_store_that_cannot_be_read_ages_honestly(stage: Stage) -> None:
    """No read, no new ``as_of``: the screens hear nothing, health says so, and it recovers by itself."""
    stage.bounds = replace(QUICK, poll_s=0.1)
    async with stage.gateway() as gateway, paired(stage) as screen, aiohttp.ClientSession() as session:
        await screen.state("current")
        url = f"http://127.0.0.1:{gateway.port}/healthz"
        assert (await session.get(url)).status == 200
        stage.situation.broken = True
        reads = stage.situation.reads
        async with asyncio.timeout(BOUND_S):
            while (await session.get(url)).status != 503:  # noqa: ASYNC110 - over HTTP there is no event
                await asyncio.sleep(0.05)
        assert stage.situation.reads > reads
        stage.situation.broken = False
        await stage.say(warning(stage.clock))
        await screen.state("alert")


async def test_an_exercise_reaches_only_screens_that_joined(stage: Stage) -> None:
    """A screen that did not join stays idle during an Übung."""
    await stage.pair("token-of-another-screen", joined=False)
    async with stage.gateway(), paired(stage) as joined, paired(stage, "token-of-another-screen") as other:
        await other.state("clear")
        await stage.say(warning(stage.clock))
        await joined.state("alert")
        assert (await other.state("current"))[0]["incident"] is None


async def test_a_screen_elsewhere_is_left_alone(stage: Stage) -> None:
    """Only a warning that touches its place takes a screen over."""
    async with stage.gateway(), paired(stage) as screen:
        await screen.state("clear")
        await stage.say(warning(stage.clock, areas=(ELSEWHERE,)))
        assert (await screen.state("current"))[0]["incident"] is None


async def test_after_our_restart_a_screen_hears_how_it_ended(stage: Stage) -> None:
    """It says in hello what it still shows."""
    view = ended(warning(stage.clock), Ending.RETRACTED, stage.clock.now())
    await stage.say(ended=[view])
    have = {"version": 1, "incident": str(INCIDENT)}
    async with stage.gateway(), paired(stage, have=have) as screen:
        assert (await screen.state("alert"))[0]["ending"] == "retracted"


async def test_a_restart_says_so(stage: Stage) -> None:
    """Close code 1012 tells the pages to come back, each in its own time."""
    async with stage.gateway() as gateway, paired(stage) as screen:
        await gateway.__aexit__()
        assert (await screen.closed())[0] == 1012


async def test_one_stalled_screen_delays_nobody(stage: Stage) -> None:
    """Fifty screens get every change at once while another has stopped reading, and that one is dropped."""
    stage.bounds = replace(QUICK, per_target=60, ping_s=3.0, silent_s=60.0)
    async with stage.gateway() as gateway, paired(stage) as stalled:
        stalled.socket.transport.pause_reading()
        async with _many(stage, 50) as screens:
            await asyncio.gather(*(screen.state("clear") for screen in screens))
            slowest = 0.0
            for revision in range(1, 21):
                started = time.monotonic()
                await stage.say(warning(stage.clock, revision=revision))
                await asyncio.gather(*(screen.state("alert") for screen in screens))
                slowest = max(slowest, time.monotonic() - started)
            assert slowest < at_pace(2.0)
            await until(lambda: gateway.connected == 50)


@asynccontextmanager
async def _many(stage: Stage, number: int) -> AsyncIterator[list[Screen]]:
    screens: list[Screen] = []
    try:
        for _ in range(number):
            socket = await connect(stage.city.gateway_url, origin=Origin(stage.city.public_url), compression=None)
            screens.append(Screen(socket, stage))
            await screens[-1].say(type="hello", proto=1, token=TOKEN, have=None)
        yield screens
    finally:
        await asyncio.gather(*(screen.socket.close() for screen in screens))
