"""REALIS's push in a true user agent: Firefox subscribes, decrypts with its own code, runs the service worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from channels.webpush.channel import UNLISTED, WebPush, payload
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.model.delivery import Accepted, Failed, FailureKind
from realis.ports.channel import Target
from tests.browser.firefox import firefox
from tests.fakes.firefox_push import DELIVERED, FirefoxPush
from tests.fakes.push_service import PeerVapid
from tests.unit.channels.webpush.samples import ALL_CLEAR, MESSAGE, StandingClock

ARRIVES_WITHIN_S = 20.0

pytestmark = [pytest.mark.browser, pytest.mark.peer]

PAGE = '<!doctype html><html lang="de"><title>Push</title><p>Push</p></html>'

WORKER = """
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil(
  fetch('/got', { method: 'POST', body: event.data ? event.data.text() : '' })
));
"""

SUBSCRIBE = """(async () => {
  const registration = await navigator.serviceWorker.register('/sw.js');
  await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true, applicationServerKey: '%s',
  });
  return JSON.stringify(subscription);
})()"""


@dataclass(slots=True)
class Site:
    """A page with a service worker that hands what it got back to us."""

    got: list[str] = field(default_factory=list)
    url: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_got(self, count: int) -> list[str]:
        """What the worker posted, waited for within a bound."""
        async with asyncio.timeout(ARRIVES_WITHIN_S):
            while len(self.got) < count:
                self.news.clear()
                await self.news.wait()
        return self.got

    async def page(self, _: web.Request) -> web.Response:
        """The page."""
        return web.Response(text=PAGE, content_type="text/html")

    async def worker(self, _: web.Request) -> web.Response:
        """Its service worker."""
        return web.Response(text=WORKER, content_type="text/javascript")

    async def post(self, request: web.Request) -> web.Response:
        """What the worker read."""
        self.got.append(await request.text())
        self.news.set()
        return web.Response()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The page, served."""
    served = Site()
    app = web.Application()
    app.add_routes([web.get("/", served.page), web.get("/sw.js", served.worker), web.post("/got", served.post)])
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield served
    await runner.cleanup()


@pytest.fixture
async def push() -> AsyncIterator[FirefoxPush]:
    """The push service Firefox talks to."""
    async with FirefoxPush() as service:
        yield service


async def test_firefox_subscribes_decrypts_and_runs_the_worker(site: Site, push: FirefoxPush, tmp_path: Path) -> None:
    """A warning and its all-clear arrive in the page's worker word for word; an ended subscription is gone."""
    vapid = PeerVapid()
    channel = WebPush(Egress(LoopbackOnly()), vapid, StandingClock())
    async with firefox(push.ws_url, tmp_path) as browser:
        await browser.open(site.url)
        subscription = json.loads(str(await browser.evaluate(SUBSCRIBE % vapid.public_key)))
        address, origin = channel.subscription(subscription)
        target = Target(1, address, "de", origin)
        assert origin == UNLISTED
        assert await channel.send(MESSAGE, [target]) == [Accepted()]
        await site.until_got(1)
        assert await channel.send(ALL_CLEAR, [target]) == [Accepted()]
        assert await site.until_got(2) == [payload(MESSAGE).decode(), payload(ALL_CLEAR).decode()]
        assert await push.until_acked(2, ARRIVES_WITHIN_S) == [DELIVERED, DELIVERED]
        foreign = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(), known=lambda host: True)
        (denied,) = await foreign.send(MESSAGE, [target])
        push.forget()
        (ended,) = await channel.send(MESSAGE, [target])
    await foreign.close()
    await channel.close()
    assert isinstance(denied, Failed)
    assert denied.kind is FailureKind.AUTH
    assert isinstance(ended, Failed)
    assert ended.kind is FailureKind.GONE
    assert len(site.got) == 2
