"""The guarded HTTP client for addresses from subscriptions and settings, on aiohttp (promise 12).

A policy decides which URLs and which connected addresses are allowed; both are checked, the second one at the socket,
so that a name that resolves differently later (DNS rebinding) reaches nothing. No redirects, proxies, cookies or
unbounded bodies. Independent of the content; no URL's path and no key ever appears in an error.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from realis.egress.failures import Blocked, EgressError, MaybeSent, NotSent
from realis.egress.policy import Policy, check_url
from realis.model.errors import InvalidInput

__all__ = ["BODY_HEAD", "Answer", "Egress", "Method"]

Method = Literal["GET", "POST", "PUT"]

BODY_HEAD = 4096
"""Default bytes of a response body that are kept."""

_KEEPALIVE_S = 15.0
_CONNECT_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Args:
        headers: names are case-insensitive.
        body_head: at most the body limit; ``truncated`` if there was more or the connection broke off.
    """

    status: int
    headers: Mapping[str, str]
    body_head: bytes = b""
    truncated: bool = False


class _AddressRefused(OSError):
    """The policy refuses the address. Constant text, so that aiohappyeyeballs keeps the type for several addresses."""

    def __init__(self) -> None:
        super().__init__("address not allowed")


class Egress:
    """A bounded client bound to one policy; one per kind of server. ``close`` it once.

    Args:
        connect_timeout_s: for a free connection, name resolution, connection and TLS together.
        total_timeout_s: for the whole exchange; a request can override it.
        limit: most connections at once.
        body_limit: bytes of a response body that are kept.
        resolver: replaces the system's name resolution, for tests.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        connect_timeout_s: float = 5.0,
        total_timeout_s: float = 15.0,
        limit: int = 256,
        body_limit: int = BODY_HEAD,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.policy = policy
        self._connect_timeout_s = connect_timeout_s
        self._total_timeout_s = total_timeout_s
        self._limit = limit
        self._body_limit = body_limit
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def request(
        self,
        method: Method,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | aiohttp.FormData | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Return the response to one request, which is never repeated and never redirected.

        Raises:
            Blocked: the policy forbids the URL or the address behind it.
            NotSent: no connection; nothing was sent.
            MaybeSent: cut off or timed out after sending began.
        """
        target = self._checked(url)
        timeout = self._timeout(timeout_s or self._total_timeout_s)
        # No redirects: their target would not have passed the policy. "from None" below: the cause may contain the URL.
        try:
            async with self._open().request(
                method, target, headers=headers, data=data, timeout=timeout, allow_redirects=False
            ) as response:
                return await _read(response, self._body_limit)
        except aiohttp.InvalidURL:
            raise Blocked("Adresse unlesbar") from None
        except aiohttp.ClientConnectorError as error:
            raise _not_connected(error) from None
        except aiohttp.ConnectionTimeoutError:
            raise NotSent("keine Verbindung in der Frist", timed_out=True) from None
        except TimeoutError:
            raise MaybeSent("keine Antwort in der Frist") from None
        except (aiohttp.ClientError, OSError) as error:
            raise MaybeSent(f"Verbindung abgerissen ({type(error).__name__})") from None

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> Answer:
        """``request`` with GET."""
        return await self.request("GET", url, headers=headers, timeout_s=timeout_s)

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | aiohttp.FormData | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """``request`` with POST."""
        return await self.request("POST", url, headers=headers, data=data, timeout_s=timeout_s)

    async def put(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | aiohttp.FormData | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """``request`` with PUT. On a reused connection that proves closed it is repeated once (RFC 9110, 9.2.2)."""
        return await self.request("PUT", url, headers=headers, data=data, timeout_s=timeout_s)

    async def close(self) -> None:
        """Close every connection; the client cannot be used again."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _checked(self, url: str) -> URL:
        try:
            return check_url(url, self.policy)
        except InvalidInput as refused:
            raise Blocked(refused.code) from None

    def _timeout(self, total_s: float) -> aiohttp.ClientTimeout:
        """Return the time-outs; the one for connecting is always shorter, so that the two can be distinguished."""
        known = self._timeouts.get(total_s)
        if known is None:
            connect_s = min(self._connect_timeout_s, total_s * _CONNECT_SHARE)
            known = aiohttp.ClientTimeout(total=total_s, connect=connect_s, sock_connect=connect_s)
            if len(self._timeouts) < self._limit:
                self._timeouts[total_s] = known
        return known

    def _open(self) -> aiohttp.ClientSession:
        """Return the session, created on first use because it is bound to the running loop."""
        if self._closed:
            raise NotSent("Ausgang ist geschlossen")
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._limit,
                socket_factory=self._socket,
                resolver=self._resolver,
                # Short, because a request on a connection the server has just closed ends as MaybeSent.
                keepalive_timeout=_KEEPALIVE_S,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,  # a proxy from the environment would connect past the check of the address
                auto_decompress=False,  # a few compressed bytes could expand beyond the limit of the body
                headers={"Accept-Encoding": "identity", "User-Agent": "REALIS"},
            )
        return self._session

    def _socket(self, addr_info: aiohttp.AddrInfoType) -> socket.socket:
        """Return a socket for an address the policy allows; aiohttp calls this right before it connects."""
        family, kind, protocol, _, sockaddr = addr_info
        if not self.policy.allows(ip_address(sockaddr[0])):
            raise _AddressRefused
        return socket.socket(family, kind, protocol)


def _not_connected(error: aiohttp.ClientConnectorError) -> EgressError:
    if isinstance(error.os_error, _AddressRefused):
        return Blocked("Die Adresse hinter dem Namen ist nicht erlaubt.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NotSent("Name nicht auflösbar")
    if isinstance(error, aiohttp.ClientSSLError):
        return NotSent("TLS-Verbindung nicht möglich")
    return NotSent("keine Verbindung")


async def _read(response: aiohttp.ClientResponse, limit: int) -> Answer:
    """Return the response with the head of its body. The status is kept even if the body breaks off."""
    if response.content.at_eof():
        return Answer(response.status, response.headers)
    head, cut = bytearray(), False
    try:
        while len(head) <= limit and (chunk := await response.content.read(limit + 1 - len(head))):
            head += chunk
    except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError):
        cut = True
    if cut or len(head) > limit:
        response.close()
        return Answer(response.status, response.headers, bytes(head[:limit]), truncated=True)
    return Answer(response.status, response.headers, bytes(head))
