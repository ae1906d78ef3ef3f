"""A small push service for a real Firefox: Mozilla's websocket protocol towards the browser, RFC 8030 towards us.

It checks what a service checks: VAPID bound to the subscription's key, TTL, Topic, size. It never decrypts;
only the browser can.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from uuid import uuid4

from aiohttp import WSMsgType, web
from py_vapid import Vapid02, VapidException

from tests.fakes.push_service import encoded

DELIVERED = 100
"""Ack code of a browser whose service worker handled the push; 101 means it could not decrypt."""

_MAX_BODY = 4096


@dataclass(slots=True)
class FirefoxPush:
    """The service; use it with ``async with``, then point Firefox's ``dom.push.serverURL`` at ``ws_url``.

    Args:
        acks: codes the browser answered with, in order.
        requests: headers of every push that came in.
    """

    port: int = 0
    acks: list[int] = field(default_factory=list)
    requests: list[Mapping[str, str]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _keys: dict[str, str] = field(default_factory=dict)
    _waiting: dict[str, dict[str, object]] = field(default_factory=dict)
    _browser: web.WebSocketResponse | None = None
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> FirefoxPush:
        app = web.Application()
        app.add_routes([web.get("/", self._socket), web.post("/wpush/{channel}", self._push)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._browser is not None:
            await self._browser.close()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def ws_url(self) -> str:
        """For the browser's preferences."""
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def origin(self) -> str:
        """The endpoints' origin."""
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Let every subscription end: the next push to it is answered 410."""
        self._keys.clear()

    async def until_acked(self, count: int, timeout_s: float) -> list[int]:
        """The first ``count`` ack codes, waited for within a bound."""
        async with asyncio.timeout(timeout_s):
            while len(self.acks) < count:
                self._news.clear()
                await self._news.wait()
        return self.acks[:count]

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("push-notification",))
        await socket.prepare(request)
        self._browser = socket
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._heard(socket, json.loads(frame.data))
        return socket

    async def _heard(self, socket: web.WebSocketResponse, said: dict[str, object]) -> None:
        match said.get("messageType"):
            case "hello":
                answer = {"uaid": uuid4().hex, "status": 200, "use_webpush": True, "broadcasts": {}}
                await socket.send_json({"messageType": "hello", **answer})
                for notification in list(self._waiting.values()):
                    await socket.send_json(notification)
            case "register":
                channel = str(said["channelID"])
                self._keys[channel] = _plain(str(said.get("key", "")))
                answer = {"channelID": channel, "status": 200, "pushEndpoint": f"{self.origin}/wpush/{channel}"}
                await socket.send_json({"messageType": "register", **answer})
            case "unregister":
                self._keys.pop(str(said["channelID"]), None)
                await socket.send_json({"messageType": "unregister", "channelID": said["channelID"], "status": 200})
            case "ack":
                self._acked(said)
            case "ping" | None:
                await socket.send_str("{}")

    def _acked(self, said: dict[str, object]) -> None:
        updates = said.get("updates", [])
        assert isinstance(updates, list)
        for update in updates:
            if self._waiting.pop(str(update.get("version")), None) is not None:
                self.acks.append(int(update.get("code", 0)))
                self._news.set()

    async def _push(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(dict(request.headers))
        refusal = self._refusal(request, body)
        if refusal:
            return web.Response(status=refusal)
        version = uuid4().hex
        notification: dict[str, object] = {
            "messageType": "notification",
            "channelID": request.match_info["channel"],
            "version": version,
            "ttl": int(request.headers["TTL"]),
            "data": encoded(body),
            "headers": {"encoding": request.headers["Content-Encoding"]},
        }
        self._waiting[version] = notification
        if self._browser is not None and not self._browser.closed:
            await self._browser.send_json(notification)
        return web.Response(status=201, headers={"Location": f"{self.origin}/m/{version}"})

    def _refusal(self, request: web.Request, body: bytes) -> int:
        """The status a service refuses with, or 0."""
        channel, headers = request.match_info["channel"], request.headers
        if channel not in self._keys:
            return 410
        if len(body) > _MAX_BODY:
            return 413
        if not headers.get("TTL", "").isdigit() or headers.get("Content-Encoding") != "aes128gcm":
            return 400
        if len(headers.get("Topic", "")) > 32:
            return 400
        return 0 if self._identified(self._keys[channel], headers.get("Authorization", "")) else 401

    def _identified(self, key: str, authorization: str) -> bool:
        """Whether the token is signed by the key the browser subscribed with, for this origin (RFC 8292)."""
        scheme, _, rest = authorization.partition(" ")
        rest = rest.replace(" ", "")
        fields = dict(part.partition("=")[::2] for part in rest.split(","))
        if scheme != "vapid" or _plain(fields.get("k", "")) != key:
            return False
        try:
            signed = bool(Vapid02.verify(f"vapid {rest}"))
        except (VapidException, ValueError):
            return False
        claims = fields["t"].split(".")[1]
        audience = json.loads(urlsafe_b64decode(claims + "=="))["aud"]
        return signed and audience == self.origin


def _plain(key: str) -> str:
    """Base64 in either alphabet, padded or not, as base64url without padding; browsers differ."""
    return key.rstrip("=").replace("+", "-").replace("/", "_")
