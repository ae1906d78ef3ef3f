"""A push service on loopback that counts what arrives and answers as told, and phones that can decrypt it.

The phones use ``http_ece``, the identity ``py_vapid``: both written by others, so that agreement proves something.
It must not share code with the channel it checks.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType

import http_ece
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from realis.ports.channel import Target


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class PeerVapid:
    """The ``Vapid`` port by py_vapid. ``subject`` is who the push service may write to."""

    def __init__(self, subject: str = "mailto:warnung@example.org") -> None:
        self._signer = Vapid02()
        self._signer.generate_keys()
        self._subject = subject
        self._made: dict[str, str] = {}

    @property
    def public_key(self) -> str:
        """For ``applicationServerKey``."""
        return encoded(point(self._signer.public_key))

    def authorization(self, origin: str, now: datetime) -> str:
        """One token per origin; the tests never live an hour."""
        if origin not in self._made:
            claims = {"aud": origin, "sub": self._subject, "exp": int(now.timestamp()) + 43_200}
            self._made[origin] = self._signer.sign(claims)["Authorization"]
        return self._made[origin]


@dataclass(frozen=True, slots=True)
class Phone:
    """A subscribed browser: it knows its private key and can read what was sent to it."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey
    auth: bytes

    @property
    def subscription(self) -> dict[str, object]:
        """What ``PushSubscription.toJSON()`` gives."""
        keys = {"p256dh": encoded(point(self.key.public_key())), "auth": encoded(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    @property
    def address(self) -> str:
        """What REALIS stores."""
        keys = {"p256dh": encoded(point(self.key.public_key())), "auth": encoded(self.auth)}
        return json.dumps({"endpoint": self.endpoint, **keys})

    def target(self, number: int) -> Target:
        """This phone as a target."""
        return Target(number, self.address, "de")

    def read(self, body: bytes) -> bytes:
        """Decrypt a push body."""
        plain: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return plain


def phone(endpoint: str, auth: bytes = b"0123456789abcdef") -> Phone:
    """A phone with fresh keys."""
    return Phone(endpoint, ec.generate_private_key(ec.SECP256R1()), auth)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that reached the service."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class PushService:
    """The server; use it with ``async with``. ``status`` and ``extra`` are the answer, ``mode`` a disturbance.

    Args:
        mode: empty, ``hang`` (takes the request, never answers), ``cut`` (takes it and drops the connection),
            ``drip`` (answers, but its body never ends).
        by_path: another status for one path.
        most: bytes of a body it takes; a larger one is 413. 0 is no limit.
    """

    status: int = 201
    extra: Mapping[str, str] = field(default_factory=dict)
    mode: str = ""
    by_path: dict[str, int] = field(default_factory=dict)
    body: bytes = b""
    most: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    origin: str = ""
    _runner: web.AppRunner | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> PushService:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.origin.rpartition(":")[2])

    def phone(self, name: str) -> Phone:
        """A phone subscribed here."""
        return phone(f"{self.origin}/push/{name}")

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.arrivals.append(Arrival(request.path, dict(request.headers), await request.read()))
        if self.mode == "hang":
            await self._stop.wait()
        if self.mode == "cut" and request.transport is not None:
            request.transport.abort()
        status = self.by_path.get(request.path, self.status)
        if 0 < self.most < len(self.arrivals[-1].body):
            status = 413
        if self.mode == "drip":
            endless = web.StreamResponse(status=status)
            await endless.prepare(request)
            await endless.write(b"drip")
            await self._stop.wait()
            return endless
        return web.Response(status=status, headers=self.extra, body=None if status == 204 else self.body)
