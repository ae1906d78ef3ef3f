"""``/healthz`` (the process answers) and ``/readyz`` (it can do its work), for whoever watches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Check = Callable[[], Awaitable[bool]]


def register(app: web.Application, checks: Mapping[str, Check]) -> None:
    """Add both. ``/readyz`` is 200 only when every check is true, else 503 and the names of those that are not."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        failing = [name for name, check in checks.items() if not await check()]
        body = {"status": "ok" if not failing else "failing", "failing": failing}
        return web.json_response(body, status=503 if failing else 200)

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
