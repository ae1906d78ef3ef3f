"""The intake's description has a route, and its route a description."""

from __future__ import annotations

from aiohttp import web

from realis.intake import cap_http
from realis.intake.openapi import OPERATIONS
from tests.support.openapi import described, routes
from tests.support.wording import messages
from tests.unit.realis.intake.conftest import MemoryInbox, MemoryTokens, hash_token


def test_the_route_is_described() -> None:
    """Both or none; that answers are as described is checked by the client of the other tests."""
    app = web.Application()
    cap_http.register(app, receive=MemoryInbox(), tokens=MemoryTokens(), hash_token=hash_token, messages=messages())
    assert described(OPERATIONS) == routes(app)
