"""PyPI ``mastodon-mock`` as a peer: a real server in a process of its own, with its fault rules."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any, Self

import aiohttp

TOKEN = "mock_token"
_START = """
import sys
from mastodon_mock.testing.server import MockServer
with MockServer() as server:
    print(server.base_url, server.config.seed.accounts[0].access_token, flush=True)
    sys.stdin.read()
"""
_START_S = 60.0

Status = dict[str, Any]  # Any: JSON as Mastodon's API gives it


class MastodonPeer:
    """The peer's address and token, its fault rules, and what it holds."""

    def __init__(self) -> None:
        self.base_url = ""
        self.token = ""
        self._process: asyncio.subprocess.Process | None = None
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Start the server on a free port; it ends with our end of its standard input."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _START, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), _START_S)
        self.base_url, self.token = line.decode().split()
        self._client = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=10), headers={"Authorization": f"Bearer {self.token}"}
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop the server."""
        if self._client is not None:
            await self._client.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), 15)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()

    async def fault(self, effect: Status, *, method: str, count: int = 1) -> None:
        """Answer the next calls of this method to the statuses API with a fault."""
        rule = {"match": {"methods": [method], "path": "/api/v1/statuses*"}, "effect": effect, "count": count}
        await self._ask("POST", "/api/v1/_mock/faults", rule)

    async def status(self, ref: str) -> Status:
        """One status as the server holds it."""
        found: Status = await self._ask("GET", f"/api/v1/statuses/{ref}")
        return found

    async def history(self, ref: str) -> list[Status]:
        """Every version of a status, oldest first."""
        found: list[Status] = await self._ask("GET", f"/api/v1/statuses/{ref}/history")
        return found

    async def mine(self) -> list[Status]:
        """All statuses of the account, newest first."""
        me = await self._ask("GET", "/api/v1/accounts/verify_credentials")
        found: list[Status] = await self._ask("GET", f"/api/v1/accounts/{me['id']}/statuses?limit=40")
        return found

    async def delete(self, ref: str) -> None:
        """Make a status vanish, as a person with the app can."""
        await self._ask("DELETE", f"/api/v1/statuses/{ref}")

    async def _ask(self, method: str, path: str, body: Status | None = None) -> Any:  # noqa: ANN401 JSON of any shape
        assert self._client is not None
        async with self._client.request(method, self.base_url + path, json=body) as answer:
            assert answer.status < 300, (method, path, answer.status, await answer.text())
            return json.loads(await answer.read())
