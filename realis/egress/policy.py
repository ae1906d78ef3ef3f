"""Egress policies: which URLs, and which addresses behind them, may be connected to (promise 12). Pure; no I/O.

Policies are injected. There is no setting that loosens one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from yarl import URL

from realis.model.errors import InvalidInput, Value

__all__ = ["MAX_URL", "Address", "Configured", "LoopbackOnly", "Policy", "PublicOnly", "check_url", "host_of"]

MAX_URL = 2048
CODES = (
    "address-malformed",
    "address-not-configured",
    "address-not-https",
    "address-not-local",
    "address-not-public",
    "address-too-long",
)
"""Every code ``check_url`` refuses with."""

Address = IPv4Address | IPv6Address

# Printable ASCII without space, quote, angle brackets and backslash.
_SIGNS = re.compile(r"[!#-;=?-\[\]-~]*")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# A number to inet_aton and browsers: decimal, octal (leading zero) or hexadecimal.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Policy(Protocol):
    """Which URLs and which addresses behind them may be reached."""

    def refusal(self, url: URL) -> str:
        """Return why this URL is not allowed, as an error's code, or an empty string."""
        ...

    def allows(self, address: Address) -> bool:
        """Whether a connection to this address may be opened."""
        ...


class PublicOnly:
    """For addresses from subscriptions: https on port 443, a host name, a globally routable address."""

    def refusal(self, url: URL) -> str:
        """Refuses other schemes and ports, IP literals in any notation, and names that are not host names."""
        if url.scheme != "https":
            return "address-not-https"
        if url.port != 443:
            return "address-not-https"
        return _name_refusal(url.raw_host or "")

    def allows(self, address: Address) -> bool:
        """Only globally routable unicast addresses, also behind a v4-mapped or translated one."""
        return _is_public(address)


class LoopbackOnly:
    """The demo and tests: http or https to this machine, nowhere else."""

    def refusal(self, url: URL) -> str:
        """Refuses every host but localhost and loopback literals."""
        return _loopback_refusal(url)

    def allows(self, address: Address) -> bool:
        """Loopback only."""
        return address.is_loopback


class Configured:
    """For the services in the settings, by exact host name; https, unless ``loopback`` limits it to this machine.

    Their addresses are not limited, because the operator named them and an instance may be in the city's own network.
    """

    def __init__(self, hosts: Collection[str], *, loopback: bool = False) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._loopback = loopback

    def refusal(self, url: URL) -> str:
        """Refuses hosts that were not configured."""
        if (url.raw_host or "").lower() not in self._hosts:
            return "address-not-configured"
        if self._loopback:
            return _loopback_refusal(url)
        return "" if url.scheme == "https" else "address-not-https"

    def allows(self, address: Address) -> bool:
        """Any address, or loopback only."""
        return address.is_loopback if self._loopback else True


def host_of(url: str) -> frozenset[str]:
    """Return the host of a URL in the settings, for ``Configured``; empty if it has none."""
    try:
        host = URL(url.strip()).raw_host
    except ValueError:
        return frozenset()
    return frozenset({host.lower()} if host else ())


def check_url(url: str, policy: Policy) -> URL:
    """Return the parsed URL, exactly as it will be requested, if the policy allows it.

    Raises:
        InvalidInput: says what is wrong; never repeats the address.
    """
    if len(url) > MAX_URL:
        raise _invalid("address-too-long", max=MAX_URL)
    if not _SIGNS.fullmatch(url):
        raise _invalid("address-malformed")
    try:
        parsed = URL(url, encoded=True)
        _ = parsed.raw_host, parsed.port  # yarl parses the authority lazily; an invalid one raises here
    except ValueError:
        raise _invalid("address-malformed") from None
    if not parsed.absolute or not parsed.raw_host:
        raise _invalid("address-malformed")
    if parsed.raw_user is not None or parsed.raw_password is not None or "@" in parsed.raw_authority:
        raise _invalid("address-malformed")
    if parsed.raw_fragment:
        raise _invalid("address-malformed")
    if refusal := policy.refusal(parsed):
        raise _invalid(refusal)
    return parsed


def _invalid(code: str, **values: Value) -> InvalidInput:
    return InvalidInput(code, where="endpoint", causes=(), **values)


@lru_cache(maxsize=1024)
def _name_refusal(host: str) -> str:
    name = host.lower()
    if ":" in name or _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
        return "address-not-public"
    if len(name) > 253 or not _NAME.fullmatch(name) or name.endswith(".localhost"):
        return "address-not-public"
    return ""


def _loopback_refusal(url: URL) -> str:
    host = (url.raw_host or "").lower()
    if url.scheme not in ("http", "https"):
        return "address-malformed"
    return "" if host == "localhost" or _is_loopback_literal(host) else "address-not-local"


@lru_cache(maxsize=64)
def _is_loopback_literal(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return False  # tunnels and translations: no push service uses them, and they can reach the inside
        # The standard library counts fec0::/10 and ::/8 (with 64:ff9b::/96) among these two.
        if address.is_site_local or address.is_reserved:
            return False
    elif address.is_reserved:
        return False
    return address.is_global and not (address.is_multicast or address.is_unspecified or address.is_loopback)
