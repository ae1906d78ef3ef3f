"""The whole program as a mayor would see it: the real demo, every face, phone to 4K, German and Arabic.

One demo and one browser serve the module; its tests follow the demo's flood from calm to Entwarnung. A page is loaded
once per language and looked at in every width.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, StorageState, async_playwright, expect

from realis.model.draft import DraftKind
from tests.browser.conftest import WAIT_MS
from tests.browser.look import AXE, OVERFLOWS, RULES, VIOLATIONS, contrast
from tests.support.demo_stage import PASSWORD, DemoStage, demo_stage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SIZES = ((360, 740), (1280, 800), (3840, 2160))
LOCALES = {"de": "de-DE", "ar": "ar"}
HEADLINE_SHARE = 0.06
HEADLINE_CONTRAST = 7.0
TURN_S = 90.0
"""Longer than a screen needs to come round to every language of the demo."""

NAMES = (
    *("REALIS", "CAP", "Telegram", "Mastodon", "Siegen", "HTTPS", "https"),
    *("Android", "iPhone", "iPad", "Firefox", "Chrome", "Edge", "Safari"),
)
"""What stays in Latin letters on an Arabic page, beside the names of people, districts and authorities."""

BIG = """(share) => {
  const headline = document.querySelector("h1");
  return headline && parseFloat(getComputedStyle(headline).fontSize) >= share * innerHeight;
}"""
"""Waits, because a screen paints anew when its size changes."""

STRAY = """(names) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  const APART = "bdi, svg, script, template, noscript, .message__link";
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.closest("[lang]").lang !== "ar" || parent.closest(APART)) continue;
    for (const word of walker.currentNode.textContent.match(/[A-Za-zÄÖÜäöüß]{3,}/g) ?? [])
      if (!names.includes(word)) found.push(`${word} in ${parent.localName}.${parent.className}`);
  }
  return [...new Set(found)].slice(0, 10);
}"""


@dataclass(frozen=True, slots=True)
class Tour:
    """The demo, a browser, and what was found wrong so far."""

    stage: DemoStage
    browser: Browser
    axe_source: str
    logins: dict[str, StorageState] = field(default_factory=dict)
    contexts: dict[tuple[str, str], BrowserContext] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    async def page(self, lang: str = "de", who: str = "") -> Page:
        """A page in this language, logged in as ``who`` if that is an operator."""
        if (lang, who) not in self.contexts:
            self.contexts[lang, who] = await self.browser.new_context(
                locale=LOCALES[lang], reduced_motion="reduce", storage_state=self.logins.get(who)
            )
        page = await self.contexts[lang, who].new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.found.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self.found.append(f"{page.url}: {said.text}") if said.type == "error" else None)
        return page

    async def login(self, name: str) -> None:
        """Log in with the one-time password, choose another, keep the session."""
        page = await self.page(who=f"{name}, new")
        await page.goto(f"{self.stage.url}/console/login")
        await sound(self, page)
        await page.get_by_label("Anmeldename").fill(name)
        await page.get_by_label("Passwort").fill(self.stage.demo_data.passwords[name])
        await page.get_by_role("button", name="Anmelden").click()
        await page.wait_for_url("**/console/password*")
        await sound(self, page)
        await page.locator("#old").fill(self.stage.demo_data.passwords[name])
        await page.locator("#new").fill(PASSWORD)
        await page.locator("#again").fill(PASSWORD)
        await page.get_by_role("button", name="Passwort ändern").click()
        await page.wait_for_url("**/console/")
        self.logins[name] = await page.context.storage_state()
        await page.close()

    async def look(self, *paths: str, who: str = "", act: Callable[[Page], Awaitable[None]] | None = None) -> None:
        """Every path, in both languages at once, in every width."""
        await asyncio.gather(*(self._look(path, lang, who, act) for lang in LOCALES for path in paths[:1]))
        for path in paths[1:]:
            await asyncio.gather(*(self._look(path, lang, who, act) for lang in LOCALES))

    def clean(self) -> None:
        """Nothing was found wrong since the last call."""
        found, self.found[:] = list(self.found), []
        assert found == [], "\n".join(found)

    async def _look(self, path: str, lang: str, who: str, act: Callable[[Page], Awaitable[None]] | None) -> None:
        page = await self.page(lang, who)
        try:
            answer = await page.goto(path if path.startswith("http") else f"{self.stage.url}{path}")
            assert answer is not None
            assert answer.status < 400, f"{path}: {answer.status}"
            if act:
                await act(page)
            await expect(page.locator("html")).to_have_attribute("dir", "rtl" if lang == "ar" else "ltr")
            if lang == "ar":
                stray = await page.evaluate(STRAY, self._names)
                self.found.extend([f"{path}: neither translated nor marked: {word}" for word in stray])
            await sound(self, page)
        finally:
            await page.close()

    @property
    def _names(self) -> list[str]:
        city = self.stage.app.core.city
        people = (*self.stage.demo_data.people, city.authority, self.stage.source)
        named = (*people, *(place.name for place in city.places), *NAMES)
        return [word for name in named for word in name.replace("(", " ").replace(")", " ").replace("-", " ").split()]


async def sound(tour: Tour, page: Page, *, axe: bool = True) -> None:
    """In every width: nothing overflows or is cut off, and axe-core finds nothing."""
    if axe:
        await page.evaluate(f"() => {{ {tour.axe_source} }}")
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found = await page.evaluate(OVERFLOWS)
        found += await page.evaluate(VIOLATIONS, RULES) if axe else []
        tour.found.extend(f"{page.url} at {width} px: {one}" for one in found)


async def big_and_plain(page: Page) -> None:
    """A screen's headline is at least 6 % of its height, at a contrast of 7:1 or more, in every size."""
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await page.wait_for_function(BIG, arg=HEADLINE_SHARE)
        assert await contrast(page, "h1") >= HEADLINE_CONTRAST


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tour(chromium_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tour]:
    """The demo and the browser, both logged in; the flood has not begun."""
    source = await asyncio.to_thread(AXE.read_text, encoding="utf-8")
    folder: Path = tmp_path_factory.mktemp("demo")
    async with async_playwright() as playwright, demo_stage(folder) as stage:
        browser = await playwright.chromium.connect_over_cdp(chromium_endpoint)
        made = Tour(stage, browser, source)
        for name in ("anna", "bernd"):
            await made.login(name)
        yield made
        for context in made.contexts.values():
            await context.close()
        await browser.close()


async def test_while_nothing_is_wrong(tour: Tour) -> None:
    """Phone, courses, legal pages, the empty desk and an idle screen are sound in every width and direction."""
    await tour.stage.until("idle")
    wall = await tour.page()
    await wall.goto(tour.stage.screen)
    await tour.look("/", "/subscribe", "/courses/", "/courses/hochwasser", "/datenschutz", "/barrierefreiheit")
    await tour.look("/console/login")
    await tour.look("/console/", "/console/new", "/console/trail", who="bernd")
    await tour.look("/console/admin/users", who="anna")
    await expect(wall.locator("html")).to_have_attribute("data-scene", "idle")
    await sound(tour, wall)
    await wall.close()
    tour.clean()


async def test_while_it_is_written_and_released(tour: Tour) -> None:
    """The edit page with its preview and the release page are sound in every width and direction."""
    await tour.stage.until("written-1")
    await tour.look(f"/console/drafts/{tour.stage.draft.id}", who="bernd")
    await tour.stage.until("submitted-1")
    await tour.look(f"/console/drafts/{tour.stage.draft.id}/release", who="bernd")
    tour.clean()


async def test_while_the_warning_is_in_force(tour: Tour) -> None:
    """The warning is sound everywhere; the screen's headline is big and plain, in German and in Arabic."""
    await tour.stage.until("issued-1")
    incident = tour.stage.draft.incident
    wall = await tour.page()
    await wall.goto(tour.stage.screen)
    await expect(wall.locator("h1")).to_be_visible()
    await big_and_plain(wall)
    await sound(tour, wall)
    await tour.look("/", f"/alerts/{incident}")
    await tour.look("/console/", f"/console/incidents/{incident}", who="bernd")
    await expect(wall.locator("h1")).to_have_attribute("lang", "ar", timeout=TURN_S * 1000)
    await expect(wall.locator("[dir=rtl] h1, h1[dir=rtl]")).to_be_visible()
    await big_and_plain(wall)
    await sound(tour, wall, axe=False)
    await wall.close()
    tour.clean()


async def test_when_it_has_ended(tour: Tour) -> None:
    """Entwarnung and Fehlalarm are sound everywhere and look different from each other."""
    stage = tour.stage
    await stage.until("issued-3")
    false_alarm = await stage.another()
    await stage.finish(false_alarm)
    await stage.follow_up(false_alarm.incident, DraftKind.RETRACTION)
    wall = await tour.page()
    await wall.goto(stage.screen)
    await expect(wall.locator("h1")).to_be_visible()
    await big_and_plain(wall)
    await sound(tour, wall)
    await wall.close()
    await tour.look("/", f"/alerts/{stage.draft.incident}", f"/alerts/{false_alarm.incident}")
    await tour.look("/console/", f"/console/incidents/{stage.draft.incident}", who="bernd")
    tour.clean()


async def test_the_stand_ins_are_sound(tour: Tour) -> None:
    """The staged accounts show their posts without overflow or axe violation."""
    for address in tour.stage.pages.values():
        page = await tour.page()
        await page.goto(address)
        await sound(tour, page)
        await page.close()
    tour.clean()
