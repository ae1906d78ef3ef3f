"""A push service on bare sockets that misbehaves exactly as told, and counts what reached it.

It speaks just enough HTTP to read a request; what it says back, if anything, is up to its ``Manner``.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from tests.fakes.push_service import Phone, phone

_HEAD_END = b"\r\n\r\n"


class _HangUpError(Exception):
    """The service has had enough of this connection."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One push that arrived.

    Args:
        nth: how often this phone's path has been asked for, this time included.
        at: monotonic seconds.
    """

    path: str
    body: bytes
    nth: int
    at: float
    _out: asyncio.StreamWriter

    async def say(self, *pieces: bytes) -> None:
        """Write this."""
        self._out.write(b"".join(pieces))
        await self._out.drain()

    async def answer(self, status: int, **headers: str) -> None:
        """A complete answer; ``Retry_After`` stands for ``Retry-After``."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {status} So", "Content-Length: 0", *lines])
        await self.say(head.encode(), _HEAD_END)

    async def forever(self, piece: bytes) -> None:
        """The same again and again until nobody listens."""
        while True:
            await self.say(piece)
            await asyncio.sleep(0.002)

    async def silence(self) -> None:
        """Say nothing until nobody listens."""
        await asyncio.Event().wait()

    def hang_up(self) -> None:
        """Cut the connection. Raises what ends it."""
        raise _HangUpError


Manner = Callable[[Asked], Awaitable[None]]


@dataclass(slots=True)
class RudePushService:
    """The server; use it with ``async with``.

    Args:
        manner: what it does with a push it has read.
        deaf: it hangs up on whoever connects, before reading anything.
        host: the name its phones know it by; it listens on 127.0.0.1.
    """

    manner: Manner
    deaf: bool = False
    host: str = "127.0.0.1"
    arrivals: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _talking: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Drop everybody."""
        if self._server is not None:
            self._server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)

    @property
    def origin(self) -> str:
        """What its phones' endpoints begin with."""
        return f"http://{self.host}:{self.port}"

    @property
    def heard(self) -> Counter[str]:
        """How often each phone's path was asked for."""
        return Counter(asked.path for asked in self.arrivals)

    def phone(self, number: int) -> Phone:
        """A phone subscribed here."""
        return phone(f"{self.origin}/push/{number}")

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._talk(reader, writer))
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(_HangUpError, ConnectionError, asyncio.IncompleteReadError):
                while not self.deaf:
                    asked = await self._read(reader, writer)
                    self.arrivals.append(asked)
                    await self.manner(asked)
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
        lines = (await reader.readuntil(_HEAD_END)).decode("latin-1").split("\r\n")
        lengths = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0]) if lengths else 0)
        path = lines[0].split(" ")[1]
        return Asked(path, body, self.heard[path] + 1, time.monotonic(), writer)
