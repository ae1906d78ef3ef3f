"""Pages and JSON compressed for browsers that can read it (RFC 9110, 8.4.1). Static files are packed in ``assets``.

Only answers that a browser may keep are compressed. One that must not be stored may hold a secret beside what a
stranger sent, and its length would then tell of the secret (BREACH).
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from realis.web.assets import TEXTS, WORTH_PACKING_BYTES

_LEVEL = 6
_KEPT = 64


def middleware() -> Middleware:
    """Compresses what public pages and the public API answer."""

    @web.middleware
    async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if isinstance(response, web.Response) and _is_public_text(request, response):
            _compress(request, response)
        return response

    return compress


def _is_public_text(request: web.Request, response: web.Response) -> bool:
    caching = response.headers.get("Cache-Control", "")
    return (
        request.method == "GET"
        and response.status == 200
        and caching == "no-cache"
        and "Content-Encoding" not in response.headers
        and response.content_type.startswith(TEXTS)
        and isinstance(response.body, bytes)
        and len(response.body) > WORTH_PACKING_BYTES
    )


def _compress(request: web.Request, response: web.Response) -> None:
    varies = response.headers.get("Vary", "")
    response.headers["Vary"] = f"{varies}, Accept-Encoding" if varies else "Accept-Encoding"
    if "gzip" not in request.headers.get("Accept-Encoding", "") or not isinstance(response.body, bytes):
        return
    response.body = _packed(response.body)
    response.headers["Content-Encoding"] = "gzip"
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):  # the same content in other bytes (RFC 9110, 8.8.3.3)
        response.headers["ETag"] = f"W/{etag}"


@lru_cache(maxsize=_KEPT)
def _packed(body: bytes) -> bytes:
    """The same page goes to a whole city within seconds: it is packed once."""
    return gzip.compress(body, _LEVEL, mtime=0)
