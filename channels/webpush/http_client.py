"""The fast client for known push services: HTTP/1.1 over persistent connections, on asyncio and httptools.

Measured beside aiohttp and pyreqwest (docs/adr/0004). Every address is checked right before connecting (promise 12); no
redirects, no proxies, no response body is kept. Independent of the content; no path and no key appears in an error.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

import httptools

from realis.egress.policy import Policy
from realis.model.delivery import Failed, FailureKind

CONNECT_TIMEOUT_S = 5.0
_CONNECT_SHARE = 0.9
_KEEPALIVE_S = 15.0
"""Seconds. Short, because a request on a connection the server has just closed ends as an unknown outcome."""

_MAX_ANSWER = 65_536
"""Bytes of one response; a longer one closes the connection, its status is kept."""

_MAX_RETRY_AFTER_S = 100
_FINAL_STATUS = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """A response. ``retry_after`` is the header's value as received."""

    status: int
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect."""

    host: str
    port: int
    tls: bool


@cache
def _reply(status: int) -> Reply:
    """Return a cached reply for the status: most are a 201 without further headers."""
    return Reply(status)


OnReply = Callable[[Reply | Failed], None]
"""Called exactly once for each request, with the reply or the failure."""

_TORN = Failed(FailureKind.UNKNOWN, "Verbindung abgerissen")
_SILENT = Failed(FailureKind.UNKNOWN, "keine Antwort in der Frist")


class Connection(asyncio.Protocol):
    """One connection, for one exchange at a time. Between two it is in the ``idle`` queue of its endpoint."""

    __slots__ = (
        "_complete",
        "_done",
        "_idle",
        "_loop",
        "_parser",
        "_retry_after",
        "_size",
        "_status",
        "_timer",
        "_transport",
        "_until",
        "free_since",
        "usable",
    )

    def __init__(self, idle: deque[Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle = idle
        self._transport: asyncio.Transport | None = None
        self._done: OnReply | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._retry_after, self._size, self._status, self._complete = "", 0, 0, False
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self.usable = True
        self.free_since = 0.0

    def ask(self, request: bytes, timeout_s: float, done: OnReply) -> None:
        """Send; ``done`` is called with the reply, or with a failure if the connection breaks or times out."""
        if self._transport is None:
            raise RuntimeError("not connected")
        self._retry_after, self._size, self._status, self._complete = "", 0, 0, False
        self._done = done
        self._until = self._loop.time() + timeout_s
        # One timer for many exchanges: cheaper than one each. If it fires before the deadline, it is set again.
        if self._timer is None or self._timer.when() > self._until:
            self._look_at(self._until)
        self._transport.write(request)

    def close(self) -> None:
        """Abort the connection at once, without waiting for the server."""
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._done is None:
            return
        if self._loop.time() < self._until:
            self._look_at(self._until)
        else:
            self._finish(_SILENT, usable=False)

    # ---- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = transport  # type: ignore[assignment]  # asyncio passes a stream transport here

    def data_received(self, data: bytes) -> None:
        """Feed the parser; unsolicited, endless or invalid data closes the connection."""
        if self._done is None:
            self.close()
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish(_TORN, usable=False)
            return
        # Only after the whole chunk, so that bytes after a response are never taken for the next response.
        if self._complete:
            self._finish(_TORN, usable=self.usable)
        elif self._size > _MAX_ANSWER:
            self._finish(_TORN, usable=False)

    def connection_lost(self, _error: Exception | None) -> None:
        """Finish the exchange; a status received before the end is kept."""
        self._finish(_TORN, usable=False)

    # ---- called by the parser

    def on_message_begin(self) -> None:
        """Mark the connection unusable if a second response begins: none was requested."""
        if self._complete:
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store Retry-After, the only header used."""
        if not self._complete and name.lower() == b"retry-after":
            self._retry_after = value[:_MAX_RETRY_AFTER_S].decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Store the status."""
        if not self._complete:
            self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """Complete the response, unless it is an interim one (1xx, RFC 9110, 15.2)."""
        if not self._complete and self._status >= _FINAL_STATUS:
            self._complete = True
            self.usable = self.usable and self._parser.should_keep_alive()

    def _finish(self, otherwise: Failed, *, usable: bool) -> None:
        """Call ``done`` with the reply, or with the failure without one; then the connection may be reused."""
        done, self._done = self._done, None
        if not usable:
            self.close()
        elif done is not None:
            self.free_since = self._loop.time()
            self._idle.append(self)
        if done is not None:
            done(self._reply() if self._status >= _FINAL_STATUS else otherwise)

    def _reply(self) -> Reply:
        return Reply(self._status, self._retry_after) if self._retry_after else _reply(self._status)


class HttpClient:
    """Posts to push services over persistent connections. Bound to one event loop; ``close`` it once.

    The caller bounds the number of concurrent exchanges.

    Args:
        policy: which addresses may be connected to, checked after name resolution.
        trust: additional trust anchors, PEM.
    """

    def __init__(self, policy: Policy, *, trust: str = "") -> None:
        self._policy = policy
        self._trust = trust
        self._idle: dict[Endpoint, deque[Connection]] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def post(self, peer: Endpoint, request: bytes, timeout_s: float, done: OnReply) -> None:
        """Send one request unchanged; it is never repeated.

        Args:
            timeout_s: connecting included.
            done: called with the reply, or with the failure: ``UNKNOWN`` if the server may have accepted the request.
                Never called before this returns.
        """
        connections = self._idle.get(peer)
        while connections:
            # The most recently used one: the least likely to have been closed by the server meanwhile.
            connection = connections.pop()
            if connection.usable:
                connection.ask(request, timeout_s, done)
                return
        opening = asyncio.get_running_loop().create_task(self._post_anew(peer, request, timeout_s, done))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    def close(self) -> None:
        """Close every idle connection and open no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for opening in self._opening:
            opening.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _post_anew(self, peer: Endpoint, request: bytes, timeout_s: float, done: OnReply) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        opened = await self._connect(peer, min(CONNECT_TIMEOUT_S, timeout_s * _CONNECT_SHARE))
        if isinstance(opened, Failed):
            done(opened)
        else:
            opened.ask(request, until - loop.time(), done)
            self._sweeper = self._sweeper or loop.call_later(_KEEPALIVE_S / 3, self._sweep)

    def _sweep(self) -> None:
        """Close connections that were idle too long; the queue is ordered by idle time, longest first."""
        loop = asyncio.get_running_loop()
        for connections in self._idle.values():
            while connections and connections[0].free_since < loop.time() - _KEEPALIVE_S * 2 / 3:
                connections.popleft().close()
        self._sweeper = loop.call_later(_KEEPALIVE_S / 3, self._sweep)

    async def _connect(self, peer: Endpoint, timeout_s: float) -> Connection | Failed:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._try_addresses(peer)
        except TimeoutError:
            return Failed(FailureKind.TIMEOUT, "keine Verbindung in der Frist")

    async def _try_addresses(self, peer: Endpoint) -> Connection | Failed:
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
        idle = self._idle.setdefault(peer, deque())
        context, name = (self._tls(), peer.host) if peer.tls else (None, None)
        for host in allowed:
            try:
                # To the checked address, not the name: a second resolution could return another (DNS rebinding).
                _, connection = await loop.create_connection(
                    lambda: Connection(idle), host, peer.port, ssl=context, server_hostname=name
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
