"""A file only a passphrase opens: written and read in chunks, so that its size never matters to memory.

AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): each chunk's nonce holds its number
and whether it is the last, so that nothing can be changed, swapped, repeated or cut off unnoticed. The key comes from
scrypt (RFC 7914); its cost belongs to the format's version and is never read from the file. Knows no backup.
"""

from __future__ import annotations

import io
import secrets
from types import TracebackType
from typing import IO, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from realis.model.errors import CommandError

MAGIC: Final = b"REALIS-SEALED\x01"
CHUNK: Final = 64 * 1024
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
"""128 MiB and about half a second for each guess."""

_SALT, _PREFIX, _TAG = 16, 7, 16
_MAX_CHUNKS = 2**32


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode()))


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


class EncryptedWriter(io.RawIOBase):
    """Seals what is written. Only leaving the ``with`` block without an error makes the file whole."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt, self._prefix = secrets.token_bytes(_SALT), secrets.token_bytes(_PREFIX)
        self._file, self._cipher = file, _cipher(passphrase, salt)
        self._header = MAGIC + salt + self._prefix
        self._number, self._held = 0, bytearray()
        file.write(self._header)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # any buffer would do; tarfile gives bytes
        """Take bytes in; what fills a chunk, and is not the end, goes out."""
        self._held += data
        while len(self._held) > CHUNK:
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._seal(bytes(self._held), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        if self._number >= _MAX_CHUNKS:
            raise CommandError("Die Datei würde größer, als dieses Format erlaubt (256 TiB).")
        nonce = _nonce(self._prefix, self._number, last=last)
        self._file.write(self._cipher.encrypt(nonce, chunk, self._header))
        self._number += 1


class EncryptedReader(io.RawIOBase):
    """Opens what ``EncryptedWriter`` sealed. Raises ``CommandError`` for a wrong passphrase and for any change.

    Whatever was read counts only after ``finish``: until then the rest may still be missing.
    """

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._header = file.read(len(MAGIC) + _SALT + _PREFIX)
        if len(self._header) != len(MAGIC) + _SALT + _PREFIX or not self._header.startswith(MAGIC):
            raise CommandError("Das ist keine Sicherung von REALIS.", where=str(getattr(file, "name", "")))
        salt = self._header[len(MAGIC) :][:_SALT]
        self._file, self._cipher, self._prefix = file, _cipher(passphrase, salt), self._header[-_PREFIX:]
        self._number, self._opened, self._done = 0, b"", False
        self._next = file.read(CHUNK + _TAG)

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, at most a chunk; none at the end."""
        if not self._opened and not self._done:
            self._open_chunk()
        size = len(self._opened) if size < 0 else size
        given, self._opened = self._opened[:size], self._opened[size:]
        return given

    def finish(self) -> Self:
        """Read to the end; what was read is whole and unchanged."""
        while self.read(CHUNK):
            pass
        return self

    def _open_chunk(self) -> None:
        chunk, self._next = self._next, self._file.read(CHUNK + _TAG)
        last = not self._next
        try:
            nonce = _nonce(self._prefix, self._number, last=last)
            self._opened = self._cipher.decrypt(nonce, chunk, self._header)
        except (InvalidTag, ValueError) as error:
            if self._number:
                raise CommandError("Die Sicherung ist beschädigt oder abgeschnitten.") from error
            raise CommandError(
                "Die Passphrase stimmt nicht, oder die Sicherung ist beschädigt.", where="passphrase"
            ) from error
        self._number, self._done = self._number + 1, last
