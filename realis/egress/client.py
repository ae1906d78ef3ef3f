"""The one guarded way out to addresses of strangers and services, on aiohttp.

A policy says which URLs and which connected addresses are allowed; both are checked, the second one at the
socket, so that a name that changes its mind (DNS rebinding) reaches nothing. There are never redirects, proxies,
cookies or unbounded bodies. It must not know what is sent, nor ever put a URL's path or a key into an error.
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
"""Bytes of an answer that are kept unless the constructor says otherwise."""

_KEEPALIVE_S = 15.0
_CONNECT_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said.

    Args:
        headers: names compare without case.
        body_head: at most the body limit; ``truncated`` when there was more or it broke off.
    """

    status: int
    headers: Mapping[str, str]
    body_head: bytes = b""
    truncated: bool = False


class _AddressRefused(OSError):
    """Raised at the socket; one constant text, so that aiohappyeyeballs keeps the type for several addresses."""

    def __init__(self) -> None:
        super().__init__("address not allowed")


class Egress:
    """A bounded client bound to one policy. Make one per kind of other side; ``close`` it once.

    Args:
        connect_timeout_s: for a free connection, the name, the connection and TLS together.
        total_timeout_s: for the whole exchange, unless a request says otherwise.
        limit: most connections at once.
        body_limit: bytes of an answer that are kept.
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
        """One request, never repeated by us, never redirected.

        Raises:
            Blocked: the policy forbids the URL or the address behind it.
            NotSent: no connection; nothing left the house.
            MaybeSent: cut off or timed out after sending began.
        """
        target = self._checked(url)
        timeout = self._timeout(timeout_s or self._total_timeout_s)
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
        """``request`` with PUT. A reused connection that turns out dead is tried once more (RFC 9110, 9.2.2)."""
        return await self.request("PUT", url, headers=headers, data=data, timeout_s=timeout_s)

    async def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _checked(self, url: str) -> URL:
        try:
            return check_url(url, self.policy)
        except InvalidInput as refused:
            raise Blocked(refused.message) from None

    def _timeout(self, total_s: float) -> aiohttp.ClientTimeout:
        """Connecting always runs out before the whole does, so that the two can be told apart."""
        known = self._timeouts.get(total_s)
        if known is None:
            connect_s = min(self._connect_timeout_s, total_s * _CONNECT_SHARE)
            known = aiohttp.ClientTimeout(total=total_s, connect=connect_s, sock_connect=connect_s)
            if len(self._timeouts) < self._limit:
                self._timeouts[total_s] = known
        return known

    def _open(self) -> aiohttp.ClientSession:
        """The session, made on first use because it belongs to the running loop."""
        if self._closed:
            raise NotSent("Ausgang ist geschlossen")
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._limit,
                socket_factory=self._socket,
                resolver=self._resolver,
                # Short, because a connection the other side closed meanwhile costs an unknown outcome.
                keepalive_timeout=_KEEPALIVE_S,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"Accept-Encoding": "identity", "User-Agent": "REALIS"},
            )
        return self._session

    def _socket(self, addr_info: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for an address the policy allows; aiohttp asks here right before it connects."""
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
    """The answer with the head of its body. The status stands even when the body breaks off."""
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
