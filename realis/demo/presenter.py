"""``realis serve --demo``: starts everything on this machine, plays the flood, then stays to play with."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.table import Table
from rich.text import Text

from realis.app.container import Services
from realis.app.example_alert import ExampleStatus, example_alert
from realis.app.wiring import App, build
from realis.cap.writer import write
from realis.demo.flood import Flood
from realis.demo.keyboard import Keyboard
from realis.demo.seed import VARIATION, DemoData, data, seed, settings
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.intake.openapi import PATH
from realis.model.delivery import State
from realis.ports.read_models import ChannelCount

PACE_S = 8.0
PAUSE_S = 3.0
REFRESH_S = 0.25
WATCH_S = 10.0
WAIT_S = 60.0
"""How long the script waits for its audience, where there is a terminal; without one it begins at once."""

_FAILED = (State.GONE, State.REJECTED, State.EXPIRED, State.UNKNOWN)


async def run(data_dir: Path, *, port: int, gateway_port: int, tempo: float = 1.0) -> None:
    """The demo, until Ctrl-C.

    Raises:
        ConfigurationError: the database is not a demo's, or another one runs.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # Whatever prints while the live table stands, as the channel Terminal does, must go through the same console, or
    # the next redrawing of the table would overwrite it.
    console = Console(highlight=False, markup=False, emoji=False, file=sys.stdout)
    async with SimulatedTelegram(port=0) as telegram, SimulatedMastodon(port=0) as mastodon, Keyboard() as keyboard:
        config = settings(
            data_dir,
            port=port,
            gateway_port=gateway_port,
            telegram=telegram,
            mastodon=mastodon,
            pause_s=PAUSE_S / tempo,
        )
        async with contextlib.AsyncExitStack() as stack:
            if console.is_terminal:
                stack.enter_context(contextlib.redirect_stdout(FileProxy(console, sys.stdout)))
            app = await stack.enter_async_context(build(config, variation=VARIATION))
            pages = {"Telegram (nachgestellt)": telegram.page_url, "Mastodon (nachgestellt)": mastodon.page_url}
            presenter = Presenter(app, pages=pages, console=console, keyboard=keyboard)
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(app.run(stop), name="serve")
                playing = group.create_task(presenter.play(PACE_S / tempo), name="flood")
                await asyncio.wait({serving})
                playing.cancel()


class Presenter:
    """What the person at the terminal sees."""

    def __init__(self, app: App, *, pages: dict[str, str], console: Console, keyboard: Keyboard) -> None:
        self._app = app
        self._pages = pages
        self._console = console
        self._keyboard = keyboard

    @property
    def _core(self) -> Services:
        return self._app.core

    async def play(self, pace_s: float) -> None:
        """Introduce, wait for the audience, play the flood, and again for each key that asks for it."""
        people = await seed(self._core, str(data("flood.toml")["authority"]))
        self._introduce(people)
        flood = Flood(self._core, people, f"http://127.0.0.1:{self._app.http_port}", pace_s, self._say, self._watch)
        if self._keyboard.is_terminal:
            self._console.print(
                f"\nEs beginnt mit der ersten geöffneten Seite, mit jeder Taste, spätestens nach {WAIT_S:.0f} Sekunden."
            )
            await self.audience(WAIT_S)
        while True:
            incident = await flood.play()
            self._say("Die Übung ist zu Ende.", f" Lage: {self._core.city.public_url}/alerts/{incident}")
            self._console.print("REALIS läuft weiter; probieren Sie es aus. Beenden mit Strg-C.")
            if self._keyboard.is_terminal:
                self._console.print("Noch einmal: Taste n oder Enter.")
            await self._keyboard.again()

    async def audience(self, most_s: float) -> None:
        """Wait until a page is asked for or a key is pressed, at most this long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                waiting = {asyncio.create_task(self._keyboard.any_key()), asyncio.create_task(self._first_page())}
                try:
                    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in waiting:
                        task.cancel()

    async def _first_page(self) -> None:
        server = self._app.runner.server if self._app.runner else None
        while server is not None and not server.requests_count:  # noqa: ASYNC110 - the server counts, and tells nobody
            await asyncio.sleep(REFRESH_S)

    def _introduce(self, people: DemoData) -> None:
        base = self._core.city.public_url
        self._console.print("REALIS – Vorführung als ÜBUNG, nur auf diesem Rechner\n", style="bold")
        rows = {
            "Handy": f"{base}/",
            "Warnpult": f"{base}/console/",
            **{f"Bildschirm {name}": url for name, url in people.screens.items()},
            **self._pages,
            "Übungs-Feed": f"{base}/feeds/exercise/cap.atom",
            **{f"Anmeldung {name}": f"Passwort {word}" for name, word in people.passwords.items()},
        }
        for name, value in rows.items():
            self._console.print(f"  {name:<28} {value}", soft_wrap=True)

        self._introduce_intake(people)

    def _introduce_intake(self, people: DemoData) -> None:
        """How to send a message as an authority would."""
        core = self._core
        file = core.settings.data_dir / "beispiel.xml"
        file.write_bytes(write(example_alert(core.city, "", ExampleStatus.EXERCISE, core.clock.now())))
        base, token = core.city.public_url, people.authority_token
        self._console.print("\n  Eine Meldung wie von einer Behörde (eine Stunde gültig), in einem zweiten Terminal:")
        for line in (
            f"REALIS_TOKEN={token} realis alert send {file} --url {base}",
            f"curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/cap+xml' "
            f"--data-binary @{file} {base}{PATH}",
        ):
            self._console.print(f"    {line}", soft_wrap=True)

    def _say(self, line: str, more: str = "") -> None:
        self._console.print(Text.assemble((f"\n▸ {line}", "bold"), more), soft_wrap=True)

    async def _watch(self, incident: UUID) -> None:
        """The live table, until every channel of the newest revision is done."""
        counts = await self._core.desk.overview.counts(incident)
        with (
            Live(_table(counts), console=self._console, refresh_per_second=4) as live,
            contextlib.suppress(TimeoutError),
        ):
            async with asyncio.timeout(WATCH_S):
                while not _finished(counts):
                    await asyncio.sleep(REFRESH_S)
                    counts = await self._core.desk.overview.counts(incident)
                    live.update(_table(counts))


def _finished(counts: tuple[ChannelCount, ...]) -> bool:
    done = (sum(n for state, n in c.states.items() if state not in (State.PLANNED, State.RETRYING)) for c in counts)
    return all(c.planning_done and total >= c.planned for c, total in zip(counts, done, strict=True))


def _table(counts: tuple[ChannelCount, ...]) -> Table:
    table = Table("Kanal", "Ziele", "an", "gezeigt", "Fehler", "erstes", "letztes")
    for count in counts:
        failed = sum(count.states.get(state, 0) for state in _FAILED)
        table.add_row(
            count.channel,
            str(count.planned),
            str(count.states.get(State.ACCEPTED, 0)),
            str(count.confirmed),
            str(failed),
            _ms(count.first_ms),
            _ms(count.last_ms),
        )
    return table


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"
