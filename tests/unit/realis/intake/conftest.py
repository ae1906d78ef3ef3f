"""A small intake: tokens in memory, receipts in memory, a real HTTP server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realis.cap.reader import read
from realis.intake import cap_http
from realis.intake.openapi import OPERATIONS
from realis.intake.receiving import Receipt
from realis.model.errors import Conflict
from realis.ports.accounts import TokenKind, TokenRecord
from tests.support.openapi import AnswerCheck
from tests.support.wording import messages

AUTHORITY_TOKEN = "behoerde-geheim"
SCREEN_TOKEN = "bildschirm-geheim"
_NAMES = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def hash_token(secret: str) -> str:
    """As the wiring would hash a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


class MemoryTokens:
    """Two tokens: an authority's and a screen's."""

    async def add(self, kind: TokenKind, label: str, *, token_hash: str, target_id: int | None = None) -> TokenRecord:
        """Not needed here."""
        raise NotImplementedError

    async def find(self, kind: TokenKind, token_hash: str) -> TokenRecord | None:
        """The token with this hash and kind."""
        known = {
            (TokenKind.AUTHORITY, hash_token(AUTHORITY_TOKEN)): TokenRecord(1, TokenKind.AUTHORITY, "Kreisleitstelle"),
            (TokenKind.SCREEN, hash_token(SCREEN_TOKEN)): TokenRecord(2, TokenKind.SCREEN, "Marktplatz"),
        }
        return known.get((kind, token_hash))

    async def revoke(self, token_id: int) -> None:
        """Not needed here."""
        raise NotImplementedError


@dataclass(slots=True)
class MemoryInbox:
    """Keeps what came in, by authority, sender and identifier."""

    seen: dict[tuple[str, str, str], bytes] = field(default_factory=dict)

    async def __call__(self, raw: bytes, authority: str) -> Receipt:
        """Store a message once; other bytes under the same name are a conflict."""
        result = read(raw)
        key = (authority, result.alert.sender, result.alert.identifier)
        before = self.seen.setdefault(key, raw)
        if before != raw:
            raise Conflict("identifier-taken", where="<identifier>")
        incident = uuid5(_NAMES, result.alert.identifier)
        repeated = before is not raw
        return Receipt(incident, uuid5(incident, "draft"), tuple(p.text for p in result.problems), repeated)


@pytest.fixture
def inbox() -> MemoryInbox:
    """What came in."""
    return MemoryInbox()


@pytest.fixture
async def client(inbox: MemoryInbox) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """An HTTP client against a server with the intake registered; every answer is held to its description."""
    app = web.Application()
    check = AnswerCheck(OPERATIONS)
    check.install(app)
    cap_http.register(app, receive=inbox, tokens=MemoryTokens(), hash_token=hash_token, messages=messages())
    async with TestClient(TestServer(app)) as connected:
        yield connected
    assert check.violations == []
