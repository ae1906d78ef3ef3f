"""The console in Chromium: the whole way of a warning by two people, and how every page looks and reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from realis.model.alert import Level, Occasion
from realis.model.delivery import State
from realis.model.draft import DraftKind
from realis.policy.approval import Role
from tests.browser.conftest import NewPage
from tests.browser.look import axe, no_overflow, screenshot
from tests.fakes.counts import night, telling
from tests.support.desk import PASSWORD, House, content, house, serve, triangle

pytestmark = pytest.mark.browser

SIZES = ((360, 740), (1280, 800), (3840, 2160))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    """A desk with two operators and an administrator."""
    async with house(tmp_path) as made:
        await made.person("anna", Role.CAPTURE, Role.ADMIN)
        await made.person("bernd", Role.CAPTURE, Role.RELEASE)
        yield made


@pytest.fixture
async def address(here: House) -> AsyncIterator[str]:
    """Where its console listens."""
    async with serve(here) as url:
        yield url


async def _login(page: Page, address: str, name: str) -> None:
    await page.goto(f"{address}/console/login")
    await page.get_by_label("Anmeldename").fill(name)
    await page.get_by_label("Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Anmelden").click()
    await expect(page.get_by_role("heading", name="Übersicht")).to_be_visible()


@contextlib.asynccontextmanager
async def _sending(here: House) -> AsyncIterator[None]:
    """While inside, what is due is issued and what was issued is sent."""

    async def issue() -> None:
        while True:
            await here.desk.issuer.issue_due()
            await asyncio.sleep(0.05)

    dispatcher = here.dispatcher()
    tasks = [asyncio.create_task(issue()), asyncio.create_task(dispatcher.run())]
    try:
        yield
    finally:
        dispatcher.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_from_draft_to_all_clear_by_two_people(here: House, address: str, new_page: NewPage) -> None:
    """Anna writes and submits, Bernd releases, it pauses, goes out, is counted, ticked by hand and ended."""
    anna, bernd = await new_page(), await new_page(width=360, height=740)
    await _login(anna, address, "anna")
    await _login(bernd, address, "bernd")
    async with _sending(here):
        await _write(anna)
        await bernd.get_by_role("link", name="Prüfen und freigeben").click()
        await bernd.get_by_role("button", name="Freigeben").click()
        await expect(bernd.get_by_role("button", name="Anhalten")).to_be_visible()
        await expect(bernd.locator("[data-countdown]")).not_to_have_text("10")
        here.clock.forward(seconds=11)
        await expect(bernd.locator("#live")).to_contain_text("Angenommen")
        await expect(bernd.locator("#live")).to_have_attribute("data-busy", "no")
        await bernd.reload()
        await bernd.get_by_role("button", name="Abhaken").click()
        await expect(bernd.get_by_text("Erledigt von bernd")).to_be_visible()
        await bernd.get_by_role("button", name="Entwarnung").click()
        await bernd.get_by_role("button", name="Zur Freigabe vorlegen").click()
        await expect(bernd.get_by_text("Sie können hier nicht freigeben.")).to_be_visible()


async def _write(page: Page) -> None:
    await page.get_by_role("link", name="Neue Meldung").first.click()
    await page.get_by_role("radio", name="Übung").check()
    await page.get_by_label("Ereignis").select_option(index=1)
    await page.get_by_role("button", name="Entwurf anlegen").click()
    await page.locator("#headline_de").fill("Hochwasser in Weidenau")
    await expect(page.locator("#preview")).to_contain_text("Hochwasser in Weidenau")
    await page.get_by_role("button", name="in 3 h").click()
    await expect(page.locator("#expires_time")).to_have_value("06:05")
    await page.get_by_label("Weidenau").check()
    await expect(page.get_by_role("img", name="Umriss des Gebiets: Weidenau")).to_be_visible()
    await page.get_by_role("button", name="Zur Freigabe vorlegen").click()
    await expect(page.get_by_text("Sie können hier nicht freigeben.")).to_be_visible()


async def test_it_works_without_scripts(here: House, address: str, new_page: NewPage) -> None:
    """With JavaScript off a warning can be written, looked at, submitted, released and seen pausing."""
    first = await new_page()
    browser = first.context.browser
    assert browser is not None
    context = await browser.new_context(java_script_enabled=False, locale="de-DE")
    page = await context.new_page()
    try:
        await _login(page, address, "bernd")
        draft = await here.submitted(here.people["anna"], content())
        await page.goto(f"{address}/console/drafts/{draft.id}/release")
        await page.get_by_role("button", name="Freigeben").click()
        await expect(page.get_by_text("Sekunden bis zum Versand")).to_be_visible()
        await page.get_by_role("button", name="Anhalten").click()
        await page.get_by_role("button", name="in 1 h").click()
        await expect(page.locator("#expires_time")).to_have_value("04:05")
        await page.get_by_role("button", name="Vorschau aktualisieren").click()
        await page.get_by_role("button", name="Nur speichern").click()
        await expect(page.get_by_text("Gespeichert.")).to_be_visible()
    finally:
        await context.close()


async def test_a_lost_server_is_said(here: House, address: str, new_page: NewPage) -> None:
    """A page that cannot reach the server says that what it shows may be old, and takes it back afterwards."""
    page = await new_page()
    await _login(page, address, "anna")
    await page.route("**/console/parts/board", lambda route: route.abort())
    await expect(page.locator("#offline")).to_be_visible(timeout=15_000)
    await page.unroute("**/console/parts/board")
    await expect(page.locator("#offline")).to_be_hidden(timeout=15_000)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", ["de", "ar"])
async def test_pages_look_right(here: House, address: str, new_page: NewPage, language: str, dark: bool) -> None:
    """At 360, 1280 and 3840 px, in German and Arabic, by day and night: nothing overflows, axe finds nothing."""
    paths = await _furnish(here)
    page = await new_page(dark=dark)
    await page.goto(f"{address}/console/login?lang=de")
    await _login(page, address, "bernd")
    found: list[str] = []
    async with _sending(here):
        for name, path in paths.items():
            for width, height in SIZES:
                await page.set_viewport_size({"width": width, "height": height})
                await page.goto(f"{address}{path}?lang={language}")
                if name != "login":
                    await expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
                shade = "dark" if dark else "light"
                await screenshot(page, f"console_{name}_{width}_{language}_{shade}")
                try:
                    await no_overflow(page)
                except AssertionError as error:
                    found.append(f"{name} {width}: {error}")
                if width != 3840:
                    found += [f"{name} {width}: {line}" for line in await axe(page)]
    assert found == []


@pytest.mark.parametrize(
    ("language", "dark"), [("de", False), ("de", True), ("ar", False)], ids=["de", "de-dark", "ar"]
)
async def test_a_nights_figures_look_right(here: House, new_page: NewPage, language: str, dark: bool) -> None:
    """Every state, reason, deadline and time of a large sending fits at 360, 1280 and 3840 px; axe finds nothing."""
    anna, bernd = here.people["anna"], here.people["bernd"]
    incident = (await here.issued(anna, bernd, content(Occasion.ERNSTFALL, level=Level.EXTREME))).incident
    page, found = await new_page(dark=dark), []
    async with telling(here, night(here)) as address:
        await _login(page, address, "bernd")
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            await page.goto(f"{address}/console/incidents/{incident}?lang={language}")
            await expect(page.locator(".tally")).to_have_count(5)
            await screenshot(page, f"console_counts_{width}_{language}_{'dark' if dark else 'light'}")
            await no_overflow(page)
            if width != 3840:
                found += await axe(page)
    assert found == []


async def test_figures_move_under_the_reader(here: House, new_page: NewPage) -> None:
    """New figures arrive by themselves and take neither the focus nor the place from whoever is reading."""
    anna, bernd = here.people["anna"], here.people["bernd"]
    incident = (await here.issued(anna, bernd, content(Occasion.ERNSTFALL))).incident
    page, (busy, *others) = await new_page(), night(here)
    told = [busy, *others]
    async with telling(here, told) as address:
        await _login(page, address, "bernd")
        await page.goto(f"{address}/console/incidents/{incident}")
        await expect(page.locator(".tally").first).to_contain_text("12 warten")
        button = page.get_by_role("button", name="Aktualisieren")
        await button.focus()
        told[0] = replace(busy, states={State.ACCEPTED: busy.planned}, retry_due=None)
        await expect(page.locator(".tally").first).to_contain_text("Angenommen 104.444")
        await expect(button).to_be_focused()
        await expect(page.locator(".tally").first).not_to_contain_text("warten")


async def _furnish(here: House) -> dict[str, str]:
    anna, bernd = here.people["anna"], here.people["bernd"]
    real = content(Occasion.ERNSTFALL, level=Level.EXTREME, channels=("by_hand", "terminal", "short", "public"))
    await here.issued(anna, bernd, real)
    in_force = (await here.desk.overview.board())[0].incident
    ended = await here.issued(anna, bernd, content(Occasion.PROBEWARNUNG, level=Level.INFORMATION))
    clear = await here.desk.authoring.follow_up(anna.actor, ended.incident, kind=DraftKind.ALL_CLEAR)
    clear = await here.desk.authoring.submit(anna.actor, clear.id, version=clear.version)
    await here.desk.approval.release(bernd.actor, clear.id, digest=clear.digest)
    here.clock.forward(seconds=11)
    await here.desk.issuer.issue_due()
    waiting = await here.submitted(anna, content())
    foreign = await here.incoming(
        content(Occasion.ERNSTFALL, areas=(triangle(),)),
        "Die Meldung ist seit 2 Stunden abgelaufen.",
        "Die Meldung verweist auf eine Meldung, die hier nicht bekannt ist.",
    )
    pausing = await here.submitted(anna, content())
    await here.desk.approval.release(bernd.actor, pausing.id, digest=pausing.digest)
    update = await here.desk.authoring.follow_up(anna.actor, in_force, kind=DraftKind.UPDATE)
    await here.person("carla", Role.ADMIN)
    await here.users.set_roles(bernd.id, frozenset({Role.CAPTURE, Role.RELEASE, Role.ADMIN}))
    return {
        "board": "/console/",
        "edit": f"/console/drafts/{foreign.id}",
        "update": f"/console/drafts/{update.id}",
        "release": f"/console/drafts/{waiting.id}/release",
        "incident": f"/console/incidents/{in_force}",
        "pause": f"/console/incidents/{pausing.incident}",
        "new": "/console/new",
        "users": "/console/admin/users",
        "trail": "/console/trail",
        "password": "/console/password",
    }
