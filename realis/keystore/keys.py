"""The key store: files in one directory, made once under a lock, named by key id so that they can be rotated.

Every primitive comes from ``cryptography`` and ``joserfc``. Nothing here logs or returns a private key.

Each kind of key has files ``<kind>-<key id>.<ending>``; ``current.json`` names the one in use, older ones stay
readable, so what was sealed with them can still be opened.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from realis.cap.signature import XmlSigner
from realis.keystore.files import (
    KEY_ID_BYTES,
    KINDS,
    RESTORE,
    ec_key,
    locked,
    make,
    on_disk,
    read_announced,
    read_current,
    read_files,
    read_private,
    write_current,
)
from realis.model.errors import ConfigurationError, InvalidInput, SigningFailed

VAPID_LIFETIME = timedelta(hours=12)
VAPID_REUSE = timedelta(hours=1)

_NONCE = 12
_SEAL_VERSION = b"\x01"
_NAMED = len(_SEAL_VERSION) + KEY_ID_BYTES
_SEALED_FROM = _NAMED + _NONCE
_MAX_ORIGINS = 10_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The installation's keys, all read when it is opened."""

    directory: Path
    current: Mapping[str, str]
    _files: dict[str, bytes] = field(repr=False)
    _ciphers: dict[bytes, AESGCM] = field(repr=False, default_factory=dict)

    @classmethod
    def open(cls, directory: Path, *, create: bool = True, expect_existing: bool = False) -> Keys:
        """Return the keys in this directory; missing ones are created.

        Args:
            create: create missing keys; False only reads.
            expect_existing: subscriptions or screens exist already, which a new key would make useless: create none.

        Raises:
            ConfigurationError: a key is missing or unreadable, or others may read the files.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        with locked(directory):
            current = read_current(directory)
            missing = [kind for kind in KINDS if kind not in current]
            if missing and (expect_existing or not create):
                raise ConfigurationError(
                    f"Im Schlüsselordner {directory} fehlen: {', '.join(missing)}.", where="data_dir", remedy=RESTORE
                )
            if missing:
                current = {**current, **{kind: make(kind, directory) for kind in missing}}
                write_current(directory, current)
        return cls(directory, current, read_files(directory, current))

    def cap_signer(self) -> XmlSigner:
        """The signer of outgoing CAP XML."""
        return XmlSigner(self._files[self._name("cap", "pem")], self.cap_certificate)

    @property
    def cap_certificate(self) -> bytes:
        """The certificate of the CAP key as PEM, for receivers to pin."""
        return self._files[self._name("cap", "crt")]

    def cap_certificates(self) -> bytes:
        """All certificates of the CAP keys as PEM, read anew: in use, announced, older ones."""
        current, announced = read_current(self.directory).get("cap"), read_announced(self.directory).get("cap")
        ids = sorted(on_disk(self.directory, "cap"), key=lambda one: (one != current, one != announced))
        return b"".join(read_private(self.directory / f"cap-{one}.crt") or b"" for one in ids)

    def frame_signer(self) -> JwsSigner:
        """The signer of the screens' frames."""
        return JwsSigner(self.current["frame"], ECKey.import_key(self._files[self._name("frame", "pem")]))

    def vapid(self, subject: str) -> VapidKey:
        """Return the application server's identity towards push services.

        Args:
            subject: contact for their operators: ``mailto:`` or ``https:`` (RFC 8292, 2.1).
        """
        if not subject.startswith(("mailto:", "https://")):
            raise ConfigurationError(
                f"„{subject}“ ist kein Kontakt für Web-Push.",
                where="contact",
                remedy="Nehmen Sie mailto:… oder https://…",
            )
        return VapidKey(subject, self._files[self._name("vapid", "pem")])

    def seal(self, plain: str, context: str) -> bytes:
        """Return the text encrypted with AES-256-GCM; decryption needs these keys and the same context.

        The layout is version, key id, nonce, ciphertext with tag.
        """
        key_id = bytes.fromhex(self.current["seal"])
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self._files[self._name("seal", "key")]).encrypt(nonce, plain.encode(), context.encode())
        return _SEAL_VERSION + key_id + nonce + sealed

    def open_sealed(self, blob: bytes, context: str) -> str:
        """Return the text that was sealed. Raises ``InvalidInput`` if key, context or bytes differ."""
        cipher = self._ciphers.get(blob[:_NAMED]) or self._cipher(blob[:_NAMED])
        if cipher is None:
            raise InvalidInput("sealed-by-other-keys")
        try:
            return cipher.decrypt(blob[_NAMED:_SEALED_FROM], blob[_SEALED_FROM:], context.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise InvalidInput("sealed-damaged") from error

    def _cipher(self, named: bytes) -> AESGCM | None:
        """Return the cipher a sealed text names; cached, because a city's addresses are decrypted within seconds."""
        if len(named) != _NAMED or not named.startswith(_SEAL_VERSION):
            return None
        key = self._seal_key(f"seal-{named[len(_SEAL_VERSION) :].hex()}.key")
        return None if key is None else self._ciphers.setdefault(named, AESGCM(key))

    def _seal_key(self, name: str) -> bytes | None:
        """Return a key from its file, also one that a rotation created after this process started."""
        if name not in self._files:
            made_since = read_private(self.directory / name)
            if made_since is None:
                return None
            self._files[name] = made_since
        return self._files[name]

    def fingerprint(self, text: str) -> str:
        """Return an HMAC-SHA256 (64 hex characters), to find a text again without storing it (promise 14)."""
        mac = hmac.HMAC(self._files[self._name("fingerprint", "key")], hashes.SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()

    def _name(self, kind: str, ending: str) -> str:
        return f"{kind}-{self.current[kind]}.{ending}"


@dataclass(frozen=True, slots=True)
class JwsSigner:
    """Compact JWS with ES256 (RFC 7515, RFC 7518)."""

    key_id: str
    _key: ECKey = field(repr=False)

    def sign(self, payload: bytes) -> str:
        """Return the payload as a compact JWS with its ``kid``. Raises ``SigningFailed``."""
        try:
            return jws.serialize_compact({"alg": "ES256", "kid": self.key_id}, payload, self._key)
        except (JoseError, ValueError, TypeError) as error:
            raise SigningFailed("frame-not-signed") from error

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """The public key as a JWK with ``kid``."""
        public = self._key.as_dict(private=False)
        return {**{name: str(public[name]) for name in ("kty", "crv", "x", "y")}, "kid": self.key_id, "alg": "ES256"}


@dataclass(slots=True)
class VapidKey:
    """Tokens for push services (RFC 8292), each cached for an hour and valid for twelve."""

    subject: str
    _pem: bytes = field(repr=False)
    _key: ECKey = field(init=False, repr=False)
    _made: dict[str, tuple[datetime, str]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._key = ECKey.import_key(self._pem)

    @property
    def public_key(self) -> str:
        """The uncompressed point as base64url without padding."""
        point = ec_key(self._pem).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return urlsafe_b64encode(point).decode()

    def authorization(self, origin: str, now: datetime) -> str:
        """The Authorization header's value for a push service, for example ``https://push.example``."""
        # Reused for far less than its validity, which RFC 8292, 2 limits to 24 hours; not if the clock was set back.
        made = self._made.get(origin)
        if made is not None and timedelta() <= now - made[0] < VAPID_REUSE:
            return made[1]
        if len(self._made) >= _MAX_ORIGINS:
            self._made.clear()
        claims: dict[str, str | int] = {
            "aud": origin,
            "exp": int((now + VAPID_LIFETIME).timestamp()),
            "sub": self.subject,
        }
        try:
            token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
        except (JoseError, ValueError, TypeError) as error:
            raise SigningFailed("push-identity-not-signed") from error
        header = f"vapid t={token}, k={self.public_key}"
        self._made[origin] = (now, header)
        return header
