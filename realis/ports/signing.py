"""The ports to signing keys, as Protocols. Keys themselves never cross them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class FrameSigner(Protocol):
    """Signs the screens' frames: JWS compact, ES256 (RFC 7515, RFC 7518)."""

    def sign(self, payload: bytes) -> str:
        """The payload as a compact JWS. Raises ``SigningFailed``."""
        ...

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """The public key as a JWK with ``kid``, for screens to pin."""
        ...


class CapSigner(Protocol):
    """Signs outgoing CAP XML (enveloped XML-DSig)."""

    def sign(self, xml: bytes) -> bytes:
        """The message with its signature. Raises ``SigningFailed``."""
        ...


class Vapid(Protocol):
    """The application server's identity towards push services (RFC 8292)."""

    @property
    def public_key(self) -> str:
        """The uncompressed P-256 point as base64url without padding, for ``subscribe()``."""
        ...

    def authorization(self, origin: str, now: datetime) -> str:
        """The Authorization header for a push service's origin; one token per origin and hour."""
        ...
