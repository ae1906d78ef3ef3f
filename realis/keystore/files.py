"""The files of the key store: naming, creation, writing and checks. Independent of the keys' uses."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from realis.model.errors import ConfigurationError

KINDS = ("cap", "frame", "vapid", "seal", "fingerprint")
"""CAP signing, frames for screens, web push identity, encryption of addresses, keyed hashes."""

KEY_ID_BYTES = 4
RESTORE = "Spielen Sie die Schlüssel aus der Sicherung zurück; neue würden bestehende Anmeldungen unbrauchbar machen."

_CURRENT, _NEXT = "current.json", "next.json"
# RFC 5280, 4.1.2.5: this end means "no end"; trust comes from pinning, not from dates.
_CERTIFICATE_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_CERTIFICATE_TO = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def write_current(directory: Path, current: Mapping[str, str]) -> None:
    """Write which keys are in use, all kinds in one atomic replacement."""
    write(directory / _CURRENT, json.dumps(current, indent=2).encode(), replace=True)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, so that two concurrent first starts make one set of keys."""
    # flock and not the file's existence: the kernel releases it when the process ends, however it ends.
    handle = os.open(directory / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_current(directory: Path) -> dict[str, str]:
    """Return the key ids in use by kind. Raises ``ConfigurationError`` if the file is damaged."""
    return _read_ids(directory / _CURRENT)


def read_announced(directory: Path) -> dict[str, str]:
    """Return the ids of the keys created in advance and not in use yet, by kind."""
    current = read_current(directory)
    return {kind: key_id for kind, key_id in _read_ids(directory / _NEXT).items() if key_id != current.get(kind)}


def _read_ids(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_bytes())
        return {str(kind): bytes.fromhex(key_id).hex() for kind, key_id in entries.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"{path} ist nicht lesbar.", where="data_dir", remedy=RESTORE) from error


def read_files(directory: Path, current: Mapping[str, str]) -> dict[str, bytes]:
    """Return all key files by name, also older ones. Raises ``ConfigurationError`` if one is missing or not private."""
    files: dict[str, bytes] = {}
    for path in sorted(directory.glob("*-*.*")):
        files[path.name] = read_private(path) or b""
    for kind in KINDS:
        for ending in _FILES[kind]:
            if not files.get(f"{kind}-{current[kind]}.{ending}"):
                name = f"{kind}-{current[kind]}.{ending}"
                raise ConfigurationError(
                    f"Die Schlüsseldatei {directory / name} fehlt.", where="data_dir", remedy=RESTORE
                )
    for name, content in files.items():
        if name.endswith(".pem"):
            ec_key(content)
    return files


def make(kind: str, directory: Path) -> str:
    """Create one key of this kind on disk; returns its key id."""
    key_id = secrets.token_hex(KEY_ID_BYTES)
    for ending, content in zip(_FILES[kind], _MAKERS[kind](key_id), strict=True):
        write(directory / f"{kind}-{key_id}.{ending}", content)
    return key_id


def on_disk(directory: Path, kind: str) -> list[str]:
    """Return the ids of all keys of this kind, whether in use, announced or older; newest first."""
    ending = _FILES[kind][-1]  # written last, so where it exists the key is complete
    made = sorted(directory.glob(f"{kind}-*.{ending}"), key=lambda path: (-path.stat().st_mtime, path.name))
    return [path.stem.removeprefix(f"{kind}-") for path in made]


def announce(directory: Path, kind: str) -> str:
    """Create the next key of this kind without using it; returns its id, or that of one already announced."""
    with locked(directory):
        announced = read_announced(directory)
        if kind not in announced:
            announced[kind] = make(kind, directory)
            write(directory / _NEXT, json.dumps(announced, indent=2).encode(), replace=True)
        return announced[kind]


@dataclass(frozen=True, slots=True)
class Rotation:
    """The replacement of one key by another, by their ids."""

    kind: str
    old: str
    new: str


@contextmanager
def rotation(directory: Path, kind: str) -> Iterator[Rotation]:
    """Put the announced key, or a new one, into use when the block ends without an error; the older stays readable.

    If an error or the end of the process comes first, the older key stays in use. The directory is locked for the whole
    block, against any other start or rotation.
    """
    with locked(directory):
        current = read_current(directory)
        if kind not in current:
            raise ConfigurationError(f"In {directory} gibt es keinen Schlüssel „{kind}“.", remedy=RESTORE)
        new = read_announced(directory).get(kind) or make(kind, directory)
        yield Rotation(kind, current[kind], new)
        write_current(directory, {**current, kind: new})


def read_private(path: Path) -> bytes | None:
    """Return a file that only its owner may read, or None without one. Raises ``ConfigurationError``."""
    if not path.is_file():
        return None
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(
            f"Andere Benutzer dürfen {path} lesen.", where="data_dir", remedy=f"Führen Sie aus: chmod 600 {path}"
        )
    return path.read_bytes()


def _new_secret(_: str) -> tuple[bytes]:
    return (AESGCM.generate_key(bit_length=256),)


def _new_ec(_: str) -> tuple[bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    return (key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),)


def _new_cap(key_id: str) -> tuple[bytes, bytes]:
    (pem,) = _new_ec(key_id)
    return pem, _certificate(ec_key(pem), key_id)


def _certificate(key: ec.EllipticCurvePrivateKey, key_id: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"REALIS CAP {key_id}")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_CERTIFICATE_FROM)
        .not_valid_after(_CERTIFICATE_TO)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def ec_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the private key in a PEM file. Raises ``ConfigurationError`` if it is of another kind."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("Eine Schlüsseldatei ist beschädigt.", where="data_dir", remedy=RESTORE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError("Ein Schlüssel ist nicht von der erwarteten Art (EC P-256).", remedy=RESTORE)
    return key


_FILES: Mapping[str, tuple[str, ...]] = {
    "cap": ("pem", "crt"),
    "frame": ("pem",),
    "vapid": ("pem",),
    "seal": ("key",),
    "fingerprint": ("key",),
}
_MAKERS: Mapping[str, Callable[[str], tuple[bytes, ...]]] = {
    "cap": _new_cap,
    "frame": _new_ec,
    "vapid": _new_ec,
    "seal": _new_secret,
    "fingerprint": _new_secret,
}


def write(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that only the owner may read: atomically, and fsynced before it replaces the old one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if not replace and path.exists():
        raise ConfigurationError(f"{path} gibt es schon.")
    temporary.replace(path)
    # The directory too: after a power failure the rename itself could be missing (rename(2), fsync(2)).
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
