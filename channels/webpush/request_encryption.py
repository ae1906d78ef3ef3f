"""Turns a stored address into a request ready to post: address read and checked, message encrypted.

No event loop, no state; independent of messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

from channels.webpush.encryption import encrypt
from channels.webpush.subscription import DamagedAddressError, origin_of, read_address
from realis.egress.policy import MAX_URL, Policy, check_url
from realis.model.delivery import Failed, FailureKind
from realis.model.errors import InvalidInput

# Printable ASCII without space, quote, hash, angle brackets and backslash: valid after the origin in a request target.
_PATH = re.compile(r"/[!$-;=?-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class EncryptedRequest:
    """One encrypted push and its destination. ``path`` is the request target, query included."""

    endpoint: str
    host: str
    origin: str
    path: str
    body: bytes


def seal(record: bytes, address: str, policy: Policy) -> EncryptedRequest | Failed:
    """Return the request for one phone, or the failure if there can be none.

    Args:
        record: the result of ``padded``; the same for all.
    """
    try:
        subscription = read_address(address)
        url = check_url(subscription.endpoint, policy)
    except DamagedAddressError:
        return _UNREADABLE
    except InvalidInput as refused:
        return Failed(FailureKind.REJECTED, f"Adresse gesperrt: {refused.code}")
    body = encrypt(record, subscription.receiver)
    host = (url.raw_host or "").lower()
    return EncryptedRequest(subscription.endpoint, host, origin_of(url), _path_of(url), body)


class RequestEncryptor:
    """Encrypts many pushes for one service, whose origin is checked once.

    Raises:
        InvalidInput: the policy forbids the origin.
    """

    def __init__(self, record: bytes, origin: str, policy: Policy) -> None:
        self.url = check_url(origin + "/", policy)
        self._record = record
        self._origin = origin
        self._policy = policy

    def seal(self, address: str) -> tuple[str, bytes] | Failed:
        """Return path and body for one phone of this service, or the failure if there can be none."""
        try:
            subscription = read_address(address)
        except DamagedAddressError:
            return _UNREADABLE
        path = self._path(subscription.endpoint)
        if path is None:
            return Failed(FailureKind.REJECTED, "Adresse gesperrt: Sie gehört nicht zu ihrem Push-Dienst.")
        return path, encrypt(self._record, subscription.receiver)

    def _path(self, endpoint: str) -> str | None:
        """Return the request target, if the endpoint is at the checked origin."""
        if endpoint.startswith(self._origin) and len(endpoint) <= MAX_URL:
            path = endpoint[len(self._origin) :]
            if _PATH.fullmatch(path):
                return path
        try:
            url = check_url(endpoint, self._policy)
        except InvalidInput:
            return None
        return _path_of(url) if origin_of(url) == self._origin else None


_UNREADABLE = Failed(FailureKind.REJECTED, "gespeicherte Anmeldung ist unlesbar")


def _path_of(url: URL) -> str:
    return url.raw_path_qs
