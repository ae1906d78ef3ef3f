"""What all commands share: running a coroutine, reading the settings, opening the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvloop

from realis.app.settings import DEFAULT_FILE, Settings
from realis.app.wiring import open_database
from realis.cli.frame import err, fail, out
from realis.storage.database import Database

T = TypeVar("T")

__all__ = ["CONFIG", "ConfigOption", "database", "err", "fail", "out", "run", "settings_from"]

ConfigOption = Annotated[Path, typer.Option("--config", help="Einstellungsdatei", envvar="REALIS_CONFIG")]
CONFIG = DEFAULT_FILE


def run(work: Coroutine[object, object, T]) -> T:
    """The result of a command's coroutine."""
    return uvloop.run(work)


def settings_from(config: Path) -> Settings:
    """The settings. Raises ``ConfigurationError``."""
    return Settings.load(config)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The installation's database, for commands that work beside a running ``serve``."""
    opened = await open_database(settings, demo=False)
    try:
        yield opened
    finally:
        await opened.close()
