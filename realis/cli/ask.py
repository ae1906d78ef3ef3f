"""Questions on the terminal, in German; an answer that does not fit is said so and asked for again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import typer

from realis.cli.frame import err
from realis.model.errors import CommandError

Answer = TypeVar("Answer")


def text(question: str, default: str | None = None) -> str:
    """What is typed, without spaces around it; ``default`` for an empty line where there is one."""
    return str(typer.prompt(question, default=default, show_default=bool(default))).strip()


def value(question: str, read: Callable[[str], Answer], default: str | None = None) -> Answer:
    """What ``read`` makes of what is typed. ``read`` raises ``CommandError`` for what does not fit."""
    while True:
        try:
            return read(text(question, default))
        except CommandError as error:
            err.print(f"{error.message} {error.remedy}".strip())


def number(written: str, *, least: float, most: float) -> float:
    """A number with decimal comma or point. Raises ``CommandError``."""
    try:
        found = float(written.replace(",", "."))
    except ValueError:
        raise CommandError(f"„{written}“ ist keine Zahl.", remedy="Zum Beispiel 50,87.") from None
    if not least <= found <= most:
        raise CommandError(f"{written} liegt nicht zwischen {least:g} und {most:g}.")
    return found


def yes(question: str, *, default: bool) -> bool:
    """Whether the answer is yes."""

    def read(written: str) -> bool:
        if written.lower() not in ("j", "ja", "n", "nein"):
            raise CommandError("Bitte j oder n.")
        return written.lower().startswith("j")

    return value(f"{question} (j/n)", read, "j" if default else "n")


def secret(question: str, *, confirm: bool) -> str:
    """What is typed without being shown; with ``confirm`` twice the same."""
    while True:
        given = str(typer.prompt(question, hide_input=True))
        if not confirm or str(typer.prompt("Noch einmal zur Bestätigung", hide_input=True)) == given:
            return given
        err.print("Die beiden Eingaben sind verschieden.")
