"""Passwords: Argon2id hashes made off the event loop, and one-time passwords people can read out.

It never stores, logs or compares a password itself, and never says whether a name exists.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from realis.model.errors import InvalidInput

MIN_LENGTH = 12
MAX_LENGTH = 200
_READABLE = "abcdefghkmnpqrstuvwxyz23456789"
"""No letters or digits that are mistaken for each other over the phone or on paper."""
_GROUPS, _GROUP = 4, 4
_CONCURRENCY = 2
"""Argon2 takes 64 MiB each; a burst of logins must not take the memory the warnings need."""


def one_time_password() -> str:
    """A password to be used once: four groups of four, about 78 bits."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(_GROUP)) for _ in range(_GROUPS))


def check_new(password: str, *, name: str, previous: str) -> None:
    """Raise ``InvalidInput`` unless this may become somebody's password. Length counts, not odd characters."""
    if len(password) < MIN_LENGTH:
        raise InvalidInput("password-too-short", where="new", min=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise InvalidInput("password-too-long", where="new", max=MAX_LENGTH)
    if password == previous:
        raise InvalidInput("password-unchanged", where="new")
    if name.casefold() in password.casefold() or len(set(password)) < 5:
        raise InvalidInput("password-guessable", where="new")


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password fits; ``new_hash`` is set when the stored one should be replaced."""

    fits: bool
    new_hash: str = ""


class Passwords:
    """Makes and checks Argon2id hashes with RFC 9106's second recommended parameters, in threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._gate = asyncio.Semaphore(_CONCURRENCY)
        self._decoy = ""

    async def hash(self, password: str) -> str:
        """A fresh hash with its own salt."""
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> PasswordCheck:
        """Whether the password fits. Takes as long for a user who does not exist (``stored`` None)."""
        if len(password) > MAX_LENGTH:
            return PasswordCheck(False)
        if stored is None and not self._decoy:
            self._decoy = await self.hash(secrets.token_urlsafe())
        async with self._gate:
            verdict = await asyncio.to_thread(_verify, self._hasher, stored or self._decoy, password)
        return verdict if stored is not None else PasswordCheck(False)


def _verify(hasher: PasswordHasher, stored: str, password: str) -> PasswordCheck:
    try:
        hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return PasswordCheck(False)
    return PasswordCheck(True, hasher.hash(password) if hasher.check_needs_rehash(stored) else "")


@dataclass(frozen=True, slots=True)
class Issued:
    """A one-time password and its hash; the password is shown once and never kept."""

    password: str = field(repr=False)
    password_hash: str = field(repr=False)


async def issue_one_time(passwords: Passwords) -> Issued:
    """A new one-time password, ready to be stored as a hash and read out once."""
    password = one_time_password()
    return Issued(password, await passwords.hash(password))
