"""The screen's page in a real Chromium, with the real gateway, keys and words behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from displays.connection import ConnectionLimits
from displays.protocol import Mark, instant, supersedes
from realis.model.alert import Ending, Level, Occasion
from tests.browser.conftest import NewPage
from tests.browser.look import axe, contrast, greyscale, no_overflow, screenshot
from tests.support.displays import TOKEN, Stage, ended, make_stage, warning
from tests.support.pace import at_pace

pytestmark = pytest.mark.browser
BOUND_S = 40.0
WITHIN_S = 1.0
START = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """A city with one screen in Weidenau."""
    return await make_stage(tmp_path / "keys", ConnectionLimits(poll_s=1.0, silent_s=10.0))


@dataclass
class Wall:
    """A screen on the wall: its page, and the gateway it can lose."""

    page: Page
    stage: Stage
    gateway: AsyncExitStack

    async def lose_gateway(self) -> None:
        """The gateway is gone."""
        await self.gateway.aclose()

    async def paints(self, selector: str) -> None:
        """Wait until something is on the wall."""
        await self.page.wait_for_selector(selector)

    async def shown(self, revision: int) -> None:
        """Wait until the screen confirmed that it painted a revision."""
        async with asyncio.timeout(BOUND_S):
            while not any(entry[3] == revision for entry in self.stage.confirmations.shown):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def hung(stage: Stage, new_page: NewPage, width: int = 1280, height: int = 720) -> AsyncIterator[Wall]:
    """A paired screen that is idle."""
    async with stage.website() as url, AsyncExitStack() as gateway:
        await gateway.enter_async_context(stage.gateway())
        page = await new_page(width, height)
        await page.goto(f"{url}#token={TOKEN}")
        await page.wait_for_function("() => localStorage.getItem('realis.display.state') !== null")
        await page.wait_for_selector(".idle")
        yield Wall(page, stage, gateway)
        await page.goto("about:blank")


async def test_the_way_of_a_warning_over_a_screen(stage: Stage, new_page: NewPage) -> None:
    """Idle, taken over within a second, languages in turn, updated, all clear in its own words, idle again."""
    stage.bounds = replace(stage.bounds, ending_shown_for=timedelta(seconds=4))
    async with hung(stage, new_page) as wall:
        assert "token" not in wall.page.url
        await wall.paints(".idle__sentence")
        view = warning(stage.clock)
        issued = time.monotonic()
        await stage.say(view)
        await wall.shown(1)
        assert time.monotonic() - issued < at_pace(WITHIN_S)
        assert await wall.page.inner_text(".warning__headline") == view.texts["de"].headline
        await expect(wall.page.locator(".warning .occasion__word").first).to_have_text("ÜBUNG – keine echte Gefahr")
        for language, direction in (("en", "ltr"), ("ar", "rtl"), ("de", "ltr")):
            await wall.paints(f".warning[lang={language}][dir={direction}]")
        await stage.say(warning(stage.clock, revision=2, level=Level.DANGER))
        await wall.paints(".warning--level-2")
        await wall.shown(2)
        await stage.say(ended=[ended(replace(view, revision=2), Ending.ALL_CLEAR, stage.clock.now())])
        await wall.paints(".warning--all_clear")
        await expect(wall.page.locator(".warning__kind")).to_have_text("Entwarnung")
        await wall.shown(3)
        await wall.paints(".idle")


async def test_a_screen_ends_a_warning_by_its_own_clock(stage: Stage, new_page: NewPage) -> None:
    """Without the gateway it says at ``expires`` that the warning ran out and that this is no all-clear."""
    stage.bounds = replace(stage.bounds, ending_shown_for=timedelta(seconds=3))
    async with hung(stage, new_page) as wall:
        await stage.say(warning(stage.clock, lasts=timedelta(seconds=4)))
        await wall.shown(1)
        await wall.lose_gateway()
        await wall.paints(".warning--expired")
        assert "keine Entwarnung" in await wall.page.inner_text(".warning__texts")
        await wall.paints(".idle")


async def test_a_screen_without_network_keeps_the_warning_and_says_how_old_it_is(
    stage: Stage, new_page: NewPage
) -> None:
    """After a reload with nobody there the signed warning is back, with its age, from what the browser kept."""
    async with AsyncExitStack() as website:
        url = await website.enter_async_context(stage.website())
        async with AsyncExitStack() as gateway:
            await gateway.enter_async_context(stage.gateway())
            page = await new_page()
            await page.goto(f"{url}#token={TOKEN}")
            await page.wait_for_selector(".idle")
            await stage.say(warning(stage.clock))
            await page.wait_for_selector(".warning")
            await page.wait_for_function(
                "async () => (await (await caches.open('realis-display')).keys()).length > 12 && "
                "JSON.parse(localStorage.getItem('realis.display.state')).current !== null"
            )
        await website.aclose()
        # The clock of a screen that stood without network for six minutes.
        await page.add_init_script("const real = Date.now; Date.now = () => real() + 6 * 60_000;")
        await page.reload()
        await page.wait_for_selector(".warning--level-1")
        await expect(page.locator(".status__age")).to_have_text("Stand: vor 6 Minuten – keine Verbindung")
        await screenshot(page, "display-offline", full_page=False)
        await page.goto("about:blank")


async def test_a_clock_below_the_floor_is_not_trusted(stage: Stage, new_page: NewPage) -> None:
    """A screen that wakes up in the past keeps the warning and says that it does not know the time."""
    async with hung(stage, new_page) as wall:
        await stage.say(warning(stage.clock, lasts=timedelta(seconds=30)))
        await wall.shown(1)
        await wall.lose_gateway()
        await wall.page.add_init_script("const real = Date.now; Date.now = () => real() - 86_400_000;")
        await wall.page.reload()
        await wall.paints(".warning--level-1")
        await expect(wall.page.locator(".status__clock")).to_have_text("Uhrzeit unbekannt")


TAMPER = """() => {
  const state = JSON.parse(localStorage.getItem('realis.display.state'));
  const [head, body, signature] = state.frames[0].split('.');
  const raw = atob(body.replaceAll('-', '+').replaceAll('_', '/'));
  const text = new TextDecoder().decode(Uint8Array.from(raw, (c) => c.charCodeAt(0)));
  const forged = String.fromCharCode(...new TextEncoder().encode(text.replace('Hochwasser', 'Hochzeit!!')));
  const packed = btoa(forged).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  state.frames[0] = [head, packed, signature].join('.');
  localStorage.setItem('realis.display.state', JSON.stringify(state));
}"""


async def test_a_tampered_stored_warning_is_refused(stage: Stage, new_page: NewPage) -> None:
    """What was changed in the browser's memory is not shown, and the screen says so."""
    async with hung(stage, new_page) as wall:
        await stage.say(warning(stage.clock))
        await wall.shown(1)
        await wall.lose_gateway()
        await wall.page.evaluate(TAMPER)
        await wall.page.reload()
        await wall.paints(".idle")
        await expect(wall.page.locator(".status__note")).to_contain_text("nicht gültig signiert")
        assert await wall.page.locator(".warning").count() == 0


async def test_a_frame_of_another_key_is_refused(stage: Stage, new_page: NewPage, tmp_path: Path) -> None:
    """A gateway with a foreign key cannot put anything on a paired screen."""
    async with hung(stage, new_page) as wall:
        await wall.lose_gateway()
        foreign = await make_stage(tmp_path / "other")
        stage.signer = foreign.signer
        async with stage.gateway():
            await stage.say(warning(stage.clock))
            await expect(wall.page.locator(".status__note")).to_contain_text("nicht gültig signiert")
            assert await wall.page.locator(".warning").count() == 0


async def test_an_unpaired_browser_says_what_to_do(stage: Stage, new_page: NewPage) -> None:
    """Without a key the page shows the city and how to pair; a wrong key is named."""
    async with stage.website() as url, stage.gateway():
        page = await new_page()
        await page.goto(url)
        await expect(page.locator(".status__note")).to_contain_text("nicht gekoppelt")
        await page.goto(f"{url}#token=a-wrong-token-0001")
        await expect(page.locator(".status__note")).to_contain_text("Zugangsschlüssel")
        await page.goto("about:blank")


async def test_two_screens_in_one_browser_do_not_mix(stage: Stage, new_page: NewPage) -> None:
    """Each named screen keeps its own token, key and state; after a reload each still shows what concerns it."""
    await stage.pair("token-of-the-second-screen", place=False)
    async with stage.website() as url, stage.gateway():
        here = await new_page()
        await here.goto(f"{url}?screen=eins#token={TOKEN}")
        there = await here.context.new_page()
        await there.goto(f"{url}?screen=zwei#token=token-of-the-second-screen")
        await stage.say(warning(stage.clock))
        await here.wait_for_selector(".warning")
        await there.wait_for_function("() => localStorage.getItem('realis.display.zwei.state') !== null")
        await here.reload()
        await here.wait_for_selector(".warning")
        assert await there.locator(".warning").count() == 0
        for page in (here, there):
            await expect(page.locator(".status__note")).to_be_hidden()
            await page.goto("about:blank")


async def test_the_page_orders_states_as_the_gateway_does(stage: Stage, new_page: NewPage) -> None:
    """order.js and protocol.py give the same answer for every pair of marks."""
    marks = [
        Mark(version, START + timedelta(seconds=second), incident, revision)
        for version in (1, 2)
        for second in (0, 1, 600)
        for incident, revision in ((None, 0), (UUID(int=1), 1), (UUID(int=1), 2), (UUID(int=2), 1))
    ]
    plain = [
        {
            "version": m.version,
            "asOf": m.as_of.timestamp() * 1000,
            "incident": str(m.incident or "") or None,
            "revision": m.revision,
        }
        for m in marks
    ]
    async with stage.website() as url:
        page = await new_page()
        await page.goto(url)
        answers = await page.evaluate(
            "async (marks) => { const { supersedes } = await import('/assets/display/order.js');"
            " return marks.map((one) => marks.map((other) => supersedes(one, other))); }",
            plain,
        )
    assert answers == [[supersedes(one, other) for other in marks] for one in marks]


LOOKS: tuple[tuple[str, int, int], ...] = (
    ("fhd", 1920, 1080),
    ("uhd", 3840, 2160),
    ("portrait", 1080, 1920),
    ("phone", 360, 640),
)
LONG = (
    "Chemieunfall im Industriegebiet Leimbachtal: Gefahrstoffaustritt, Wohngebäude sofort aufsuchen, Fenster und Türen"
)
LONG += " schließen, Lüftungsanlagen abschalten"


@pytest.mark.parametrize(("name", "width", "height"), LOOKS, ids=[look[0] for look in LOOKS])
async def test_a_warning_can_be_read_on_any_screen(
    stage: Stage, new_page: NewPage, name: str, width: int, height: int
) -> None:
    """Nothing overflows or is cut; the headline has 6 % of the height at 7:1; no accessibility violation."""
    async with hung(stage, new_page, width, height) as wall:
        await screenshot(wall.page, f"display-{name}-idle", full_page=False)
        assert await axe(wall.page) == []
        await stage.say(warning(stage.clock, languages=("de", "ar")))
        for language in ("de", "ar"):
            await wall.paints(f".warning[lang={language}]")
            size = await wall.page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")
            assert size >= 0.06 * height
            assert await contrast(wall.page, ".warning__headline") >= 7
            await no_overflow(wall.page)
            await nothing_cut(wall.page)
            assert await axe(wall.page) == []
            await screenshot(wall.page, f"display-{name}-{language}", full_page=False)


async def nothing_cut(page: Page) -> None:
    """The words end above the foot."""
    gap = await page.evaluate(
        "() => document.querySelector('.warning__foot').getBoundingClientRect().top"
        " - document.querySelector('.warning__texts').getBoundingClientRect().bottom"
    )
    assert gap >= -1


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (1024, 768)])
async def test_the_longest_words_are_never_cut(stage: Stage, new_page: NewPage, width: int, height: int) -> None:
    """With the longest headline and texts a screen shrinks and drops the description, but cuts no instruction."""
    view = warning(stage.clock, languages=("de",))
    text = replace(view.texts["de"], headline=LONG[:160], instruction="Bleiben Sie im Gebäude. " * 20)
    async with hung(stage, new_page, width, height) as wall:
        await stage.say(replace(view, texts={"de": text}))
        await wall.paints(".warning")
        await nothing_cut(wall.page)
        await no_overflow(wall.page)
        await screenshot(wall.page, f"display-longest-{width}", full_page=False)


async def test_occasions_and_endings_differ_without_colour(stage: Stage, new_page: NewPage) -> None:
    """In grey each has its own mark and words; kept as pictures for people to look at."""
    async with hung(stage, new_page, 1920, 1080) as wall, greyscale(wall.page):
        seen: set[str] = set()
        revision = 0
        for occasion in Occasion:
            revision += 1
            await stage.say(warning(stage.clock, occasion=occasion, revision=revision))
            await wall.paints(f".warning--{occasion.value}")
            seen.add(await wall.page.inner_text(".warning"))
            await screenshot(wall.page, f"display-grey-{occasion.value}", full_page=False)
        for ending in (Ending.ALL_CLEAR, Ending.RETRACTED, Ending.EXPIRED):
            revision += 1
            view = replace(warning(stage.clock, occasion=Occasion.ERNSTFALL), revision=revision)
            await stage.say(ended=[ended(view, ending, stage.clock.now())])
            await wall.paints(f".warning--{ending.value}")
            seen.add(await wall.page.inner_text(".warning__kind"))
            await screenshot(wall.page, f"display-grey-{ending.value}", full_page=False)
            revision += 1
        assert len(seen) == 6


def test_times_cross_as_utc() -> None:
    """The page reads the gateway's times without guessing a zone."""
    assert instant(START) == "2026-11-03T10:00:00.000Z"
