"""``/metrics``: this process's metrics for a Prometheus in the same network. Refuses everything from outside.

Only a peer at a private address that names nobody it forwards for is answered. For all others the page does not exist:
figures about warnings and authorities are for those who operate the installation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container

from aiohttp import web

from realis.web.proxies import parsed

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")
"""What proxies add. Checked whether or not the proxy is trusted: a scrape is direct, so none of them belongs there."""

Scrape = Callable[[], Awaitable[bytes]]


def comes_from_inside(peer: str, headers: Container[str]) -> bool:
    """Whether a request may see the metrics.

    Args:
        peer: the address of the connection itself, not the one a proxy reports.
        headers: the request's headers, looked up without regard to case.
    """
    address = parsed(peer)
    return address is not None and address.is_private and not any(name in headers for name in _FORWARDED)


def register(app: web.Application, scrape: Scrape) -> None:
    """Add the route; 404 for requests from outside."""

    async def metrics(request: web.Request) -> web.Response:
        if not comes_from_inside(_peer(request), request.headers):
            raise web.HTTPNotFound
        return web.Response(body=await scrape(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    app.router.add_get(PATH, metrics)


def _peer(request: web.Request) -> str:
    """The connection's own address: ``request.remote`` may already be what a proxy said."""
    name = request.transport.get_extra_info("peername") if request.transport else None
    return str(name[0]) if name else ""
