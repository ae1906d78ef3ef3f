"""The demo's terminal: keys, and a live table beside which other lines stay readable."""

from __future__ import annotations

import asyncio
import io
import os
import re
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.table import Table

from realis.demo.keyboard import Keyboard
from realis.demo.seed import seed
from realis.model.errors import ConfigurationError
from tests.support.installation import installation


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal: the person's and the program's."""
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


async def test_keys_come_one_by_one_and_the_terminal_is_put_back(terminal: tuple[int, int]) -> None:
    """No Enter is needed; what was pressed before the waiting began does not count."""
    person, program = terminal
    before = termios.tcgetattr(program)
    async with asyncio.timeout(10), Keyboard(program) as keyboard:
        assert keyboard.is_terminal
        os.write(person, b"n")
        while keyboard._pressed.empty():  # noqa: ASYNC110 - the terminal tells when it has passed a key on, not us
            await asyncio.sleep(0.005)
        waiting = asyncio.create_task(keyboard.again())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert keyboard._pressed.empty()
        os.write(person, b"xn")
        await waiting
    assert termios.tcgetattr(program) == before


async def test_without_a_terminal_nothing_is_read(tmp_path: Path) -> None:
    """A file or pipe as input: no keys, and nothing breaks."""
    with (tmp_path / "in").open("w+") as file:
        async with Keyboard(file.fileno()) as keyboard:
            assert not keyboard.is_terminal
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await keyboard.any_key()


def on_screen(written: str) -> list[str]:
    """The lines a terminal would show: cursor up, erase line and carriage return are obeyed."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith(("\x1b", "\r")):
            lines[row] += part
    return lines


def test_what_is_printed_beside_the_live_table_stays() -> None:
    """Lines written through the shared console while the table stands are above it afterwards, in order."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, markup=False, emoji=False, highlight=False)
    stream = FileProxy(console, written)
    table = Table("Kanal", "Ziele")
    with Live(table, console=console, auto_refresh=False) as live:
        for number in range(3):
            stream.write(f"Warnung {number}\n[x] zweite Zeile\n")
            stream.flush()
            table.add_row("Terminal", str(number))
            live.refresh()
    shown = [line.strip() for line in on_screen(written.getvalue()) if line.strip()]
    assert shown[:6] == [line for number in range(3) for line in (f"Warnung {number}", "[x] zweite Zeile")]
    assert sum("Kanal" in line for line in shown) == 1


async def test_the_people_of_the_demo_exist_nowhere_else(tmp_path: Path) -> None:
    """A real installation never gets people who may keep a password that somebody has seen."""
    async with installation(tmp_path) as here:
        before = here.rows("users")
        with pytest.raises(ConfigurationError):
            await seed(here.core, "Kreisleitstelle")
        assert here.rows("users") == before
