"""A console over a real desk, and browsers without a screen that are logged in to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from realis.policy.approval import Role
from tests.support.desk import PASSWORD, House, house, serve

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """Somebody at a browser: remembers cookies and the form's token, and never follows a redirect by itself."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = ClientSession(cookie_jar=CookieJar(unsafe=True))
        self.csrf = ""
        self.status = 0
        self.location = ""
        self.html = ""
        self.headers: Mapping[str, str] = {}

    @property
    def text(self) -> str:
        """The page without tags, in single spaces."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    async def get(self, path: str, **headers: str) -> str:
        """Open a page; its HTML."""
        return await self._ask("GET", path, headers=headers)

    async def post(
        self, path: str, fields: Mapping[str, str | list[str]] | None = None, *, csrf: str | None = None, **headers: str
    ) -> str:
        """Send a form with this session's token (or another one); the answer's HTML."""
        pairs = [("csrf", self.csrf if csrf is None else csrf)]
        for name, value in (fields or {}).items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return await self._ask("POST", path, data=pairs, headers=headers)

    async def _ask(self, method: str, path: str, **more: object) -> str:
        url = self.address + path
        async with self.http.request(method, url, allow_redirects=False, **more) as answer:  # type: ignore[arg-type]
            self.status, self.location = answer.status, answer.headers.get("Location", "")
            self.headers = answer.headers
            self.html = await answer.text()
        found = _CSRF.search(self.html)
        if found:
            self.csrf = found[1]
        return self.html

    async def login(self, name: str, password: str = PASSWORD) -> None:
        """Come in."""
        await self.post("/console/login", {"name": name, "password": password})
        if self.status == 303:
            await self.get(self.location)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    """A desk with an author, a releaser, an administrator and a trainer."""
    async with house(tmp_path) as made:
        await made.person("anna", Role.CAPTURE)
        await made.person("bernd", Role.CAPTURE, Role.RELEASE)
        await made.person("carla", Role.ADMIN)
        await made.person("dora", Role.TRAINER)
        yield made


@pytest.fixture
async def address(here: House) -> AsyncIterator[str]:
    """Where its console listens."""
    async with serve(here) as url:
        yield url


@pytest.fixture
async def stranger(address: str) -> AsyncIterator[Visitor]:
    """Nobody yet."""
    visitor = Visitor(address)
    yield visitor
    await visitor.http.close()


@pytest.fixture
async def anna(address: str) -> AsyncIterator[Visitor]:
    """Writes warnings."""
    visitor = Visitor(address)
    await visitor.login("anna")
    yield visitor
    await visitor.http.close()


@pytest.fixture
async def bernd(address: str) -> AsyncIterator[Visitor]:
    """Releases what others wrote."""
    visitor = Visitor(address)
    await visitor.login("bernd")
    yield visitor
    await visitor.http.close()


@pytest.fixture
async def carla(address: str) -> AsyncIterator[Visitor]:
    """Looks after people and roles."""
    visitor = Visitor(address)
    await visitor.login("carla")
    yield visitor
    await visitor.http.close()
