"""Programs a test starts, watches and kills, and the push service they send to, which stays when they die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

ROOT = Path(__file__).parents[2]
START_S = 40.0
"""Importing everything on a busy machine takes its time."""


@dataclass(slots=True)
class Post:
    """A push service in the test's process: takes everything, slowly, and remembers what came in which order."""

    delay_s: float = 0.003
    arrivals: list[tuple[str, bytes]] = field(default_factory=list)
    origin: str = ""
    emptied: int = 0

    @property
    def count(self) -> int:
        """How many pushes arrived."""
        return len(self.arrivals)

    @property
    def ever(self) -> int:
        """How many arrived, with those that were taken out."""
        return self.emptied + len(self.arrivals)

    def empty(self) -> list[tuple[str, bytes]]:
        """Take out what arrived so far."""
        taken, self.arrivals = self.arrivals, []
        self.emptied += len(taken)
        return taken

    def per_path(self, start: int = 0) -> Counter[str]:
        """How often each endpoint was reached, from an arrival on."""
        return Counter(path for path, _ in self.arrivals[start:])

    def bodies(self, path: str) -> list[bytes]:
        """What reached an endpoint, in order."""
        return [body for there, body in self.arrivals if there == path]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Listen on loopback."""
        runner = web.ServerRunner(web.Server(self._take), shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.arrivals.append((request.path, body))
        await asyncio.sleep(self.delay_s)
        return web.Response(status=201)


class EndedError(AssertionError):
    """A program ended where it should have answered."""


@dataclass(slots=True)
class Child:
    """One run of ``tests.acceptance.child``."""

    process: asyncio.subprocess.Process
    errors: Path
    ports: dict[str, int] = field(default_factory=dict)

    async def answer(self, bound_s: float = START_S) -> dict[str, Any]:
        """The next line it prints."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), bound_s)
        if not line:
            raise EndedError(f"the child ended: {self.errors.read_text()[-4000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def order(self, kind: str, incident: str, *places: str) -> str:
        """Have a message issued; its incident."""
        return str((await self.say(kind, incident, *places))["incident"])

    async def say(self, *words: str) -> dict[str, Any]:
        """Give it an order; its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write((" ".join(words) + "\n").encode())
        await self.process.stdin.drain()
        return await self.answer()

    def logged(self, event: str) -> int:
        """How often it and those before it logged an event."""
        return self.errors.read_text().count(f'"event": "{event}"')

    async def end(self, number: signal.Signals, bound_s: float = 40.0) -> int:
        """Send it a signal and wait for its end; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), bound_s)


async def launch(errors: Path, module: str, *words: str) -> asyncio.subprocess.Process:
    """Start one of the tests' own programs, which takes orders and answers by the line; it has said nothing yet."""
    with errors.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )


@asynccontextmanager
async def child(folder: Path) -> AsyncIterator[Child]:
    """The program on this folder, serving; killed at the end if it still lives."""
    errors = folder / "child.log"
    process = await launch(errors, "tests.acceptance.child", str(folder))
    started = Child(process, errors)
    try:
        started.ports = await started.answer()
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(holds: Callable[[], object], bound_s: float = 60.0) -> None:
    """Poll until something holds."""
    async with asyncio.timeout(bound_s):
        while not holds():  # noqa: ASYNC110 - what is awaited happens in another process
            await asyncio.sleep(0.005)


@dataclass(slots=True)
class Run:
    """What a finished command said."""

    code: int
    out: str
    err: str


async def realis(
    *arguments: str, folder: Path, answers: str = "", bound_s: float = START_S, env: dict[str, str] | None = None
) -> Run:
    """Run ``python -m realis`` in a folder to its end."""
    process = await start(*arguments, folder=folder, env=env)
    try:
        out, err = await asyncio.wait_for(process.communicate(answers.encode()), bound_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode is not None
    return Run(process.returncode, out.decode(), err.decode())


async def start(
    *arguments: str,
    folder: Path,
    env: dict[str, str] | None = None,
    out: Path | None = None,
    stdin: int = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start ``python -m realis`` in a folder, with nothing of the tests' own environment but the path."""
    clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "200", "LANG": "C.UTF-8", "HOME": str(folder)}
    with contextlib.ExitStack() as stack:
        to = stack.enter_context(out.open("wb")) if out else asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "realis",
            *arguments,
            stdin=stdin,
            stdout=to,
            stderr=asyncio.subprocess.STDOUT if out else asyncio.subprocess.PIPE,
            cwd=folder,
            env=clean | (env or {}),
        )
