"""``/healthz`` (the process answers) and ``/readyz`` (it can do its work), for whoever watches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

Check = Callable[[], Awaitable[bool]]
Figures = Callable[[], Awaitable[Mapping[str, Any]]]


def register(app: web.Application, checks: Mapping[str, Check], figures: Figures | None = None) -> None:
    """Add both. ``/readyz`` is 200 only when every check is true, else 503 and the names of those that are not.

    Args:
        figures: what else is worth knowing; it decides nothing.
    """

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        failing = [name for name, check in checks.items() if not await check()]
        known = await figures() if figures else {}
        body = {"status": "ok" if not failing else "failing", "failing": failing, **known}
        return web.json_response(body, status=503 if failing else 200)

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
