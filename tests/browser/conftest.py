"""One headless Chromium for all browser tests; each test gets pages of its own in contexts of its own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-port=0",
)
START_S = 60.0
WAIT_MS = 30_000
"""For whatever a page waits for; without it Playwright expects everything within five seconds."""

expect.set_options(timeout=WAIT_MS)


class NewPage(Protocol):
    """Opens a page in a context of its own, closed after the test.

    A script error or a breach of the content security policy on it fails the test.
    """

    async def __call__(
        self,
        width: int = 1280,
        height: int = 800,
        locale: str = "de-DE",
        *,
        dark: bool = False,
        permissions: tuple[str, ...] = (),
    ) -> Page:
        """A blank page of this size, language and colour scheme."""
        ...


@pytest.fixture(scope="session")
def chromium_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The debugging address of one Chromium that lives as long as the test session."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing; `make test` installs it")
    profile = tmp_path_factory.mktemp("chromium")
    log = (profile / "log").open("wb")
    process = subprocess.Popen(
        [CHROMIUM, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        yield f"http://127.0.0.1:{_debugging_port(profile, process)}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
        log.close()
        shutil.rmtree(profile, ignore_errors=True)


def _debugging_port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_S
    written = profile / "DevToolsActivePort"
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            return int(written.read_text().splitlines()[0])
        time.sleep(0.05)
    pytest.fail(f"Chromium did not start: {(profile / 'log').read_text(errors='replace')[-500:]}")


@pytest.fixture
async def browser(chromium_endpoint: str) -> AsyncIterator[Browser]:
    """The session's Chromium, seen from this test's event loop."""
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium_endpoint)
        yield connected
        await connected.close()


@pytest.fixture
async def new_page(browser: Browser) -> AsyncIterator[NewPage]:
    """Opens pages; see ``NewPage``."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            problems.append(message.text)

    async def open_page(
        width: int = 1280,
        height: int = 800,
        locale: str = "de-DE",
        *,
        dark: bool = False,
        permissions: tuple[str, ...] = (),
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            permissions=list(permissions),
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", heard)
        return page

    yield open_page
    await asyncio.gather(*(context.close() for context in contexts))
    assert problems == [], "the page had script errors or broke the content security policy"
