"""A client for the phone's face on in-memory ports."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mobile_api.openapi import OPERATIONS
from tests.support.mobile import NOW, Phone, phone
from tests.support.openapi import AnswerCheck

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def parts() -> Phone:
    """An ordinary city's phone pages."""
    return phone(NOW)


@pytest.fixture
async def client(parts: Phone) -> AsyncIterator[Client]:
    """An HTTP client on it; every answer of the API is held to its description."""
    check = AnswerCheck(OPERATIONS)
    check.install(parts.app)
    async with TestClient(TestServer(parts.app)) as opened:
        yield opened
    assert check.violations == []
