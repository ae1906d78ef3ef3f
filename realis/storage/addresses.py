"""Encryption of target addresses: sealed before they are stored, opened only to send."""

from __future__ import annotations

from typing import Protocol


class AddressCipher(Protocol):
    """Encrypts short texts; ``context`` binds a ciphertext to its row."""

    def seal(self, plain: str, context: str) -> bytes:
        """Return the ciphertext of the text, bound to ``context``."""
        ...

    def open_sealed(self, blob: bytes, context: str) -> str:
        """Return the plaintext; raises if it was sealed under another context."""
        ...


class AddressBook:
    """Seals and opens the addresses of targets."""

    def __init__(self, sealer: AddressCipher) -> None:
        self._sealer = sealer

    def seal(self, target_id: int, address: str) -> bytes:
        """Return the ciphertext of an address, bound to its target."""
        return self._sealer.seal(address, f"target:{target_id}")

    def open(self, target_id: int, sealed: bytes) -> str:
        """Return the address in clear; raises as ``AddressCipher.open_sealed``."""
        return self._sealer.open_sealed(sealed, f"target:{target_id}")
