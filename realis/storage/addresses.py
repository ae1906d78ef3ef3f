"""Addresses of people: sealed before they are stored, opened only to send."""

from __future__ import annotations

from typing import Protocol


class AddressCipher(Protocol):
    """Encrypts short texts; ``context`` binds a ciphertext to its row."""

    def seal(self, plain: str, context: str) -> bytes:
        """The sealed text."""
        ...

    def open_sealed(self, blob: bytes, context: str) -> str:
        """The text again; raises if it was sealed for another row."""
        ...


class AddressBook:
    """Seals and opens the addresses of targets."""

    def __init__(self, sealer: AddressCipher) -> None:
        self._sealer = sealer

    def seal(self, target_id: int, address: str) -> bytes:
        """An address, bound to its target."""
        return self._sealer.seal(address, f"target:{target_id}")

    def open(self, target_id: int, sealed: bytes) -> str:
        """An address in clear."""
        return self._sealer.open_sealed(sealed, f"target:{target_id}")
