"""Make the README's pictures from the real pages of the running demo: ``.venv/bin/python docs/screenshots.py``.

It needs Chromium at /usr/bin/chromium, writes ``docs/images/*.png`` under fixed names and fails if a picture is too
heavy. It never touches an installation's data: the demo lives in a folder that is thrown away.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, StorageState, async_playwright, expect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.demo_stage import PASSWORD, DemoStage, demo_stage  # noqa: E402 - found through the line above

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000
MOST_IN_ALL = 1_500_000
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--lang=de-DE",
)
DESK = (1120, 900)
WALL = (1120, 630)
PHONE = (360, 760)
PAUSE_S = 5.0
ROUND_S = 90.0
"""Longer than a screen takes to show all its languages once."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Takes pictures of the demo's pages."""

    stage: DemoStage
    browser: Browser
    login: StorageState

    async def page(self, size: tuple[int, int], lang: str = "de-DE", *, desk: bool = False) -> Page:
        """A page of this size and language; at the desk as Bernd."""
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=lang,
            reduced_motion="reduce",
            storage_state=self.login if desk else None,
        )
        return await context.new_page()

    async def desk(self, name: str, path: str) -> None:
        """A picture of the console."""
        page = await self.page(DESK, desk=True)
        await page.goto(f"{self.stage.url}{path}")
        await self.keep(page, f"console-{name}")

    async def phone(self, name: str, path: str, lang: str = "de-DE", *, quiz: bool = False) -> None:
        """A picture of the citizens' pages; a lesson is played on to its first question if ``quiz``."""
        page = await self.page(PHONE, lang)
        await page.goto(f"{self.stage.url}{path}")
        if quiz:
            await play_to_question(page)
        await self.keep(page, name)

    async def keep(self, page: Page, name: str) -> None:
        """Write the picture, close its page."""
        await page.evaluate("() => document.fonts.ready.then(() => true)")
        await page.screenshot(path=IMAGES / f"{name}.png")
        await page.context.close()
        print(name)


async def play_to_question(page: Page) -> None:
    """Press on until the lesson asks its first question, and answer it rightly."""
    question = page.locator("fieldset.question:visible").first
    while not await question.is_visible():
        await page.locator("#course-next").click()
    right = await question.get_attribute("data-right")
    await question.locator(f"input[value='{right}']").check()
    await page.locator(".course-progress").evaluate("(e) => e.scrollIntoView()")


async def log_in(browser: Browser, stage: DemoStage) -> StorageState:
    """Bernd's session, with his one-time password replaced."""
    page = await browser.new_page(locale="de-DE")
    await page.goto(f"{stage.url}/console/login")
    await page.get_by_label("Anmeldename").fill("bernd")
    await page.get_by_label("Passwort").fill(stage.demo_data.passwords["bernd"])
    await page.get_by_role("button", name="Anmelden").click()
    for field, word in (("#old", stage.demo_data.passwords["bernd"]), ("#new", PASSWORD), ("#again", PASSWORD)):
        await page.locator(field).fill(word)
    await page.get_by_role("button", name="Passwort ändern").click()
    await page.wait_for_url("**/console/")
    state = await page.context.storage_state()
    await page.context.close()
    return state


async def wall(camera: Camera, name: str, *, scene: str, lang: str = "de") -> None:
    """A picture of the public screen once it shows this scene in this language."""
    page = await camera.page(WALL)
    await page.goto(camera.stage.screen)
    await expect(page.locator("html")).to_have_attribute("data-scene", scene)
    if scene != "idle":
        await expect(page.locator("h1")).to_have_attribute("lang", lang, timeout=ROUND_S * 1000)
    await camera.keep(page, f"screen-{name}")


async def before(camera: Camera) -> None:
    """Nothing is wrong; a lesson; then the draft and its release."""
    stage = camera.stage
    await stage.until("idle")
    await wall(camera, "idle-de", scene="idle")
    await camera.phone("phone-subscribe-de", "/subscribe")
    await camera.phone("lesson-de", "/courses/hochwasser")
    await camera.phone("lesson-quiz-de", "/courses/hochwasser", quiz=True)
    await stage.until("written-1")
    await camera.desk("edit", f"/console/drafts/{stage.draft.id}")
    await stage.until("submitted-1")
    await camera.desk("release", f"/console/drafts/{stage.draft.id}/release")


async def during(camera: Camera) -> None:
    """The warning on every face, then its update at the desk and on the staged accounts."""
    stage = camera.stage
    await stage.until("issued-1")
    await wall(camera, "warning-de", scene="alert")
    await wall(camera, "warning-ar", scene="alert", lang="ar")
    await camera.phone("phone-start-de", "/")
    await camera.phone("phone-warning-de", f"/alerts/{stage.draft.incident}")
    await camera.phone("phone-warning-ar", f"/alerts/{stage.draft.incident}", "ar")
    await stage.until("issued-2")
    await stage.another()
    await camera.desk("incident", f"/console/incidents/{stage.draft.incident}")
    await camera.desk("board", "/console/")
    for name, address in stage.pages.items():
        page = await camera.page((800, 900))
        await page.goto(address)
        await camera.keep(page, f"standin-{name}")


async def after(camera: Camera) -> None:
    """Entwarnung."""
    stage = camera.stage
    await stage.until("issued-3")
    await wall(camera, "all-clear-de", scene="ending")
    await camera.phone("phone-ended-de", f"/alerts/{stage.draft.incident}")


async def main() -> None:
    """Play the demo, take every picture, check their weight."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with async_playwright() as playwright, demo_stage(Path(folder), pause_s=PAUSE_S) as stage:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=list(ARGUMENTS), env={"LANGUAGE": "de_DE"}
            )
            camera = Camera(stage, browser, await log_in(browser, stage))
            for act in (before, during, after):
                await act(camera)
            await browser.close()
    weigh()


def weigh() -> None:
    """Refuse pictures that would make the repository heavy."""
    sizes = {picture.name: picture.stat().st_size for picture in sorted(IMAGES.glob("*.png"))}
    heavy = [name for name, size in sizes.items() if size > MOST_BYTES]
    if heavy or sum(sizes.values()) > MOST_IN_ALL:
        sys.exit(f"too heavy: {', '.join(heavy) or sum(sizes.values())}")


if __name__ == "__main__":
    asyncio.run(main())
