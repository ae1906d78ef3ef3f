"""What all commands share: running a coroutine, opening the database, saying errors plainly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
import uvloop
from rich.console import Console

from content.messages import Messages
from realis.app.settings import DEFAULT_FILE, Settings
from realis.app.wiring import open_database
from realis.model.draft import SOURCE_LANGUAGE
from realis.model.errors import RealisError
from realis.services.error_texts import describe
from realis.storage.database import Database

T = TypeVar("T")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

ConfigOption = Annotated[Path, typer.Option("--config", help="Einstellungsdatei", envvar="REALIS_CONFIG")]
CONFIG = DEFAULT_FILE


def fail(error: RealisError) -> NoReturn:
    """Say what is wrong and what to do, and end with status 1."""
    text = describe(error, Messages.load(), SOURCE_LANGUAGE)
    err.print(f"[bold]Fehler:[/bold] {text.title}")
    if error.where:
        err.print(f"Stelle: {error.where}")
    if text.remedy:
        err.print(f"Was tun: {text.remedy}")
    raise typer.Exit(1)


def run(work: Coroutine[object, object, T]) -> T:
    """Run a command's coroutine; deliberate errors become plain words."""
    try:
        return uvloop.run(work)
    except RealisError as error:
        fail(error)


def settings_from(config: Path) -> Settings:
    """The settings, or a plain error."""
    try:
        return Settings.load(config)
    except RealisError as error:
        fail(error)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The installation's database, for commands that work beside a running ``serve``."""
    opened = await open_database(settings, demo=False)
    try:
        yield opened
    finally:
        await opened.close()
