"""The screens' WebSocket server: active alerts to the screens, acknowledgements back into the ports.

Reads the store at start, on every hint and every few seconds; ``as_of`` is the time of that read. It decides nothing
about warnings and never logs a token or an address.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from displays import protocol
from displays.acknowledgements import AcknowledgementBuffer
from displays.channel import NAME
from displays.connection import ConnectionHandler, ConnectionLimits
from displays.frames import FrameBuilder
from displays.hub import Hub
from displays.protocol import CloseCode
from realis.model.incident import Viewer
from realis.ports.accounts import TokenKind, Tokens
from realis.ports.clock import Clock
from realis.ports.content import CourseCatalogue, Phrases
from realis.ports.events import Events, Topic
from realis.ports.installation import City
from realis.ports.metrics import NoMetrics, ScreenMetrics, ScreenRefusal
from realis.ports.read_models import ActiveAlerts, Snapshot
from realis.ports.signing import FrameSigner
from realis.ports.targets import Confirmations, TargetRecord, Targets
from realis.ports.waiting import wait_for_event
from realis.web import metrics_page

log = structlog.get_logger(__name__)

PATHS = ("/", "/ws")
HEALTH_PATH = "/healthz"
_WIRE_LOG: Final = logging.getLogger("websockets.displays")
_WIRE_LOG.setLevel(logging.WARNING)  # below that the library logs whole messages, with tokens


class Gateway:
    """Serves the screens while it is entered: ``async with Gateway(...) as gateway``."""

    def __init__(
        self,
        *,
        situation: ActiveAlerts,
        events: Events,
        tokens: Tokens,
        targets: Targets,
        confirmations: Confirmations,
        signer: FrameSigner,
        clock: Clock,
        city: City,
        courses: CourseCatalogue,
        phrases: Phrases,
        host: str,
        port: int,
        hash_token: Callable[[str], str],
        bounds: ConnectionLimits | None = None,
        tls: ssl.SSLContext | None = None,
        metrics: ScreenMetrics | None = None,
    ) -> None:
        self._metrics = metrics or NoMetrics()
        self._situation, self._events, self._clock = situation, events, clock
        self._tokens, self._targets = tokens, targets
        self._host, self._port, self._tls = host, port, tls
        self._bounds = bounds or ConnectionLimits()
        printer = FrameBuilder(signer, phrases, ZoneInfo(city.time_zone), self._bounds.ending_shown_for)
        self._hubs = {
            joined: Hub(printer, city.languages, per_target=self._bounds.per_target) for joined in (False, True)
        }
        self._reports = AcknowledgementBuffer(
            confirmations, clock, write_s=self._bounds.read_s, again_s=self._bounds.poll_s
        )
        self._reception = ConnectionHandler(
            tokens=tokens,
            targets=targets,
            reports=self._reports,
            clock=clock,
            city=city,
            courses=courses,
            hash_token=hash_token,
            hubs=self._hubs,
            bounds=self._bounds,
        )
        self._origins = frozenset(_origin(url) for url in (city.public_url, city.gateway_url))
        self._changed = asyncio.Event()
        self._as_of: datetime | None = None
        self._open = 0
        self._server: Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """The port in use, also when 0 was configured."""
        if self._server is None:
            return self._port
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def connected(self) -> int:
        """The number of screens connected to this gateway."""
        return sum(len(hub) for hub in self._hubs.values())

    @property
    def as_of(self) -> datetime | None:
        """When what is in force was last read; None before the first time."""
        return self._as_of

    async def __aenter__(self) -> Self:
        """Open the port, after a first read of the store: no screen connects to an empty state."""
        await self._attempt(self._refresh, "display_read_failed")
        self._server = await serve(
            self._screen,
            self._host,
            self._port,
            ssl=self._tls,
            process_request=self._receive,
            compression=None,
            max_size=protocol.MAX_MESSAGE_BYTES,
            max_queue=4,
            write_limit=64 * 1024,
            open_timeout=self._bounds.hello_s,
            close_timeout=2,
            ping_interval=self._bounds.ping_s,
            ping_timeout=self._bounds.ping_s,
            server_header=None,
            logger=_WIRE_LOG,
        )
        self._tasks = [
            asyncio.create_task(self._listen(), name="display-listen"),
            asyncio.create_task(self._poll(), name="display-poll"),
            asyncio.create_task(self._recheck(), name="display-recheck"),
            asyncio.create_task(self._report(), name="display-reports"),
        ]
        log.info("display_gateway_listening", port=self.port)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Close with 1012 (service restart); screens reconnect by themselves, spread over time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._attempt(self._reports.flush, "display_reports_lost")
        if self._server is not None:
            self._server.close(code=1012, reason="Dienst startet neu")
            await self._server.wait_closed()

    # ------------------------------------------------------------ reading active alerts

    async def _listen(self) -> None:
        while True:
            await self._attempt(self._hear, "display_events_failed")
            await asyncio.sleep(1)  # the poll continues meanwhile; lost hints cost latency only

    async def _hear(self) -> None:
        async for _ in self._events.listen(Topic.SITUATION):
            self._changed.set()

    async def _poll(self) -> None:
        while True:
            await wait_for_event(self._changed, self._bounds.poll_s)
            self._changed.clear()
            await self._attempt(self._refresh, "display_read_failed")

    async def _refresh(self) -> None:
        """Read what is in force and queue it for the screens. Exercises reach only screens that joined."""
        # Shorter than a poll, so that a store that hangs never delays the next read.
        async with asyncio.timeout(self._bounds.read_s):
            snapshots = {joined: await self._read(joined=joined) for joined in self._hubs}
        for joined, snapshot in snapshots.items():
            await self._hubs[joined].publish(snapshot)
        self._as_of = self._clock.now()
        # Afterwards: changes of the screens' settings must not delay a warning.
        async with asyncio.timeout(self._bounds.read_s):
            records = {record.id: record for record in await self._targets.list(NAME)}
        self._regroup(records)

    async def _read(self, *, joined: bool) -> Snapshot:
        return await self._situation.snapshot(Viewer(joined=joined), NAME)

    def _regroup(self, records: dict[int, TargetRecord]) -> None:
        """Apply changes of the screens' settings: place, languages, exercises, or removal."""
        for hub in self._hubs.values():
            for link in hub.links():
                record = records.get(link.record.id)
                if record is None:
                    link.outbox.kick(CloseCode.REVOKED, "Dieser Bildschirm ist abgemeldet.")
                elif record.joined != link.record.joined:
                    link.outbox.kick(CloseCode.REPLACED, "Der Bildschirm wurde neu eingestellt.")
                else:
                    link.record = record

    async def _report(self) -> None:
        while True:
            await self._attempt(self._reports.run, "display_reports_failed")
            await asyncio.sleep(1)

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(self._bounds.recheck_s)
            await self._attempt(self._drop_revoked, "display_recheck_failed")

    async def _drop_revoked(self) -> None:
        for hub in self._hubs.values():
            for link in hub.links():
                async with asyncio.timeout(self._bounds.read_s):
                    known = await self._tokens.find(TokenKind.SCREEN, link.token_hash)
                if known is None:
                    link.outbox.kick(CloseCode.REVOKED, "Der Zugangsschlüssel ist gesperrt.")

    async def _attempt(self, work: Callable[[], Coroutine[object, object, None]], event: str) -> None:
        """Run one round of a side task. A failure is logged and the next round retries; screens show the age."""
        try:
            await work()
        except Exception:
            log.exception(event)

    # ------------------------------------------------------------ before the upgrade

    async def _receive(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer requests that are not upgraded: health, metrics, wrong path, wrong origin, no capacity."""
        path = urlsplit(request.path).path
        if path == HEALTH_PATH:
            return self._health(connection)
        if path == metrics_page.PATH and metrics_page.comes_from_inside(_peer(connection), request.headers):
            return await self._figures(connection)
        if path not in PATHS:
            return connection.respond(HTTPStatus.NOT_FOUND, "Nothing here.\n")
        # A browser sends exactly one Origin; unchecked, any page on the web could open this socket (RFC 6455, 10.2).
        origins = request.headers.get_all("Origin")
        if len(origins) != 1 or origins[0].lower() not in self._origins:
            self._metrics.screen_refused(ScreenRefusal.ORIGIN)
            log.warning("display_refused", reason="origin")
            return connection.respond(HTTPStatus.FORBIDDEN, "Screens are opened from this city's own pages only.\n")
        if self._open >= self._bounds.connections:
            self._metrics.screen_refused(ScreenRefusal.FULL)
            log.warning("display_refused", reason="full", connections=self._open)
            response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many screens.\n")
            response.headers["Retry-After"] = "30"
            return response
        return None

    def _health(self, connection: ServerConnection) -> Response:
        # Three polls, so that one slow read does not make the gateway unhealthy.
        oldest = self._clock.now() - timedelta(seconds=3 * self._bounds.poll_s)
        if self._as_of is not None and self._as_of >= oldest:
            return connection.respond(HTTPStatus.OK, "ok\n")
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The situation cannot be read.\n")

    async def _figures(self, connection: ServerConnection) -> Response:
        response = connection.respond(HTTPStatus.OK, (await self._metrics.scrape()).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = metrics_page.CONTENT_TYPE
        return response

    async def _screen(self, socket: ServerConnection) -> None:
        self._open += 1
        try:
            await self._reception.serve(socket)
        finally:
            self._open -= 1


def _peer(connection: ServerConnection) -> str:
    address = connection.remote_address
    return str(address[0]) if address else ""


def _origin(url: str) -> str:
    """Return the web origin of an address (RFC 6454); a WebSocket's is that of the page that opened it."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}".lower()
