"""What one request costs in processor time: our poster beside aiohttp and, where it is installed, pyreqwest.

Each posts the same bytes to the same nginx, as many at once, from this one process. docs/adr/0004 draws on it.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp

from channels.webpush.http_client import Endpoint, HttpClient, Reply
from realis.egress.policy import LoopbackOnly
from realis.model.delivery import Failed
from tests.benchmarks.nginx import Nginx

REQUESTS = 20_000
AT_ONCE = 64
TIMEOUT_S = 10.0
BODY = bytes(742)
HEADERS = {"TTL": "21600", "Urgency": "high", "Content-Encoding": "aes128gcm", "Authorization": "vapid t=" + "t" * 290}

Post = Callable[[str], Awaitable[int]]
"""Posts to a path; the status."""


async def http_clients(server: Nginx) -> dict[str, float | None]:
    """Microseconds of processor time a request, by client; None for one that is not installed."""
    return {
        "ours": await _ours(server),
        "aiohttp": await _aiohttp(server),
        "pyreqwest": await _pyreqwest(server) if importlib.util.find_spec("pyreqwest") else None,
    }


async def _ours(server: Nginx) -> float:
    parts, poster = urlsplit(server.origin), HttpClient(LoopbackOnly())
    peer = Endpoint(parts.hostname or "", parts.port or 80, tls=False)
    lines = [f"{name}: {value}" for name, value in {"Host": parts.netloc, **HEADERS}.items()]
    head = "\r\n".join([*lines, f"Content-Length: {len(BODY)}", "", ""])
    loop = asyncio.get_running_loop()

    async def post(path: str) -> int:
        answered: asyncio.Future[Reply | Failed] = loop.create_future()
        poster.post(peer, f"POST {path} HTTP/1.1\r\n{head}".encode() + BODY, TIMEOUT_S, answered.set_result)
        reply = await answered
        return reply.status if isinstance(reply, Reply) else 0

    try:
        return await _cost(post)
    finally:
        poster.close()


async def _aiohttp(server: Nginx) -> float:
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post(path: str) -> int:
            async with session.post(server.origin + path, data=BODY, headers=HEADERS) as answer:
                return answer.status

        return await _cost(post)


async def _pyreqwest(server: Nginx) -> float:
    builder = importlib.import_module("pyreqwest.client").ClientBuilder()
    async with builder.max_connections(AT_ONCE).error_for_status(False).build() as client:

        async def post(path: str) -> int:
            request = client.post(server.origin + path).headers(HEADERS).body_bytes(BODY).build()
            return int((await request.send()).status)

        return await _cost(post)


async def _cost(post: Post) -> float:
    """After a short warm-up that opens the connections."""
    await _all(post, 10 * AT_ONCE)
    before = time.process_time()
    await _all(post, REQUESTS)
    return (time.process_time() - before) / REQUESTS * 1e6


async def _all(post: Post, number: int) -> None:
    waiting = iter(range(number))

    async def work() -> None:
        for at in waiting:
            assert await post(f"/push/{at:06}") == 201

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
