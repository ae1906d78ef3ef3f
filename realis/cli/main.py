"""``realis init`` and ``realis serve``, and the families of commands below them."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from realis.app import log
from realis.app.container import ProcessRole
from realis.app.settings import Settings
from realis.app.wiring import build
from realis.cli import backup, doctor, keys, messages, people
from realis.cli.common import CONFIG, ConfigOption, err, out, run, settings_from
from realis.cli.init import ask, write_settings
from realis.demo import presenter
from realis.policy.approval import Role

app = typer.Typer(
    help="REALIS: die Krisenkommunikation einer Stadt.", no_args_is_help=True, pretty_exceptions_show_locals=False
)
app.add_typer(people.users, name="user")
app.add_typer(people.tokens, name="token")
app.add_typer(people.displays, name="display")
app.add_typer(keys.keys, name="keys")
app.add_typer(messages.alerts, name="alert")
app.add_typer(messages.cap, name="cap")
app.add_typer(messages.incidents, name="incident")
app.add_typer(messages.audit, name="audit")
app.add_typer(messages.db, name="db")
app.command("doctor")(doctor.check)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)


@app.command()
def init(config: ConfigOption = CONFIG) -> None:
    """Fragt nach Stadt, Gebiet und Administration und schreibt die Einstellungen."""
    if config.exists():
        err.print(f"{config} gibt es schon; nichts geändert.")
        raise typer.Exit(1)
    answers = ask()
    write_settings(config, answers)
    settings = settings_from(config)
    password = run(people.add_user(settings, answers.administrator, frozenset({Role.ADMIN})))
    out.print(f"\nGeschrieben: {config}")
    out.print(f"Anmeldung als {answers.administrator}, Einmal-Passwort (wird nur jetzt gezeigt): {password}")
    out.print("Weiter mit: realis serve")


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Übungs-Vorführung nur auf diesem Rechner")] = False,
    config: ConfigOption = CONFIG,
    data_dir: Annotated[Path, typer.Option(help="Verzeichnis der Demo")] = Path("var/demo"),
    port: Annotated[int, typer.Option(help="HTTP der Demo")] = 8080,
    gateway_port: Annotated[int, typer.Option(help="Bildschirme der Demo")] = 8081,
    role: Annotated[
        ProcessRole, typer.Option(help="Nur dieser Teil; mehrere Rechner teilen sich PostgreSQL")
    ] = ProcessRole.ALL,
    tempo: Annotated[float, typer.Option(help="Tempo der Demo: 2 ist doppelt so schnell", min=0.1, max=100)] = 1.0,
) -> None:
    """Startet REALIS: Warnpult, Bürgerseiten, Bildschirme und Versand in einem Prozess."""
    log.configure(level="WARNING" if demo else "INFO")
    if demo:
        run(presenter.run(data_dir, port=port, gateway_port=gateway_port, tempo=tempo))
        return
    settings = settings_from(config)
    log.configure(level=settings.log_level)
    run(_serve(settings, role))


async def _serve(settings: Settings, part: ProcessRole) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with build(settings, part=part) as app_parts:
        if part.serves_pages:
            out.print(
                f"REALIS für {settings.city.name}: {settings.public_url} (Warnpult: {settings.public_url}/console/)"
            )
        await app_parts.run(stop)
