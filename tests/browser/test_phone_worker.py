"""The phone's service worker in real Chromium: pushes replace each other, and without network nothing lies."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiohttp import web
from playwright.async_api import CDPSession, Page

from realis.model.alert import Ending, Level
from tests.browser.conftest import NewPage
from tests.browser.look import axe, screenshot
from tests.support.mobile import INCIDENT, Phone, phone, warning

pytestmark = pytest.mark.browser

WITHIN_S = 40.0
REPEAT_AFTER_S = 8.0
QUIET_S = 1.0
FIRST_VISIT_BYTES = 150_000
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const shown = await registration.getNotifications();
  return shown.map((n) => ({ title: n.title, tag: n.tag, silent: n.silent, lang: n.lang }));
}"""
READY = """async () => {
  await navigator.serviceWorker.ready;
  const pause = () => new Promise((done) => setTimeout(done, 20));
  while (!navigator.serviceWorker.controller) await pause();
  while (navigator.serviceWorker.controller.state !== "activated") await pause();
}"""
Shown = list[dict[str, object]]


@dataclass
class Site:
    """A running phone face that a test may take off the network."""

    url: str
    phone: Phone
    runner: web.AppRunner
    now: datetime


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The phone's face on a port of its own."""
    now = datetime.now(UTC)  # noqa: TID251 - the browser's clock is the real one
    parts = phone(now, known_services_only=False)
    runner = web.AppRunner(parts.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Site(f"http://127.0.0.1:{runner.addresses[0][1]}", parts, runner, now)
    await runner.cleanup()


class Pusher:
    """Delivers pushes to a page's worker through the browser, past any push service."""

    def __init__(self, page: Page, session: CDPSession, origin: str) -> None:
        self.page, self.session, self.origin = page, session, origin
        self.registration: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._last = ""
        session.on("ServiceWorker.workerRegistrationUpdated", self._updated)

    def _updated(self, event: dict[str, list[dict[str, str]]]) -> None:
        for registration in event["registrations"]:
            if registration["scopeURL"].startswith(self.origin) and not self.registration.done():
                self.registration.set_result(registration["registrationId"])

    async def deliver(self, data: str) -> None:
        """One push with this plaintext."""
        self._last = data
        number = await asyncio.wait_for(self.registration, WITHIN_S)
        await self.session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self.origin, "registrationId": number, "data": data},
        )

    async def until(self, title: str, *, silent: bool = False) -> Shown:
        """The notifications, once one has this in its title and sounds or not as said."""
        loop = asyncio.get_running_loop()
        again_at = loop.time() + REPEAT_AFTER_S
        async with asyncio.timeout(WITHIN_S):
            while True:
                shown: Shown = await self.page.evaluate(SHOWN)
                if any(title in str(one["title"]) and one["silent"] is silent for one in shown):
                    return shown
                if loop.time() >= again_at:
                    # DevTools' delivery can get lost on a busy machine and reports nothing; push services repeat too.
                    await self.deliver(self._last)
                    again_at = loop.time() + REPEAT_AFTER_S
                await asyncio.sleep(0.05)


class Meter:
    """Stands between a browser and a server and counts every byte that the browser is sent, headers included.

    The browser's own figures leave out what its service worker fetches.
    """

    def __init__(self, port: int) -> None:
        self.port, self.sent = port, 0
        self._moved = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers += [writer, their_writer]
        await asyncio.gather(self._pass_on(reader, their_writer), self._pass_on(their_reader, writer, counted=True))

    async def close(self, server: asyncio.Server) -> None:
        """End all connections before the loop ends; a page keeps its own open."""
        server.close()
        for writer in self._writers:
            writer.close()
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self._moved.set()
                self.sent += len(data) if counted else 0
                writer.write(data)
                await writer.drain()
        writer.close()

    async def until_quiet(self) -> None:
        """Returns once nothing was passed on for a while."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._moved.clear()
                await asyncio.wait_for(self._moved.wait(), QUIET_S)


@pytest.mark.parametrize(
    ("language", "scripts"), [("de", {"latin"}), ("tr", {"latin"}), ("uk", {"latin", "cyrillic"}), ("ar", set())]
)
async def test_a_first_visit_is_light(site: Site, new_page: NewPage, language: str, scripts: set[str]) -> None:
    """Page, worker and all it keeps stay below 150 kB, with the letters of the reader's languages only."""
    ran_out = warning(site.now, incident=UUID(int=INCIDENT.int + 1), ending=Ending.EXPIRED)
    site.phone.situation.show([warning(site.now, level=Level.EXTREME)], [ran_out])
    meter = Meter(int(site.url.rpartition(":")[2]))
    server = await asyncio.start_server(meter.connect, "127.0.0.1", 0)
    try:
        page = await new_page(360, 720, language)
        fonts: list[str] = []
        page.on("request", lambda request: fonts.append(request.url) if "/fonts/" in request.url else None)

        await page.goto(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await page.evaluate(READY)
        await meter.until_quiet()

        print(f"a first visit in {language}: {meter.sent} bytes")
        assert {url.rpartition("-")[2].removesuffix(".woff2") for url in fonts} == scripts
        assert 30_000 < meter.sent < FIRST_VISIT_BYTES
    finally:
        await meter.close(server)


@pytest.fixture
async def pusher(site: Site, new_page: NewPage) -> Pusher:
    """An open page with its worker in charge."""
    page = await new_page(360, 720, permissions=("notifications",))
    session = await page.context.new_cdp_session(page)
    made = Pusher(page, session, site.url)
    await session.send("ServiceWorker.enable")
    await page.goto(f"{site.url}/?lang=de")
    await page.evaluate(READY)
    return made


def push(title: str, revision: int, **changes: object) -> str:
    """A payload as ``channels/webpush/payload.py`` makes it."""
    expires = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251
    url = f"https://elsewhere.example/alerts/{INCIDENT}"
    realis: dict[str, object] = {
        "incident": str(INCIDENT),
        "revision": revision,
        "kind": "alert",
        "occasion": "ernstfall",
        "level": 2,
        "ending": None,
        "sent": expires.isoformat(),
        "expires": expires.isoformat(),
        "url": url,
    }
    notification = {"title": title, "lang": "de", "dir": "ltr", "body": "Text", "navigate": url, "silent": False}
    return json.dumps({"web_push": 8030, "notification": notification, "realis": realis | changes})


async def test_update_and_ending_replace_the_notification(pusher: Pusher) -> None:
    """One incident is one notification, from the warning over the update to the ending."""
    for title, revision, changes in (
        ("Gefahr: Hochwasser", 1, {}),
        ("Extreme Gefahr: Hochwasser", 2, {"kind": "update", "level": 1}),
        ("Entwarnung: Hochwasser", 3, {"kind": "all_clear", "ending": "all_clear", "expires": None}),
    ):
        await pusher.deliver(push(title, revision, **changes))
        (shown,) = await pusher.until(title)
        assert shown["tag"] == str(INCIDENT)


async def test_an_older_message_never_comes_back(pusher: Pusher) -> None:
    """A late first message leaves the ending standing, even after that was put away; silently."""
    await pusher.deliver(push("Fehlalarm", 2, kind="retraction", ending="retracted", expires=None))
    await pusher.until("Fehlalarm")
    await pusher.page.evaluate(
        "async () => (await (await navigator.serviceWorker.ready).getNotifications()).forEach((n) => n.close())"
    )

    await pusher.deliver(push("Gefahr: zu spät", 1))

    assert len(await pusher.until("Fehlalarm", silent=True)) == 1


async def test_an_expiry_follows_the_revision_that_ran_out(pusher: Pusher) -> None:
    """It carries the same number and still replaces it; a repeat of the warning then does not."""
    await pusher.deliver(push("Gefahr: Hochwasser", 1))
    await pusher.until("Gefahr")
    await pusher.deliver(push("Warnung abgelaufen", 1, kind="expiry", ending="expired", expires=None))
    await pusher.until("abgelaufen")
    await pusher.deliver(push("Gefahr: Hochwasser", 1))

    assert len(await pusher.until("abgelaufen", silent=True)) == 1


async def test_a_warning_that_comes_too_late_says_so(pusher: Pusher) -> None:
    """Delivered after its time: shown without sound as run out, never as if it held."""
    over = datetime.now(UTC) - timedelta(minutes=1)  # noqa: TID251
    await pusher.deliver(push("Gefahr: Hochwasser", 1, expires=over.isoformat()))

    (shown,) = await pusher.until("Hochwasser", silent=True)
    assert "abgelaufen" in str(shown["title"]) or "not an all-clear" in str(shown["title"])


async def test_an_unreadable_push_still_shows_something(pusher: Pusher) -> None:
    """Browsers end a subscription that shows nothing, so even nonsense leads to the page."""
    await pusher.deliver("kein JSON")

    shown = await pusher.until("")
    assert [one["tag"] for one in shown] == ["realis"]


async def test_an_open_page_learns_of_news(pusher: Pusher, site: Site) -> None:
    """A push makes open pages look again at once, and they say that something changed."""
    site.phone.situation.show([warning(site.now)])
    await pusher.deliver(push("Gefahr: Hochwasser", 1))

    await pusher.page.wait_for_selector("h1:has-text('1 Warnung gilt jetzt')")
    assert await pusher.page.locator("#news").inner_text() == "Die Anzeige wurde aktualisiert."


async def test_without_network_the_page_tells_its_age_and_ends_warnings_itself(site: Site, new_page: NewPage) -> None:
    """The last state stays readable with its time; what runs out meanwhile is no longer shown as valid."""
    ends = datetime.now(UTC) + timedelta(seconds=6)  # noqa: TID251
    site.phone.situation.show([warning(site.now, expires=ends)])
    page = await new_page(360, 720)
    await page.goto(f"{site.url}/?lang=de")
    await page.evaluate(READY)
    await page.goto(f"{site.url}/?lang=de")
    await page.goto(f"{site.url}/alerts/{INCIDENT}")
    await page.goto(f"{site.url}/")
    assert await page.locator("#age").inner_text() == ""
    await site.runner.cleanup()

    await page.reload()

    await page.wait_for_selector("#age:not(:empty)")
    assert "keine Verbindung" in await page.locator("#age").inner_text()
    await page.wait_for_selector(".warning-lapsed:not([hidden])")
    assert await page.locator("h1").inner_text() == "Letzter bekannter Stand"
    assert "keine Entwarnung" in await page.locator(".warning-lapsed").inner_text()
    await screenshot(page, "phone-no-network-360-de")
    assert await axe(page) == []
    await page.goto(f"{site.url}/alerts/{INCIDENT}")
    await page.wait_for_selector(".warning-lapsed:not([hidden])")


async def test_without_network_an_unknown_page_gives_what_is_known(site: Site, new_page: NewPage) -> None:
    """A page that was never open: the last known warnings with their age; courses go on as usual."""
    site.phone.situation.show([warning(site.now)])
    page = await new_page(360, 720)
    await page.goto(f"{site.url}/?lang=de")
    await page.evaluate(READY)
    await page.goto(f"{site.url}/?lang=de")
    await page.wait_for_load_state("networkidle")
    await site.runner.cleanup()

    await page.goto(f"{site.url}/alerts/{INCIDENT}")

    assert await page.locator("h1").inner_text() == "Keine Verbindung"
    await page.wait_for_selector("#last-list .level--2")
    assert "Hochwasser" in await page.locator("#last-list").inner_text()
    await page.wait_for_selector("#age:not(:empty)")
    await screenshot(page, "phone-offline-360-de")
    assert await axe(page) == []
    await page.goto(f"{site.url}/courses/hochwasser")
    await page.click("#course-next")
    assert await page.locator(".step:visible").count() == 1
