"""Message encryption for web push: RFC 8291 over RFC 8188 (aes128gcm), composed from ``cryptography``.

One record, one fresh key pair and salt per message. Independent of messages, targets and HTTP.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUTH_BYTES = 16
POINT_BYTES = 65

_CURVE = ec.SECP256R1()
_ECDH = ec.ECDH()
_HASH = SHA256()
_SALT_BYTES = 16
_RECORD_SIZE = (4096).to_bytes(4, "big")
_KEY_ID_LENGTH = bytes([POINT_BYTES])
_LAST_RECORD = b"\x02"

PADDED_SIZES = (640, 1280, 1920, 2640)
"""Bytes a plaintext is padded to, so that its length reveals little. The largest gives a body of 2,742 bytes, which
also passes services that forward to others and accept 2,744 (autopush)."""

MAX_PLAINTEXT = PADDED_SIZES[-1] - len(_LAST_RECORD)


class KeyUnusableError(ValueError):
    """The receiver's key is not an uncompressed point on P-256, or its secret has the wrong length."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """The public half of a subscription: its key, the key's bytes, and the shared secret."""

    key: ec.EllipticCurvePublicKey
    point: bytes
    auth: bytes


def receiver(point: bytes, auth: bytes) -> Receiver:
    """Return a receiver that messages can be encrypted for.

    Args:
        point: ``p256dh``, an uncompressed point of 65 bytes.
        auth: 16 bytes.

    Raises:
        KeyUnusableError: the point is not on the curve, or a length is wrong.
    """
    if len(point) != POINT_BYTES or len(auth) != AUTH_BYTES:
        raise KeyUnusableError("wrong length")
    try:
        return Receiver(ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point), point, auth)
    except ValueError as error:
        raise KeyUnusableError("not a point on P-256") from error


def padded(plaintext: bytes) -> bytes:
    """Return the plaintext as the only record (RFC 8188, 2), padded to the next of ``PADDED_SIZES``."""
    wanted = next((size for size in PADDED_SIZES if len(plaintext) < size), None)
    if wanted is None:
        raise ValueError(f"plaintext longer than {MAX_PLAINTEXT} bytes")
    return (plaintext + _LAST_RECORD).ljust(wanted, b"\x00")


def encrypt(record: bytes, to: Receiver, *, salt: bytes = b"", key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """Return the whole request body for a push service.

    Args:
        record: the result of ``padded``.
        salt, key: set only to reproduce the example of RFC 8291; else random, as they must be.
    """
    salt = salt or os.urandom(_SALT_BYTES)
    key = key or ec.generate_private_key(_CURVE)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    info = b"WebPush: info\x00" + to.point + point
    secret = HKDF(_HASH, 32, to.auth, info).derive(key.exchange(_ECDH, to.key))
    content_key = HKDF(_HASH, 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
    nonce = HKDF(_HASH, 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
    header = salt + _RECORD_SIZE + _KEY_ID_LENGTH + point
    return header + AESGCM(content_key).encrypt(nonce, record, None)
