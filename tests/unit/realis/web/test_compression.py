"""Compression: only for what a browser may keep, only where it was asked for, once for a crowd."""

from __future__ import annotations

import gzip

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realis.web import compression

TEXT = "Zurzeit keine Warnung. " * 200
Client = TestClient[web.Request, web.Application]


def _client(caching: str, kind: str = "text/html", text: str = TEXT) -> Client:
    async def page(_request: web.Request) -> web.Response:
        headers = {"Cache-Control": caching, "ETag": '"one"', "Vary": "Cookie"}
        return web.Response(text=text, content_type=kind, headers=headers)

    app = web.Application(middlewares=[compression.middleware()])
    app.router.add_get("/", page)
    return TestClient(TestServer(app), auto_decompress=False)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/javascript"])
async def test_a_public_answer_is_compressed(kind: str) -> None:
    """Smaller on the wire, the same when unpacked, with a weak ETag and a word to caches."""
    async with _client("no-cache", kind) as client:
        answer = await client.get("/", headers={"Accept-Encoding": "gzip, br"})
        body = await answer.read()

    assert answer.headers["Content-Encoding"] == "gzip"
    assert (answer.headers["ETag"], answer.headers["Vary"]) == ('W/"one"', "Cookie, Accept-Encoding")
    assert int(answer.headers["Content-Length"]) == len(body) < len(TEXT) / 10
    assert gzip.decompress(body).decode() == TEXT


@pytest.mark.parametrize(
    ("caching", "kind", "text", "accepts"),
    [
        ("no-store", "text/html", TEXT, "gzip"),
        ("no-cache", "image/png", TEXT, "gzip"),
        ("no-cache", "text/html", "kurz", "gzip"),
        ("no-cache", "text/html", TEXT, "identity"),
    ],
)
async def test_everything_else_stays_as_it_is(caching: str, kind: str, text: str, accepts: str) -> None:
    """What must not be stored may hold a secret; pictures are packed already; a browser may not want it."""
    async with _client(caching, kind, text) as client:
        answer = await client.get("/", headers={"Accept-Encoding": accepts})
        body = await answer.read()

    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"] == '"one"'
    assert body.decode() == text
