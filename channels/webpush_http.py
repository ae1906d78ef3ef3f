"""The fast way to known push services: HTTP/1.1 over kept connections, on asyncio and httptools.

Measured beside aiohttp and pyreqwest (docs/adr/0004). Every address is checked right before connecting, nothing is
followed, no proxy is asked, no answer's body is kept. It must not know what is sent, nor ever name a path or a key.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from ipaddress import ip_address

import httptools

from realis.delivery import Failed, FailureKind
from realis.egress_policy import Policy

CONNECT_TIMEOUT_S = 5.0
_CONNECT_SHARE = 0.9
_KEEPALIVE_S = 15.0
"""Short, because a connection the other side closed meanwhile costs an unknown outcome."""

_MAX_ANSWER = 65_536
"""Bytes of one answer; what says more is cut off, its status stands."""

_LONGEST_WISH = 100


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said. ``retry_after`` is the header as it came."""

    status: int
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """Where to connect."""

    host: str
    port: int
    tls: bool


class Connection(asyncio.Protocol):
    """One connection, for one exchange at a time."""

    __slots__ = ("_answer", "_parser", "_retry_after", "_size", "_status", "_transport", "free_since", "usable")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply | None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._retry_after, self._size, self._status = "", 0, 0
        self.usable = True
        self.free_since = 0.0

    def ask(self, request: bytes) -> asyncio.Future[Reply | None]:
        """Send; the future gets the reply, or None if the connection broke without one."""
        if self._transport is None:
            raise RuntimeError("not connected")
        self._retry_after, self._size, self._status = "", 0, 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def status_so_far(self) -> Reply | None:
        """The reply, if its head has come but its end has not."""
        return Reply(self._status, self._retry_after) if self._status >= 200 else None

    def close(self) -> None:
        """At once; nothing waits for the other side."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]  # a stream's, as asyncio promises

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a peer that talks unasked, endlessly or nonsense is cut off."""
        if self._answer is None or self._answer.done():
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish(self.status_so_far(), usable=False)
        self._size += len(data)
        if self._size > _MAX_ANSWER:
            self._finish(self.status_so_far(), usable=False)

    def connection_lost(self, _error: Exception | None) -> None:
        """A status that came before the end stands."""
        self._finish(self.status_so_far(), usable=False)

    # ---- what the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one header that matters."""
        if name.lower() == b"retry-after":
            self._retry_after = value[:_LONGEST_WISH].decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """From here on a status is known."""
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """An interim answer (1xx) is not the answer; one too many ends the connection."""
        if self._answer is None or self._answer.done():
            self.close()
        elif (reply := self.status_so_far()) is not None:
            self._finish(reply, usable=self._parser.should_keep_alive())

    def _finish(self, reply: Reply | None, *, usable: bool) -> None:
        if not usable:
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)


class Poster:
    """Posts to push services, keeping connections. Belongs to one event loop; ``close`` it once.

    Args:
        policy: which addresses may be connected to, whatever a name says.
        trust: more roots of trust, PEM.
        limit: most exchanges at once; the others wait within their own timeout.
    """

    def __init__(self, policy: Policy, *, trust: str = "", limit: int = 512) -> None:
        self._policy = policy
        self._trust = trust
        self._slots = asyncio.Semaphore(limit)
        self._idle: dict[Peer, deque[Connection]] = {}
        self._context: ssl.SSLContext | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def post(self, peer: Peer, request: bytes, timeout_s: float) -> Reply | Failed:
        """One request as it stands, never repeated.

        Returns:
            The reply, or why there is none: ``UNKNOWN`` if the other side may have taken it.
        """
        connection: Connection | None = None
        try:
            async with asyncio.timeout(timeout_s), self._slots:
                connection = self._reusable(peer)
                if connection is None:
                    opened = await self._connect(peer, min(CONNECT_TIMEOUT_S, timeout_s * _CONNECT_SHARE))
                    if isinstance(opened, Failed):
                        return opened
                    connection = opened
                reply = await connection.ask(request)
        except TimeoutError:
            return self._late(connection)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        self._keep(peer, connection)
        return reply or Failed(FailureKind.UNKNOWN, "Verbindung abgerissen")

    def close(self) -> None:
        """Close every idle connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _late(self, connection: Connection | None) -> Reply | Failed:
        if connection is None:
            return Failed(FailureKind.TIMEOUT, "keine Verbindung in der Frist")
        reply = connection.status_so_far()
        connection.close()
        return reply or Failed(FailureKind.UNKNOWN, "keine Antwort in der Frist")

    def _reusable(self, peer: Peer) -> Connection | None:
        connections = self._idle.get(peer)
        while connections:
            connection = connections.pop()
            if connection.usable:
                return connection
        return None

    def _keep(self, peer: Peer, connection: Connection) -> None:
        if connection.usable:
            loop = asyncio.get_running_loop()
            connection.free_since = loop.time()
            self._idle.setdefault(peer, deque()).append(connection)
            self._sweeper = self._sweeper or loop.call_later(_KEEPALIVE_S / 3, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle too long; the longest idle stand first."""
        loop = asyncio.get_running_loop()
        for peer, connections in list(self._idle.items()):
            while connections and connections[0].free_since < loop.time() - _KEEPALIVE_S * 2 / 3:
                connections.popleft().close()
            if not connections:
                del self._idle[peer]
        self._sweeper = loop.call_later(_KEEPALIVE_S / 3, self._sweep) if self._idle else None

    async def _connect(self, peer: Peer, timeout_s: float) -> Connection | Failed:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._try_addresses(peer)
        except TimeoutError:
            return Failed(FailureKind.TIMEOUT, "keine Verbindung in der Frist")

    async def _try_addresses(self, peer: Peer) -> Connection | Failed:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
        except OSError:
            return Failed(FailureKind.UNAVAILABLE, "Name nicht auflösbar")
        hosts = [str(entry[4][0]) for entry in found]
        allowed = [host for host in dict.fromkeys(hosts) if self._policy.allows(ip_address(host))]
        if not allowed:
            return Failed(FailureKind.REJECTED, "Adresse gesperrt: Die Adresse hinter dem Namen ist nicht erlaubt.")
        failed = Failed(FailureKind.UNAVAILABLE, "keine Verbindung")
        context, name = (self._tls(), peer.host) if peer.tls else (None, None)
        for host in allowed:
            try:
                _, connection = await loop.create_connection(
                    Connection, host, peer.port, ssl=context, server_hostname=name
                )
            except ssl.SSLError:
                failed = Failed(FailureKind.UNAVAILABLE, "TLS-Verbindung nicht möglich")
            except OSError:
                continue
            else:
                return connection
        return failed

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            if self._trust:
                self._context.load_verify_locations(cadata=self._trust)
        return self._context
