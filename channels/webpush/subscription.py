"""A phone's push subscription: from the browser's JSON to the stored address and back.

It must not send anything, nor repeat an endpoint or a key in an error.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from yarl import URL

from channels.webpush.encryption import AUTH_BYTES, POINT_BYTES, KeyUnusableError, Receiver, receiver
from realis.egress.policy import Policy, check_url
from realis.model.errors import InvalidInput

_KNOWN_HOSTS = ("fcm.googleapis.com",)
_KNOWN_SUFFIXES = (".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com")


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """The endpoint of a push and the receiver it is encrypted for."""

    endpoint: str
    receiver: Receiver


def is_known_service(host: str) -> bool:
    """Whether the host belongs to a known browser's push service. Decides the lane, never the permission."""
    return host in _KNOWN_HOSTS or host.endswith(_KNOWN_SUFFIXES)


def parse_subscription(data: object, policy: Policy) -> tuple[str, str]:
    """Return the address to store and its origin, from a browser's ``PushSubscription.toJSON()``.

    Args:
        data: decoded JSON; the keys may be under ``keys`` or beside the endpoint.
        policy: which endpoints are permitted.

    Raises:
        InvalidInput: says which part is wrong.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput("subscription-unreadable", where="subscription")
    keys = data.get("keys", data)
    if not isinstance(keys, Mapping):
        raise InvalidInput("subscription-keys-missing", where="keys")
    endpoint = data.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint:
        raise InvalidInput("push-address-missing", where="endpoint")
    url = check_url(endpoint, policy)
    point, auth = _decoded(keys, "p256dh", POINT_BYTES), _decoded(keys, "auth", AUTH_BYTES)
    try:
        receiver(point, auth)
    except KeyUnusableError:
        raise InvalidInput("subscription-key-unfit", where="p256dh", name="p256dh") from None
    return _address(endpoint, point, auth), origin_of(url)


class DamagedAddressError(ValueError):
    """A stored address is not a result of ``parse_subscription``."""


def read_address(address: str) -> PushSubscription:
    """Return a stored address as a subscription that can be encrypted for.

    Raises:
        DamagedAddressError: the stored text cannot be used.
    """
    try:
        data = json.loads(address)
        point, auth = urlsafe_b64decode(data["p256dh"] + "=="), urlsafe_b64decode(data["auth"] + "==")
        return PushSubscription(str(data["endpoint"]), receiver(point, auth))
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedAddressError("stored subscription is damaged") from error


def endpoint_of(address: str) -> str:
    """Return the endpoint of a stored address. Raises ``DamagedAddressError``."""
    try:
        return str(json.loads(address)["endpoint"])
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedAddressError("stored subscription is damaged") from error


def origin_of(url: URL) -> str:
    """Return the origin in the form of VAPID's ``aud`` (RFC 8292, 2; RFC 6454): lower case, no default port."""
    host = (url.raw_host or "").lower()
    name = f"[{host}]" if ":" in host else host
    default = 443 if url.scheme == "https" else 80
    return f"{url.scheme}://{name}" if url.port in (default, None) else f"{url.scheme}://{name}:{url.port}"


def _address(endpoint: str, point: bytes, auth: bytes) -> str:
    return json.dumps({"endpoint": endpoint, "p256dh": _encoded(point), "auth": _encoded(auth)}, separators=(",", ":"))


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(keys: Mapping[object, object], name: str, length: int) -> bytes:
    text = keys.get(name)
    if not isinstance(text, str) or not text:
        raise InvalidInput("subscription-key-missing", where=name, name=name)
    try:
        raw = urlsafe_b64decode(text.rstrip("=").encode("ascii") + b"==") if len(text) <= 4 * length else b""
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != length or _encoded(raw) != text.rstrip("="):
        raise InvalidInput("subscription-key-unfit", where=name, name=name)
    return raw
