"""Single keys from the terminal the demo runs in. Reads nothing where there is no terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from types import TracebackType
from typing import Self

AGAIN = frozenset("nN\r\n")
"""The keys that play the script once more."""


class Keyboard:
    """Keys as they are pressed, without waiting for Enter; the terminal is put back at the end. Ctrl-C stays a signal.

    Args:
        fd: the terminal; by default standard input.
    """

    def __init__(self, fd: int | None = None) -> None:
        self._fd = sys.stdin.fileno() if fd is None else fd
        self.is_terminal = os.isatty(self._fd)
        self._pressed: asyncio.Queue[str] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Read single keys from now on."""
        if self.is_terminal:
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
            asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        if self.is_terminal:
            asyncio.get_running_loop().remove_reader(self._fd)
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    async def any_key(self) -> None:
        """Wait for a key pressed from now on; for ever where there is no terminal."""
        self._forget()
        await self._pressed.get()

    async def again(self) -> None:
        """Wait for one of the keys that mean "once more", pressed from now on."""
        self._forget()
        while await self._pressed.get() not in AGAIN:
            pass

    def _forget(self) -> None:
        # Keys pressed while the script was playing were meant for nothing.
        while not self._pressed.empty():
            self._pressed.get_nowait()

    def _read(self) -> None:
        try:
            pressed = os.read(self._fd, 64)
        except OSError:
            pressed = b""
        if not pressed:  # the terminal was closed: it would be readable for ever
            asyncio.get_running_loop().remove_reader(self._fd)
            return
        for key in pressed.decode(errors="replace"):
            self._pressed.put_nowait(key)
