"""``realis init`` and ``realis serve``, and the families of commands below them."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from realis.app import log
from realis.app.container import ProcessRole
from realis.app.file_access import data_dir_obstacle
from realis.app.pairing import screen_target
from realis.app.settings import DATA_DIR, Settings
from realis.app.wiring import build
from realis.cli import backup, doctor, keys, messages, people
from realis.cli.common import CONFIG, ConfigOption, err, out, run, settings_from
from realis.cli.frame import Family
from realis.cli.init import GivenAnswers, SetupAnswers, answers, write_settings
from realis.demo import presenter

app = Family("REALIS: die Krisenkommunikation einer Stadt.")
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
def init(
    city: Annotated[str | None, typer.Option(help="Name der Stadt")] = None,
    authority: Annotated[str | None, typer.Option(help="Wer warnt, wie es die Öffentlichkeit liest")] = None,
    centre: Annotated[str | None, typer.Option(help="Mittelpunkt: ein Ort, oder Breite und Länge")] = None,
    radius_km: Annotated[float | None, typer.Option(help="Radius des Stadtgebiets", min=0.1, max=200)] = None,
    districts: Annotated[
        bool | None, typer.Option("--districts/--no-districts", help="Die bekannten Ortsteile übernehmen")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="Kontakt, den die Öffentlichkeit sieht")] = None,
    public_url: Annotated[str | None, typer.Option(help="Öffentliche Adresse")] = None,
    administrator: Annotated[str | None, typer.Option(help="Anmeldename der ersten Administration")] = None,
    capturer: Annotated[str | None, typer.Option(help="Anmeldename: wer Warnungen schreibt")] = None,
    releaser: Annotated[str | None, typer.Option(help="Anmeldename: wer sie freigibt")] = None,
    screen: Annotated[str | None, typer.Option(help="Name eines ersten Bildschirms")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Fragt nach Stadt, Orten und Personen und schreibt die Einstellungen; was Optionen sagen, wird nicht gefragt."""
    if config.exists():
        err.print(f"{config} gibt es schon; nichts geändert.")
        raise typer.Exit(1)
    if stopped := data_dir_obstacle(config.parent / DATA_DIR):
        raise stopped
    given = GivenAnswers(
        city=city,
        authority=authority,
        centre=centre,
        radius_km=radius_km,
        districts=districts,
        contact=contact,
        public_url=public_url,
        administrator=administrator,
        capturer=capturer,
        releaser=releaser,
        screen=screen,
    )
    _set_up(config, answers(given))


def _set_up(config: Path, given: SetupAnswers) -> None:
    """Write the settings, add the people, pair the screen, and say how it goes on."""
    write_settings(config, given)
    settings = settings_from(config)
    out.print(f"\nGeschrieben: {config}")
    roles_by_name = given.people()
    for name, password in run(people.add_users(settings, roles_by_name)).items():
        roles = roles_by_name[name]
        said = ", ".join(sorted(role.value for role in roles))
        out.print(f"Anmeldung als {name} ({said}), Einmal-Passwort (wird nur jetzt gezeigt): {password}")
    if given.screen:
        new = screen_target(settings.as_city(), given.screen, "", joined=False)
        out.print(f"Bildschirm „{given.screen}“, einmal öffnen, wenn REALIS läuft: {run(people.pair(settings, new))}")
    out.print(f"Weiter mit: realis serve, dann {settings.public_url}/console/ öffnen.")


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Übungs-Vorführung nur auf diesem Rechner")] = False,
    config: ConfigOption = CONFIG,
    data_dir: Annotated[Path, typer.Option(help="Verzeichnis der Demo")] = Path("var/demo"),
    port: Annotated[int, typer.Option(help="HTTP der Demo", min=0, max=65535)] = 8080,
    gateway_port: Annotated[
        int | None, typer.Option(help="Bildschirme der Demo; ohne: der Port nach --port", min=0, max=65535)
    ] = None,
    role: Annotated[
        ProcessRole, typer.Option(help="Nur dieser Teil; mehrere Rechner teilen sich PostgreSQL")
    ] = ProcessRole.ALL,
    tempo: Annotated[float, typer.Option(help="Tempo der Demo: 2 ist doppelt so schnell", min=0.1, max=100)] = 1.0,
) -> None:
    """Startet REALIS: Warnpult, Bürgerseiten, Bildschirme und Versand in einem Prozess."""
    log.configure(level="WARNING" if demo else "INFO")
    if demo:
        run(
            presenter.run(
                data_dir, port=port, gateway_port=port + 1 if gateway_port is None else gateway_port, tempo=tempo
            )
        )
        return
    settings = settings_from(config)
    log.configure(level=settings.log_level)
    run(_serve(settings, role))


def start() -> None:
    """Run the command line as ``realis``, however it was started."""
    app(prog_name="realis")


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
