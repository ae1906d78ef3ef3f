"""A loopback HTTP server that gives one answer to everything, or none; for what real peers cannot be made to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

from aiohttp import web


class ScriptedServer:
    """Answers every request alike and remembers how often it was asked. ``hang`` accepts and never answers."""

    def __init__(
        self, status: int = 200, body: str = "{}", *, headers: Mapping[str, str] | None = None, hang: bool = False
    ) -> None:
        self._status, self._body, self._headers, self._hang = status, body, headers or {}, hang
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.asked = 0
        self.base_url = ""

    async def __aenter__(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Let hanging requests go and stop."""
        self._over.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await request.read()
        if self._hang:
            await self._over.wait()
        return web.Response(
            status=self._status, text=self._body, headers=self._headers, content_type="application/json"
        )
