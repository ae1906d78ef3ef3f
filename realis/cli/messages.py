"""``realis alert``, ``realis cap``, ``realis incident``, ``realis audit``, ``realis db``: messages and records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from realis.app.clock import SystemClock
from realis.app.example_alert import ExampleStatus, example_alert
from realis.cap.reader import read
from realis.cap.rules import check
from realis.cap.writer import write
from realis.cli.common import CONFIG, ConfigOption, database, fail, out, run, settings_from
from realis.cli.frame import Family
from realis.intake.client import send
from realis.model.errors import CommandError
from realis.storage import audit as audit_chain
from realis.storage.drafts import SqlDesk

alerts = Family("Meldungen an ein laufendes REALIS.")
cap = Family("CAP-Dateien.")
incidents = Family("Lagen.")
audit = Family("Das Protokoll.")
db = Family("Die Datenbank.")


MessageFile = Annotated[Path, typer.Argument(metavar="DATEI", exists=True, dir_okay=False, help="CAP-Meldung")]


@alerts.command("send")
def alert_send(
    file: MessageFile,
    token: Annotated[str, typer.Option(envvar="REALIS_TOKEN", help="Zugang der Behörde")],
    url: Annotated[
        str, typer.Option(help="Adresse des laufenden REALIS; ohne: public_url aus der Einstellungsdatei")
    ] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Sendet eine CAP-Meldung, wie es eine Behörde täte."""
    status, answer = run(send(file.read_bytes(), url or settings_from(config).public_url, token))
    if status not in (200, 201):
        fail(
            CommandError(
                str(answer.get("title", f"Antwort {status}")),
                where=str(answer.get("where", "")),
                remedy=str(answer.get("remedy", "")),
            )
        )
    out.print("Schon bekannt, nichts geändert." if status == 200 else "Angenommen.")
    out.print(f"Lage: {answer['incident']}\nEntwurf: {answer['draft']}")
    problems = answer.get("problems")
    for problem in problems if isinstance(problems, list) else []:
        out.print(f"  ! {problem}")


@alerts.command("example")
def alert_example(
    file: Annotated[Path | None, typer.Argument(metavar="DATEI", help="Wohin; ohne: auf die Standardausgabe")] = None,
    place: Annotated[str, typer.Option(help="Kennung des Ortes; ohne: der erste der Einstellungen")] = "",
    status: Annotated[ExampleStatus, typer.Option(help="Anlass der Meldung")] = ExampleStatus.EXERCISE,
    config: ConfigOption = CONFIG,
) -> None:
    """Schreibt eine gültige CAP-Meldung mit Zeiten von jetzt, zum Ausprobieren von `realis alert send`."""
    written = write(example_alert(settings_from(config).as_city(), place, status, SystemClock().now()))
    if file is None:
        sys.stdout.buffer.write(written)
        return
    with file.open("xb") as opened:
        opened.write(written)
    out.print(f"Geschrieben: {file}")


@cap.command("check")
def cap_check(file: MessageFile) -> None:
    """Liest eine CAP-Datei und nennt, was daran nicht stimmt."""
    result = read(file.read_bytes())
    findings = (*result.problems, *check(result.alert, SystemClock().now(), list(result.alert.references)))
    out.print(f"{result.alert.identifier}: lesbar, {len(findings)} Hinweis(e)")
    for finding in findings:
        out.print(f"  {finding.rule}: {finding.text}")


@incidents.command("list")
def incident_list(config: ConfigOption = CONFIG) -> None:
    """Zeigt die Lagen der letzten 30 Tage."""

    async def work() -> None:
        clock = SystemClock()
        table = Table("Lage", "Anlass", "Stufe", "Stand", "Rev.", "Titel")
        async with database(settings_from(config)) as opened:
            for entry in await SqlDesk(opened, clock).board(clock.now()):
                table.add_row(
                    str(entry.incident),
                    entry.occasion.value,
                    str(int(entry.level)),
                    entry.stage.value,
                    str(entry.revision),
                    entry.title,
                )
        out.print(table, soft_wrap=False)

    run(work())


@audit.command("verify")
def audit_verify(config: ConfigOption = CONFIG) -> None:
    """Rechnet das ganze Protokoll nach."""

    async def work() -> audit_chain.AuditVerdict:
        async with database(settings_from(config)) as opened:
            return await audit_chain.verify(opened)

    verdict = run(work())
    if verdict.broken_at:
        fail(CommandError(f"Das Protokoll ist ab Eintrag {verdict.broken_at} verändert worden."))
    out.print(f"In Ordnung: {verdict.entries} Einträge, letzte Prüfsumme {verdict.last_digest}")


@db.command("upgrade")
def db_upgrade(config: ConfigOption = CONFIG) -> None:
    """Bringt die Datenbank auf den Stand dieses Programms (geschieht auch bei jedem Start)."""

    async def work() -> None:
        async with database(settings_from(config)):
            pass

    run(work())
    out.print("Die Datenbank ist auf dem neuesten Stand.")
