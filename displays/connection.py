"""One screen's connection: hello with its token, messages to it, and its acknowledgements.

It reads no alerts and signs nothing; it never logs a token or an address.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from displays import protocol
from displays.acknowledgements import AcknowledgementBuffer
from displays.channel import NAME
from displays.hub import Connection, Disconnect, Hub
from displays.idle_screen import idle_content
from displays.protocol import CloseCode, Hello, Ping, ProtocolError, Session, Shown
from displays.scene import ENDING_SHOWN_FOR
from realis.model.errors import StoreUnavailable
from realis.ports.accounts import TokenKind, Tokens
from realis.ports.clock import Clock
from realis.ports.content import CourseCatalogue
from realis.ports.installation import City
from realis.ports.targets import DisplayReport, Targets

log = structlog.get_logger(__name__)

HEARTBEAT_S = 10.0
"""Seconds between two pings of a page; sent to it in ``welcome``."""

OLDEST_SHOWN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The gateway's limits; seconds unless named otherwise.

    Args:
        silent_s: a page that has not pinged for so long is disconnected, even if its socket is open.
        messages: most messages of one screen per 10 s.
        ending_shown_for: how long screens show how a warning ended.
    """

    poll_s: float = 5.0
    read_s: float = 4.0
    hello_s: float = 5.0
    send_s: float = 10.0
    silent_s: float = 60.0
    ping_s: float = 20.0
    seen_every_s: float = 60.0
    recheck_s: float = 60.0
    connections: int = 5000
    per_target: int = 4
    messages: int = 40
    ending_shown_for: timedelta = ENDING_SHOWN_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionHandler:
    """Serves connections, one task each. ``hubs`` by whether a screen joined exercises."""

    tokens: Tokens
    targets: Targets
    reports: AcknowledgementBuffer
    clock: Clock
    city: City
    courses: CourseCatalogue
    hash_token: Callable[[str], str]
    hubs: Mapping[bool, Hub]
    bounds: ConnectionLimits

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one connection from hello to its end. Never raises for a screen's behaviour."""
        try:
            await self._converse(socket)
        except ProtocolError as refused:
            log.warning("display_refused", reason=refused.message, code=int(refused.close))
            await self._close(socket, refused.close, refused.message)
        except Disconnect as kicked:
            log.info("display_kicked", reason=kicked.reason, code=int(kicked.code))
            await self._close(socket, kicked.code, kicked.reason)
        except ConnectionClosed as closed:
            _note_end(closed)
        except Exception:
            log.exception("display_connection_failed")
            await socket.close(1011, "Interner Fehler")

    async def _converse(self, socket: ServerConnection) -> None:
        session = Session()
        link, hello = await self._admit(socket, session)
        hub = self.hubs[link.record.joined]
        hub.add(link)
        hub.resume(link, hello.have)
        writer = asyncio.create_task(self._write(socket, link), name="display-write")
        reader = asyncio.create_task(self._read_on(socket, session, link), name="display-read")
        try:
            hub.greet(link)
            done, _ = await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            hub.remove(link)
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)

    async def _admit(self, socket: ServerConnection, session: Session) -> tuple[Connection, Hello]:
        """Wait for hello, check its token, send welcome."""
        try:
            async with asyncio.timeout(self.bounds.hello_s):
                message = await socket.recv()
        except TimeoutError:
            raise ProtocolError("No hello came in time.", close=CloseCode.TOO_SLOW) from None
        hello = session.receive(message)
        if not isinstance(hello, Hello):
            raise TypeError("a session lets nothing but a hello come first")
        link = await self._known(hello)
        greeting = protocol.welcome(
            self.hubs[link.record.joined].audience(link.record).screen,
            now=self.clock.now(),
            heartbeat_s=HEARTBEAT_S,
            idle=idle_content(self.city, self.courses),
        )
        async with asyncio.timeout(self.bounds.send_s):
            await socket.send(greeting)
        await self._seen(link)
        log.info("display_connected", target=link.record.id)
        return link, hello

    async def _known(self, hello: Hello) -> Connection:
        token_hash = self.hash_token(hello.token)
        async with asyncio.timeout(self.bounds.read_s):
            token = await self.tokens.find(TokenKind.SCREEN, token_hash)
            named = token.target_id if token is not None else None
            record = await self.targets.get(named) if named is not None else None
        if record is None or record.channel != NAME:
            raise ProtocolError("Der Zugangsschlüssel ist unbekannt oder gesperrt.", close=CloseCode.WRONG_TOKEN)
        return Connection(record, token_hash)

    async def _write(self, socket: ServerConnection, link: Connection) -> None:
        while True:
            message = await link.outbox.next()
            try:
                async with asyncio.timeout(self.bounds.send_s):
                    await socket.send(message)
            except TimeoutError:
                raise Disconnect(CloseCode.TOO_SLOW, "Der Bildschirm liest nicht mehr.") from None

    async def _read_on(self, socket: ServerConnection, session: Session, link: Connection) -> None:
        loop = asyncio.get_running_loop()
        window, heard = loop.time(), 0
        while True:
            try:
                async with asyncio.timeout(self.bounds.silent_s):
                    raw = await socket.recv()
            except TimeoutError:
                raise Disconnect(CloseCode.TOO_SLOW, "Die Seite meldet sich nicht mehr.") from None
            if loop.time() - window > 10:
                window, heard = loop.time(), 0
            heard += 1
            if heard > self.bounds.messages:
                raise ProtocolError("Too many messages.", close=CloseCode.TOO_MANY)
            await self._hear_screen(link, session.receive(raw))

    async def _hear_screen(self, link: Connection, message: protocol.ClientMessage) -> None:
        if isinstance(message, Ping):
            link.outbox.put_control(protocol.pong(message, self.clock.now()))
            await self._seen(link)
        elif isinstance(message, Shown):
            self._confirm(link, message)

    def _confirm(self, link: Connection, shown: Shown) -> None:
        """Buffer that a screen showed a revision, once per connection; an implausible time is replaced."""
        key = (shown.incident, shown.revision)
        if key in link.confirmed or len(link.confirmed) >= self.bounds.messages:
            return
        link.confirmed.add(key)
        now = self.clock.now()
        at = shown.at if now - OLDEST_SHOWN < shown.at <= now else now
        self.reports.note(DisplayReport(link.record.id, shown.incident, shown.revision, at))

    async def _seen(self, link: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now - link.seen_at >= self.bounds.seen_every_s:
            link.seen_at = now
            try:
                async with asyncio.timeout(self.bounds.read_s):
                    await self.targets.seen(link.record.id, self.clock.now())
            except (TimeoutError, StoreUnavailable) as error:
                log.warning("display_seen_late", target=link.record.id, cause=type(error).__name__)

    async def _close(self, socket: ServerConnection, code: CloseCode, reason: str) -> None:
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(1):
                await socket.send(protocol.bye(code, reason))
        await socket.close(int(code), reason)


def _note_end(closed: ConnectionClosed) -> None:
    if closed.sent is not None and closed.sent.code == 1009:
        log.warning("display_refused", reason="message too big", code=1009)
    else:
        log.info("display_left", code=closed.rcvd.code if closed.rcvd else None)
