"""Who sees the metrics: a direct peer in a private network, and nobody through a proxy."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from realis.web import metrics_page, proxies
from realis.web.metrics_page import comes_from_inside


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.1.2.3", "172.31.253.7", "192.168.0.9", "fd00::7"])
def test_a_direct_peer_in_a_private_network_is_inside(peer: str) -> None:
    """Loopback, and the private networks of IPv4 and IPv6."""
    assert comes_from_inside(peer, {})


@pytest.mark.parametrize("peer", ["8.8.8.8", "2a00:1450::1", "::ffff:8.8.8.8", "", "unix:"])
def test_any_other_peer_is_outside(peer: str) -> None:
    """Public addresses, also as IPv4-mapped ones, and peers without a readable address."""
    assert not comes_from_inside(peer, {})


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-forwarded-for", "Forwarded", "X-Real-IP", "Via"])
def test_what_came_through_a_proxy_is_outside(header: str) -> None:
    """Whoever it says it forwards for, and however the header is written."""
    assert not comes_from_inside("127.0.0.1", CIMultiDict({header: "10.0.0.1"}))


async def test_the_page_does_not_exist_outside() -> None:
    """404 through a proxy, trusted or not; the metrics for a direct peer, never cached."""

    async def scrape() -> bytes:
        return b"realis_releases_pending 0.0\n"

    for trusted in ([], [ip_network("127.0.0.0/8")]):
        app = web.Application(middlewares=[proxies.middleware(trusted)])
        metrics_page.register(app, scrape)
        async with TestServer(app) as server, ClientSession() as session:
            async with session.get(server.make_url("/metrics")) as answer:
                assert (answer.status, await answer.read()) == (200, await scrape())
                assert answer.headers["Cache-Control"] == "no-store"
            for claimed in ("10.0.0.7", "203.0.113.9"):
                async with session.get(server.make_url("/metrics"), headers={"X-Forwarded-For": claimed}) as answer:
                    assert answer.status == 404
