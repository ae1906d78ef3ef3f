"""``/cap/certificates.pem``: the public halves of our CAP keys, for those who pin them. Knows no private key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

PATH = "/cap/certificates.pem"


def register(app: web.Application, read: Callable[[], bytes]) -> None:
    """Serve what ``read`` finds at each request, so that an announced certificate is seen without a restart."""

    async def certificates(_request: web.Request) -> web.Response:
        body = await asyncio.to_thread(read)
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=body, content_type="application/x-pem-file", headers=headers)

    app.router.add_get(PATH, certificates)
