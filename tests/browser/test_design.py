"""The visual language holds on a specimen sheet: sizes, themes, directions, greyscale, contrast, touch."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import jinja2
import pytest
from aiohttp import web

from realis.model.languages import direction
from realis.web import security
from realis.web.assets import Assets
from tests.browser.conftest import NewPage
from tests.browser.look import axe, contrast, greyscale, no_overflow, screenshot

pytestmark = pytest.mark.browser
SPECIMEN = Path(__file__).parent / "specimen"
PAPER = "() => getComputedStyle(document.body).backgroundColor"
WORDS = json.loads((SPECIMEN / "words.json").read_text(encoding="utf-8"))


def _pages(assets: Assets) -> jinja2.Environment:
    loaders = [jinja2.PackageLoader("realis.web"), jinja2.FileSystemLoader(SPECIMEN)]
    pages = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals["asset"] = assets.url
    return pages


@pytest.fixture
async def sheet() -> AsyncIterator[str]:
    """The address of a server with the specimen pages under the real security headers."""
    assets = Assets([SPECIMEN])
    pages = _pages(assets)

    async def show(request: web.Request) -> web.Response:
        ask = request.query
        lang = ask.get("lang", "de")
        context = {"lang": lang, "dir": direction(lang), "w": WORDS[lang], "theme": ask.get("theme", "")}
        text = pages.get_template(request.match_info["page"]).render(
            **context, kern="kern" in ask, level=int(ask.get("level", "1"))
        )
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    security.install(app, "ws://127.0.0.1:1", https=False)
    assets.register(app)
    app.router.add_get(r"/{page:\w+\.html}", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("width", "lang", "dark"),
    [
        (360, "de", False),
        (360, "ar", True),
        (1280, "de", True),
        (1280, "ar", False),
        (3840, "de", False),
        (3840, "ar", True),
    ],
)
async def test_the_sheet_is_sound_at_every_size(
    sheet: str, new_page: NewPage, width: int, lang: str, dark: bool
) -> None:
    """From a phone to 4K, by day and night, in both directions: no overflow, no axe violation, fonts where wanted."""
    page = await new_page(width, width * 9 // 16 if width > 400 else 720, lang, dark=dark)
    await page.goto(f"{sheet}/specimen.html?lang={lang}")
    await page.wait_for_selector("[data-ready]")
    await screenshot(page, f"specimen-{width}-{lang}-{'dark' if dark else 'light'}")
    await no_overflow(page)
    assert await axe(page) == []
    assert await page.evaluate("() => document.fonts.check('600 18px \"Fira Sans\"')") is (lang != "ar")


async def test_the_chosen_theme_beats_the_system(sheet: str, new_page: NewPage) -> None:
    """``data-theme`` makes the page dark on a light system and light on a dark one."""
    for dark, theme, paper in ((False, "dark", "rgb(11, 12, 22)"), (True, "light", "rgb(255, 255, 255)")):
        page = await new_page(dark=dark)
        await page.goto(f"{sheet}/specimen.html?theme={theme}")
        assert await page.evaluate(PAPER) == paper


async def test_paper_is_white_whatever_the_theme(sheet: str, new_page: NewPage) -> None:
    """Printing a dark page gives ink on white, with the colours of levels and endings kept."""
    page = await new_page(794, 1123, dark=True)
    await page.goto(f"{sheet}/specimen.html?theme=dark")
    await page.emulate_media(media="print")
    assert await page.evaluate(PAPER) == "rgb(255, 255, 255)"
    assert await contrast(page, ".ending__sentence") >= 7
    assert await page.locator(".level--1").first.evaluate("(e) => getComputedStyle(e).printColorAdjust") == "exact"
    await screenshot(page, "specimen-print")


async def test_marks_look_different_without_colour(sheet: str, new_page: NewPage) -> None:
    """In greyscale no two levels, endings or occasions give the same picture, even with the words taken away."""
    page = await new_page(1280, 900)
    await page.goto(f"{sheet}/specimen.html")
    async with greyscale(page):
        await screenshot(page, "specimen-grey")
        words = "() => document.querySelectorAll('#levels span[class$=__word]').forEach(e => e.textContent = '–')"
        await page.evaluate(words)
        marks = await page.locator("#levels .cluster > *, #levels .occasion").all()
        pictures = [await mark.screenshot() for mark in marks]
    assert len(pictures) == 10
    assert len(set(pictures)) == 10


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160), (1080, 1920)])
@pytest.mark.parametrize("lang", ["de", "ar"])
async def test_a_screens_headline_is_big_and_plain(
    sheet: str, new_page: NewPage, width: int, height: int, lang: str
) -> None:
    """A wall's headline is at least 6 % of its height at 7:1 or more, for every level in both themes."""
    for level, dark in ((1, False), (2, True), (3, True), (3, False)):
        page = await new_page(width, height, dark=dark)
        await page.goto(f"{sheet}/screen.html?level={level}&lang={lang}")
        size = await page.locator("h1").evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= 0.06 * height
        assert await contrast(page, "h1") >= 7
        await no_overflow(page)
        if width < 3840:
            await screenshot(page, f"wall-{width}-{lang}-{level}-{'dark' if dark else 'light'}", full_page=False)


async def test_what_is_touched_is_big_enough(sheet: str, new_page: NewPage) -> None:
    """Everything that a finger presses measures 44 px or more in height."""
    page = await new_page(360, 720)
    await page.goto(f"{sheet}/specimen.html")
    boxes = "(all) => all.map(e => [e.textContent.trim() || e.name, e.getBoundingClientRect().height])"
    sizes = await page.eval_on_selector_all(".button, .input, .check, .site-header a, .site-footer a", boxes)
    assert len(sizes) > 10
    assert [name for name, height in sizes if height < 44] == []


async def test_kern_and_our_sheet_live_together(sheet: str, new_page: NewPage) -> None:
    """Under KERN's whole stylesheet, as in the console, the sheet looks as it does without."""
    page = await new_page(1280, 800)
    await page.goto(f"{sheet}/specimen.html?kern=1")
    await page.wait_for_selector("[data-ready]")
    await screenshot(page, "specimen-kern")
    await no_overflow(page)
    assert await axe(page) == []


async def test_the_first_tab_reaches_the_skip_link(sheet: str, new_page: NewPage) -> None:
    """A keyboard finds the skip link first, and it becomes visible with a ring around it."""
    page = await new_page(1280, 800)
    await page.goto(f"{sheet}/specimen.html")
    await page.keyboard.press("Tab")
    focused = page.locator(".skip-link:focus")
    box = await focused.bounding_box()
    assert box is not None
    assert box["height"] >= 20
    assert await focused.evaluate("(e) => parseFloat(getComputedStyle(e).outlineWidth)") >= 3
