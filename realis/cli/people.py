"""``realis user``, ``realis token`` and ``realis display``: who may come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table

from realis.app.clock import SystemClock
from realis.app.pairing import pair_screen, screen_target
from realis.app.settings import Settings
from realis.cli.common import CONFIG, ConfigOption, database, out, run, settings_from
from realis.cli.frame import Family
from realis.keystore.keys import Keys
from realis.model.errors import CommandError
from realis.model.languages import SOURCE_LANGUAGE
from realis.policy.approval import Role
from realis.ports.accounts import TokenKind
from realis.ports.targets import NewTarget
from realis.storage.addresses import AddressBook
from realis.storage.people import SqlTokens, SqlUsers
from realis.storage.targets import SqlTargets
from realis.web.passwords import Passwords, issue_one_time
from realis.web.sessions import hash_bearer_token, new_token

users = Family("Menschen am Warnpult.")
tokens = Family("Zugänge von Behörden.")
displays = Family("Öffentliche Bildschirme.")

UserName = Annotated[str, typer.Argument(metavar="NAME", help="Name zur Anmeldung")]
Roles = Annotated[list[Role], typer.Option("--role", help="Rolle; mehrfach möglich")]


async def add_users(settings: Settings, roles_by_name: Mapping[str, frozenset[Role]]) -> dict[str, str]:
    """Store users; the one-time password of each by name."""
    passwords = {}
    async with database(settings) as opened:
        people = SqlUsers(opened, SystemClock())
        for name, roles in roles_by_name.items():
            issued = await issue_one_time(Passwords())
            await people.add(name, roles, password_hash=issued.password_hash, must_change=True)
            passwords[name] = issued.password
    return passwords


async def pair(settings: Settings, new: NewTarget) -> str:
    """Store a screen; the address it must open once."""
    keys = Keys.open(settings.data_dir / "keys")
    async with database(settings) as opened:
        targets = SqlTargets(opened, AddressBook(keys), SystemClock())
        return f"{settings.public_url}/display/#token={await pair_screen(targets, SqlTokens(opened), new)}"


@users.command("add")
def user_add(name: UserName, role: Roles, config: ConfigOption = CONFIG) -> None:
    """Legt einen Benutzer an und zeigt sein Einmal-Passwort."""
    passwords = run(add_users(settings_from(config), {name: frozenset(role)}))
    out.print(f"Benutzer {name} angelegt. Einmal-Passwort (wird nur jetzt gezeigt): {passwords[name]}")


@users.command("reset")
def user_reset(name: UserName, config: ConfigOption = CONFIG) -> None:
    """Setzt ein neues Einmal-Passwort und beendet alle Sitzungen."""

    async def work() -> str:
        issued = await issue_one_time(Passwords())
        async with database(settings_from(config)) as opened:
            people = SqlUsers(opened, SystemClock())
            found = await people.credentials(name)
            if found is None:
                raise CommandError(f"Es gibt keinen aktiven Benutzer „{name}“.", where="name")
            await people.set_password(found[0].id, issued.password_hash, must_change=True)
        return issued.password

    out.print(f"Neues Einmal-Passwort (wird nur jetzt gezeigt): {run(work())}")


@users.command("list")
def user_list(config: ConfigOption = CONFIG) -> None:
    """Zeigt alle Benutzer."""

    async def work() -> None:
        table = Table("Name", "Pseudonym", "Rollen", "aktiv")
        async with database(settings_from(config)) as opened:
            for user in await SqlUsers(opened, SystemClock()).list():
                table.add_row(user.name, user.pseudonym, ", ".join(sorted(user.roles)), "ja" if user.active else "nein")
        out.print(table, soft_wrap=False)

    run(work())


@tokens.command("add")
def token_add(
    authority: Annotated[str, typer.Argument(metavar="BEHÖRDE", help="Wie sie heißt")], config: ConfigOption = CONFIG
) -> None:
    """Gibt einer Behörde einen Zugang für Meldungen (POST /api/v1/intake/cap)."""
    token = new_token()

    async def work() -> int:
        async with database(settings_from(config)) as opened:
            return (await SqlTokens(opened).add(TokenKind.AUTHORITY, authority, token_hash=hash_bearer_token(token))).id

    out.print(f"Zugang {run(work())} für {authority}. Token (wird nur jetzt gezeigt): {token}")


@tokens.command("revoke")
def token_revoke(
    number: Annotated[int, typer.Argument(metavar="NUMMER", help="Die Nummer bei „Zugang“")],
    config: ConfigOption = CONFIG,
) -> None:
    """Macht einen Zugang für immer ungültig."""

    async def work() -> None:
        async with database(settings_from(config)) as opened:
            await SqlTokens(opened).revoke(number)

    run(work())
    out.print(f"Zugang {number} gilt nicht mehr.")


@displays.command("add")
def display_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Wie er heißt, zum Beispiel sein Standort")],
    place: Annotated[str, typer.Option(help="Kennung des Ortes; ohne: zeigt alle Warnungen der Stadt")] = "",
    exercises: Annotated[bool, typer.Option(help="Der Bildschirm nimmt an Übungen teil")] = False,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Sprache; mehrfach möglich, in dieser Reihenfolge. Nach einer einzigen folgen die der Stadt"),
    ] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Koppelt einen Bildschirm und zeigt die Adresse, die er einmal öffnen muss."""
    settings = settings_from(config)
    new = screen_target(settings.as_city(), name, place, joined=exercises, languages=language or [SOURCE_LANGUAGE])
    out.print(f"Öffnen Sie auf dem Bildschirm einmal:\n{run(pair(settings, new))}")
