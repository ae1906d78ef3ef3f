"""The citizens' real page in Firefox: one press subscribes, REALIS pushes, the real service worker shows it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

import mobile_api
from channels.webpush.channel import UNLISTED, WebPush
from content.courses import CourseLibrary
from content.messages import Messages
from content.phrases import PhraseBook
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.keystore.keys import Keys
from realis.model.delivery import Accepted
from realis.ports.channel import Message, Target
from realis.web import problem, security
from realis.web.assets import Assets, package_root
from realis.web.pages import Pages
from tests.browser.firefox import Firefox, firefox
from tests.fakes.firefox_push import DELIVERED, FirefoxPush
from tests.support.mobile import CITY, FixedClock, SituationInMemory, TargetsInMemory, keyed_hash
from tests.unit.channels.webpush.samples import ALL_CLEAR, MESSAGE

ARRIVES_WITHIN_S = 20.0

pytestmark = [pytest.mark.browser, pytest.mark.peer]

SHOWN = """(async () => {
  const registration = await navigator.serviceWorker.ready;
  return JSON.stringify((await registration.getNotifications()).map((notification) => notification.title));
})()"""
REMEMBERED = """self.keep.get('shown', '%s').then((shown) => shown?.revision === %d)"""


@dataclass(slots=True)
class Site:
    """The phone's face with the web push channel behind it."""

    url: str
    targets: TargetsInMemory
    channel: WebPush

    def target(self) -> Target:
        """The one phone that subscribed, as the dispatcher would hand it to the channel."""
        ((number, stored),) = self.targets.stored.items()
        return Target(number, stored.address, stored.language, stored.origin)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Pages, API and service worker as in a real installation, on loopback."""
    now, targets = datetime.now(UTC), TargetsInMemory()  # noqa: TID251 - a browser's clock judges
    vapid = Keys.open(tmp_path / "keys").vapid("mailto:warnung@example.org")
    channel = WebPush(Egress(LoopbackOnly()), vapid, FixedClock(now))
    assets = Assets([package_root("mobile_api")])
    pages = Pages.build(
        ["realis.web", "mobile_api"],
        zone=ZoneInfo(CITY.time_zone),
        asset=assets.url,
        messages=Messages.load(),
    )
    app = web.Application(middlewares=[problem.middleware(mobile_api.error_page(pages, CITY), pages.messages)])
    security.install(app, "ws://127.0.0.1:1", https=False)
    assets.register(app)
    mobile_api.register(
        app,
        mobile_api.Deps(
            situation=SituationInMemory(now),
            targets=targets,
            courses=CourseLibrary.load(),
            phrases=PhraseBook.load(),
            pages=pages,
            city=CITY,
            clock=FixedClock(now),
            vapid_public_key=vapid.public_key,
            parse_subscription=channel.subscription,
            keyed_hash=keyed_hash,
        ),
    )
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Site(f"http://127.0.0.1:{runner.addresses[0][1]}/subscribe", targets, channel)
    await channel.close()
    await runner.cleanup()


def fresh(message: Message, url: str) -> Message:
    """The sample as if issued now."""
    now = datetime.now(UTC)  # noqa: TID251 - the service worker judges by the browser's clock
    end = now + timedelta(hours=6)
    return replace(message, sent=now, expires=message.expires and end, deadline=end, url=url)


async def remembered(browser: Firefox, revision: int) -> None:
    """Wait until the worker keeps this revision as shown for the incident."""
    await browser.until(REMEMBERED % (MESSAGE.incident, revision))


async def shown(browser: Firefox) -> object:
    """The titles of the notifications on the phone now."""
    return json.loads(str(await browser.evaluate(SHOWN)))


async def test_one_press_subscribes_and_the_worker_shows_what_we_send(site: Site, tmp_path: Path) -> None:
    """A warning is shown in its words; its all-clear takes its place; the warning come late does not come back."""
    async with FirefoxPush() as push, firefox(push.ws_url, tmp_path) as browser:
        await browser.open(site.url)
        await browser.until("document.querySelector('#subscribe-form').dataset.state === 'off'")
        await browser.click("#subscribe-button")
        await browser.until("document.querySelector('#subscribe-form').dataset.state === 'on'")
        target = site.target()
        assert target.origin == UNLISTED
        warning, all_clear = fresh(MESSAGE, site.url), fresh(ALL_CLEAR, site.url)
        for message in (warning, all_clear):
            assert await site.channel.send(message, [target]) == [Accepted()]
            await remembered(browser, message.revision)
            assert await shown(browser) == [message.text.title]
        assert await site.channel.send(warning, [target]) == [Accepted()]
        assert await push.until_acked(3, ARRIVES_WITHIN_S) == [DELIVERED] * 3
        assert await shown(browser) == [all_clear.text.title]
        assert await browser.do("problems") == []
