"""Who really asks, and over which scheme, when a proxy stands in between.

What a client may write itself (``X-Forwarded-For``, ``X-Forwarded-Proto``) counts only where a trusted peer sent it.
Knows nothing of what the answer is used for.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

FOR, PROTO = "X-Forwarded-For", "X-Forwarded-Proto"
SUBSCRIBER_BITS = 64
"""What one IPv6 subscriber is usually given (RFC 6177); addresses within cost them nothing."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def middleware(trusted: Sequence[Network]) -> Middleware:
    """Puts the real client into ``request.remote`` and its scheme into ``request.scheme`` and ``request.secure``.

    It belongs before every other middleware. A request whose peer is not trusted passes as it came.
    """

    @web.middleware
    async def believe_proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = parsed(request.remote or "")
        if peer is None or not _within(peer, trusted):
            return await handler(request)
        remote = client(peer, _values(request, FOR), trusted)
        return await handler(request.clone(remote=str(remote), scheme=scheme(request)))

    return believe_proxies


def client(peer: Address, hops: Sequence[str], trusted: Sequence[Network]) -> Address:
    """The nearest hop that is no proxy of ours, read from the right; what cannot be read ends the search.

    Args:
        peer: who is connected; a trusted proxy.
        hops: what it says of those before it, the farthest first.
    """
    known = peer
    for hop in reversed(hops):
        address = parsed(hop)
        if address is None:
            break
        known = address
        if not _within(known, trusted):
            break
    return known


def scheme(request: web.Request) -> str:
    """What the nearest proxy says of its own client; if that is no scheme, how the request came here."""
    said = _values(request, PROTO)
    return said[-1] if said and said[-1] in ("http", "https") else request.scheme


def parsed(text: str) -> Address | None:
    """An address without port, brackets or zone; an IPv4 address in IPv6's clothes (RFC 4291, 2.5.5.2) is one."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def subscriber(remote: str | None) -> str:
    """The name under which attempts from an address are counted: itself, or for IPv6 its subscriber's network."""
    address = parsed(remote or "")
    if isinstance(address, IPv6Address):
        return str(ip_network((address, SUBSCRIBER_BITS), strict=False))
    return str(address)


def _values(request: web.Request, name: str) -> list[str]:
    return [value.strip() for line in request.headers.getall(name, ()) for value in line.split(",")]


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
