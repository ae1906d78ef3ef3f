"""Who asks: told by a trusted proxy only, whatever anybody else writes into the headers."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from realis.web import proxies
from realis.web.proxies import client, parsed, subscriber

TRUSTED = tuple(ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "fd00::/8"))
OTHERS = tuple(ip_network(text) for text in ("10.0.0.0/8", "fd00::/8"))


async def told(trusted: tuple[proxies.Network, ...], *headers: tuple[str, str], over: str = "127.0.0.1") -> list[str]:
    """What a handler behind the middleware learns of a request with these headers: remote, scheme, secure, body."""

    async def say(request: web.Request) -> web.Response:
        body = await request.text()
        return web.json_response([request.remote, request.scheme, str(request.secure), body])

    app = web.Application(middlewares=[proxies.middleware(trusted)])
    app.router.add_post("/", say)
    async with (
        TestServer(app, host=over) as server,
        ClientSession() as session,
        session.post(server.make_url("/"), headers=headers, data="form") as answer,
    ):
        said: list[str] = await answer.json()
        return said


async def test_a_trusted_proxy_is_believed() -> None:
    """Address and scheme are the client's, and the body still arrives."""
    said = await told(TRUSTED, (proxies.FOR, "192.0.2.7"), (proxies.PROTO, "https"))
    assert said == ["192.0.2.7", "https", "True", "form"]


@pytest.mark.parametrize("trusted", [(), OTHERS])
async def test_nobody_else_is(trusted: tuple[proxies.Network, ...]) -> None:
    """From a peer outside the networks, or where none is set, both headers are worth nothing."""
    said = await told(trusted, (proxies.FOR, "192.0.2.7"), (proxies.PROTO, "https"))
    assert said == ["127.0.0.1", "http", "False", "form"]


async def test_a_proxy_over_ipv6() -> None:
    """The peer and its client may have IPv6 addresses."""
    headers = ((proxies.FOR, "2001:db8::7"), (proxies.PROTO, "https"))
    assert await told((ip_network("::1/128"),), *headers, over="::1") == ["2001:db8::7", "https", "True", "form"]
    assert await told(OTHERS, *headers, over="::1") == ["::1", "http", "False", "form"]


@pytest.mark.parametrize(
    ("headers", "remote"),
    [
        ((), "127.0.0.1"),
        (("203.0.113.9, 192.0.2.7",), "192.0.2.7"),  # the client wrote the first one, the proxy appended
        (("192.0.2.7, 10.1.1.1, fd00::1",), "192.0.2.7"),  # two more proxies of ours
        (("192.0.2.7", "10.1.1.1"), "192.0.2.7"),  # the same in two lines
        (("10.3.3.3, 10.2.2.2",), "10.3.3.3"),  # everybody is inside
        (("192.0.2.7, unknown",), "127.0.0.1"),
        (("192.0.2.7, 10.1.1.1:443, 10.2.2.2",), "10.2.2.2"),  # as far as it can be read
        (("",), "127.0.0.1"),
        (("192.0.2.7,",), "127.0.0.1"),
        (("192.0.2.7' OR 1=1",), "127.0.0.1"),
        (("::ffff:192.0.2.7",), "192.0.2.7"),
        (("::ffff:10.1.1.1, 192.0.2.7, ::ffff:10.2.2.2",), "192.0.2.7"),
        (("192.0.2.7, fe80::1%eth0",), "127.0.0.1"),
        (("192.0.2.256",), "127.0.0.1"),
    ],
)
async def test_the_nearest_hop_that_is_not_ours(headers: tuple[str, ...], remote: str) -> None:
    """Read from the right; what cannot be read is never taken for an address, nor anything left of it."""
    said = await told(TRUSTED, *((proxies.FOR, line) for line in headers))
    assert said[0] == remote


@pytest.mark.parametrize("proto", ["", "HTTPS", "wss", "https,ftp", "on", "https;x"])
async def test_a_scheme_that_is_none_is_ignored(proto: str) -> None:
    """Then the request counts as what it is: plain."""
    assert (await told(TRUSTED, (proxies.PROTO, proto)))[1:3] == ["http", "False"]


async def test_the_nearest_proxy_says_the_scheme() -> None:
    """What a client wrote before it does not count."""
    assert (await told(TRUSTED, (proxies.PROTO, "https"), (proxies.PROTO, "http")))[1] == "http"
    assert (await told(TRUSTED, (proxies.PROTO, "http, https")))[1] == "https"


def test_ten_thousand_hops_are_read_once() -> None:
    """A long header costs no more than its length, and ends at the first that is not ours."""
    assert client(ip_address("10.0.0.1"), ["192.0.2.7", *["10.0.0.2"] * 10_000], TRUSTED) == ip_address("192.0.2.7")


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "01.2.3.4", "1.2.3.4 ", "[::1]", "1.2.3.4:80", "fe80::1%1"])
def test_only_a_plain_address_is_one(text: str) -> None:
    """Names, ports, brackets, zones and leading zeros are not."""
    assert parsed(text) is None


def test_an_ipv6_subscriber_counts_as_one() -> None:
    """All addresses of a /64 share one name, others do not; IPv4 counts alone, in either form."""
    assert subscriber("2001:db8:1:2::7") == subscriber("2001:db8:1:2:ffff::1") != subscriber("2001:db8:1:3::7")
    assert subscriber("192.0.2.7") == subscriber("::ffff:192.0.2.7") == "192.0.2.7"
    assert subscriber("192.0.2.7") != subscriber("192.0.2.8")
    assert subscriber(None) == subscriber("")
