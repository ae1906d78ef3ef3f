"""``realis serve --demo``: starts everything on this machine, plays the flood, then stays to play with."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.live import Live
from rich.table import Table

from realis.app.container import Services
from realis.app.wiring import App, build
from realis.demo.flood import Flood
from realis.demo.seed import VARIATION, DemoData, data, seed, settings
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.model.delivery import State
from realis.ports.read_models import ChannelCount

PACE_S = 8.0
PAUSE_S = 3.0
REFRESH_S = 0.25
WATCH_S = 10.0

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
    async with SimulatedTelegram(port=0) as telegram, SimulatedMastodon(port=0) as mastodon:
        config = settings(
            data_dir,
            port=port,
            gateway_port=gateway_port,
            telegram=telegram,
            mastodon=mastodon,
            pause_s=PAUSE_S / tempo,
        )
        async with build(config, variation=VARIATION) as app:
            stage = Presenter(
                app, pages={"Telegram (nachgestellt)": telegram.page_url, "Mastodon (nachgestellt)": mastodon.page_url}
            )
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(app.run(stop), name="serve")
                playing = group.create_task(stage.play(PACE_S / tempo), name="flood")
                await asyncio.wait({serving})
                playing.cancel()


class Presenter:
    """What the person at the terminal sees."""

    def __init__(self, app: App, *, pages: dict[str, str]) -> None:
        self._app = app
        self._pages = pages
        self._console = Console(highlight=False)

    @property
    def _core(self) -> Services:
        return self._app.core

    async def play(self, pace_s: float) -> None:
        """Introduce, play the flood, say what remains."""
        people = await seed(self._core, str(data("flood.toml")["authority"]))
        self._introduce(people)
        flood = Flood(self._core, people, f"http://127.0.0.1:{self._app.http_port}", pace_s, self._say, self._watch)
        incident = await flood.play()
        self._console.print(
            f"\n[bold]Die Übung ist zu Ende.[/bold] Lage: {self._core.city.public_url}/alerts/{incident}\n"
            "REALIS läuft weiter; probieren Sie es aus. Beenden mit Strg-C."
        )

    def _introduce(self, people: DemoData) -> None:
        base = self._core.city.public_url
        self._console.print("[bold]REALIS – Vorführung als ÜBUNG, nur auf diesem Rechner[/bold]\n")
        rows = {
            "Handy": f"{base}/",
            "Warnpult": f"{base}/console/",
            **{f"Bildschirm {name}": url for name, url in people.screens.items()},
            **self._pages,
            "Übungs-Feed": f"{base}/feeds/exercise/cap.atom",
            **{f"Anmeldung {name}": f"Einmal-Passwort {word}" for name, word in people.passwords.items()},
        }
        for name, value in rows.items():
            self._console.print(f"  {name:<28} {value}", soft_wrap=True)

    def _say(self, line: str) -> None:
        self._console.print(f"\n[bold]▸ {line}[/bold]")

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
