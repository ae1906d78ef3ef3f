"""The citizen's pages in a real browser: sound at every size and in both directions, quiz, form, deletion."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from aiohttp import web

from realis.model.alert import Ending, Level, Occasion
from realis.model.area import Area
from realis.model.draft import LanguageText
from tests.browser.conftest import NewPage
from tests.browser.look import axe, no_overflow, screenshot
from tests.support.mobile import INCIDENT, Phone, phone, warning

pytestmark = pytest.mark.browser

SIZES = [(320, "de", False), (360, "de", False), (360, "ar", True), (1280, "ar", False), (3840, "de", True)]
TOUCHED = "a.button, button, summary, .phone-nav a, .phone-foot a, .check, select, .warning-headline a"
SMALL = f"""() => [...document.querySelectorAll('{TOUCHED}')]
  .map((e) => [e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([, box]) => box.height > 0 && box.height < 44).map(([text]) => text)"""
LONG_HEADLINE = (
    "Trinkwasserversorgungsunterbrechung und Abkochgebot in Siegen-Mitte, Weidenau und Eiserfeld wegen einer "
    "Hauptleitungsverunreinigung im Wasserwerk Niederschelden"
)
CUT_OFF = """() => [...document.querySelectorAll('article, article *')].filter((e) => {
  const card = e.closest('article').getBoundingClientRect(), range = document.createRange();
  range.selectNodeContents(e);
  return [...range.getClientRects()].some((box) => box.width > 1 && !e.closest('.visually-hidden, [hidden]')
    && (box.right > card.right + 1 || box.left < card.left - 1 || box.bottom > card.bottom + 1));
}).map((e) => `${e.localName}.${e.className}`)"""
STATE = "() => document.getElementById('subscribe-form').dataset.state"


@dataclass
class Site:
    """A running phone face."""

    url: str
    phone: Phone
    runner: web.AppRunner


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Three warnings of all occasions and the three endings, on a port of its own."""
    now = datetime.now(UTC)  # noqa: TID251 - the browser's clock is the real one
    parts = phone(now, known_services_only=False)
    parts.situation.show(
        [
            warning(now, level=Level.EXTREME),
            warning(now, incident=_id(1), occasion=Occasion.UEBUNG),
            warning(now, incident=_id(2), level=Level.INFORMATION, occasion=Occasion.PROBEWARNUNG),
        ],
        [
            warning(now, incident=_id(3), ending=Ending.ALL_CLEAR),
            warning(now, incident=_id(4), ending=Ending.RETRACTED),
            warning(now, incident=_id(5), ending=Ending.EXPIRED),
        ],
    )
    runner = web.AppRunner(parts.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Site(f"http://127.0.0.1:{runner.addresses[0][1]}", parts, runner)
    await runner.cleanup()


def _id(number: int) -> UUID:
    return UUID(int=INCIDENT.int + number)


@pytest.mark.parametrize(("width", "lang", "dark"), SIZES)
async def test_every_page_is_sound(site: Site, new_page: NewPage, width: int, lang: str, dark: bool) -> None:
    """No overflow, no axe violation, nothing to touch below 44 px; from 320 px to 4K, by day and night."""
    page = await new_page(width, 800 if width < 2000 else 2160, lang, dark=dark)
    paths = {
        "home": "/?exercise=true",
        "warning": f"/alerts/{INCIDENT}",
        "exercise": f"/alerts/{_id(1)}",
        "retracted": f"/alerts/{_id(4)}",
        "subscribe": "/subscribe",
        "courses": "/courses/",
        "course": "/courses/hochwasser",
        "offline": "/offline",
        "privacy": "/datenschutz",
        "accessibility": "/barrierefreiheit",
        "imprint": "/impressum",
        "contact": "/kontakt",
    }
    for name, path in paths.items():
        await page.goto(f"{site.url}{path}{'&' if '?' in path else '?'}lang={lang}")
        await page.wait_for_load_state("networkidle")
        await screenshot(page, f"phone-{name}-{width}-{lang}-{'dark' if dark else 'light'}")
        await no_overflow(page)
        assert await axe(page) == [], name
        assert await page.evaluate(SMALL) == [], name


@pytest.mark.parametrize(("width", "text_size"), [(320, "100%"), (320, "200%"), (360, "100%"), (1280, "200%")])
async def test_the_longest_headline_is_read_whole(site: Site, new_page: NewPage, width: int, text_size: str) -> None:
    """160 letters with long words wrap on card and page, in force and ended; nothing is cut off at double size."""
    now = datetime.now(UTC)  # noqa: TID251 - the browser's clock is the real one
    words = (LanguageText("de", LONG_HEADLINE, "Auskunft: 02 71/404-0", "Kochen Sie das Wasser ab."),)
    long_area = (Area("Siegen-Mitte"), Area("Trinkwasserversorgungsgebiet Eisern-Eiserfeld-Niederschelden"))
    site.phone.situation.show(
        [warning(now, texts=words, areas=long_area)],
        [warning(now, incident=_id(1), texts=words, areas=long_area, ending=Ending.EXPIRED)],
    )
    page = await new_page(width, 800)
    for name, path in {"home": "/", "warning": f"/alerts/{INCIDENT}", "ended": f"/alerts/{_id(1)}"}.items():
        await page.goto(f"{site.url}{path}?lang=de")
        await page.evaluate("(size) => { document.documentElement.style.fontSize = size }", text_size)
        await screenshot(page, f"phone-long-{name}-{width}-{text_size.removesuffix('%')}")
        assert LONG_HEADLINE in await page.locator(".warning-headline").first.inner_text()
        await no_overflow(page)
        assert await page.evaluate(CUT_OFF) == [], name


async def test_the_language_menu_leads_to_the_same_page(site: Site, new_page: NewPage) -> None:
    """Two touches from German to Arabic, and the page stays Arabic."""
    page = await new_page(360, 720)
    await page.goto(f"{site.url}/alerts/{INCIDENT}")
    await page.click(".phone-languages summary")
    await no_overflow(page)
    await page.click("text=العربية")
    assert page.url.endswith(f"/alerts/{INCIDENT}?lang=ar")
    await page.goto(f"{site.url}/")
    assert await page.locator("html").get_attribute("dir") == "rtl"


async def test_the_quiz_answers_at_once_and_remembers(site: Site, new_page: NewPage) -> None:
    """A wrong answer says why, the right one too; after a reload the course goes on where it was."""
    page = await new_page(360, 720)
    await page.goto(f"{site.url}/courses/hochwasser?lang=de")
    while not await page.locator(".step:visible .question").count():
        await page.click("#course-next")
    question = page.locator(".step:visible")
    right = int(await question.locator(".question").get_attribute("data-right") or "0")
    choices = question.locator("input[type=radio]")
    await choices.nth(1 if right == 0 else 0).check()
    assert "Leider nicht." in await question.locator(".feedback").inner_text()
    await choices.nth(right).check()
    assert "Richtig." in await question.locator(".feedback").inner_text()
    await screenshot(page, "phone-quiz-360-de")
    assert await axe(page) == []

    await page.reload()

    assert await page.locator(".step:visible .question").count() == 1
    assert await page.locator(".step:visible input:checked").get_attribute("value") == str(right)
    while await page.locator("#course-next").is_visible():
        await page.click("#course-next")
    await page.goto(f"{site.url}/courses/")
    assert await page.locator("[data-course=hochwasser] [data-progress=done]").is_visible()


async def test_the_form_subscribes_and_deletes(site: Site, new_page: NewPage) -> None:
    """One button: places and language reach the server, the state says so, and off means deleted.

    Only the browser's own push service is a stand-in: Chromium's cannot be reached from a test.
    """
    page = await new_page(360, 720, permissions=("notifications",))
    await page.add_init_script(PUSH_SERVICE)
    await page.goto(f"{site.url}/subscribe?lang=de")
    await page.wait_for_selector("#subscribe-form[data-state=off]")
    await page.check("input[name=places][value=weidenau]")
    assert not await page.is_checked("input[name=everywhere]")
    await page.select_option("select[name=language]", "uk")
    await page.click("#subscribe-button")
    await page.wait_for_selector("#subscribe-form[data-state=on]")
    await screenshot(page, "phone-subscribed-360-de")
    assert await axe(page) == []
    (stored,) = site.phone.targets.stored.values()
    assert (stored.language, stored.everywhere) == ("uk", False)
    assert stored.places

    await page.reload()
    await page.wait_for_selector("#subscribe-form[data-state=on]")
    assert await page.is_checked("input[value=weidenau]")
    assert len(site.phone.targets.stored) == 1
    await page.click("#subscribe-remove")
    await page.wait_for_selector("#subscribe-form[data-state=removed]")
    assert site.phone.targets.stored == {}


async def test_obstacles_are_said_plainly(site: Site, new_page: NewPage) -> None:
    """Permission denied, no push in the browser, no place chosen: each has its own sentence."""
    page = await new_page(360, 720)
    await page.goto(f"{site.url}/subscribe?lang=de")
    await page.wait_for_function("document.getElementById('subscribe-form').dataset.state !== 'loading'")
    assert await page.evaluate(STATE) == "denied"  # headless Chromium denies unless asked otherwise
    assert await page.locator("text=Benachrichtigungen sind für diese Seite gesperrt").is_visible()

    old = await new_page(360, 720)
    await old.add_init_script("delete window.PushManager")
    await old.goto(f"{site.url}/subscribe?lang=de")
    await old.wait_for_selector("#subscribe-form[data-state=unsupported]")

    strange = await new_page(360, 720, permissions=("notifications",))
    await strange.add_init_script(PUSH_SERVICE)
    await strange.route("**/push/subscriptions", lambda route: route.fulfill(status=422, json={"title": "Nein."}))
    await strange.goto(f"{site.url}/subscribe?lang=de")
    await strange.click("#subscribe-button")
    await strange.wait_for_selector("#subscribe-form[data-state=refused]")
    assert "Nein." in await strange.locator("[data-when=refused]").inner_text()

    unsure = await new_page(360, 720, permissions=("notifications",))
    await unsure.goto(f"{site.url}/subscribe?lang=de")
    await unsure.uncheck("input[name=everywhere]")
    await unsure.click("#subscribe-button")
    await unsure.wait_for_selector("#subscribe-form[data-state=no-place]")
    assert site.phone.targets.stored == {}


async def test_everything_can_be_deleted_at_once(site: Site, new_page: NewPage) -> None:
    """The privacy page shows what is stored and leaves nothing of it, here or at the server."""
    page = await new_page(360, 720, permissions=("notifications",))
    await page.add_init_script(PUSH_SERVICE)
    await page.goto(f"{site.url}/subscribe?lang=de")
    await page.click("#subscribe-button")
    await page.wait_for_selector("#subscribe-form[data-state=on]")
    await page.goto(f"{site.url}/courses/hochwasser")
    await page.goto(f"{site.url}/datenschutz")
    await page.wait_for_selector("#stored:not([hidden])")
    assert "eingeschaltet" in await page.locator("#stored").inner_text()
    await page.click("#forget-button")
    await page.wait_for_selector("[data-when=done]:not([hidden])")
    assert site.phone.targets.stored == {}
    assert await page.evaluate("() => localStorage.length") == 0
    assert await page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0


PUSH_SERVICE = """
const KEYS = { p256dh: 'AAAA', auth: 'BBBB' };
const KEPT = {
  endpoint: 'https://push.example/1', options: {}, unsubscribe: async () => true,
  toJSON: () => ({ endpoint: 'https://push.example/1', keys: KEYS }),
};
PushManager.prototype.subscribe = async () => KEPT;
PushManager.prototype.getSubscription = async () => null;
"""
