"""The accounts of operators and the tokens of programs: users, sessions, tokens. No secret passes in clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from realis.policy.approval import Actor, Role


@dataclass(frozen=True, slots=True)
class User:
    """A user of the desk. The audit trail contains the pseudonym only."""

    id: str
    name: str
    pseudonym: str
    roles: frozenset[Role]
    active: bool = True
    must_change_password: bool = False

    @property
    def actor(self) -> Actor:
        """The user as the ``Actor`` of use cases."""
        return Actor(self.id, self.pseudonym, self.roles)


class Users(Protocol):
    """The store of users. Passwords are passed hashed (Argon2id)."""

    async def add(self, name: str, roles: frozenset[Role], *, password_hash: str, must_change: bool) -> User:
        """Store a new user. Raises ``Conflict`` if the name is taken."""
        ...

    async def get(self, user_id: str) -> User | None:
        """An active user by id."""
        ...

    async def credentials(self, name: str) -> tuple[User, str] | None:
        """An active user and their password hash by login name."""
        ...

    async def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None:
        """Replace the hash and end all of the user's sessions."""
        ...

    async def set_roles(self, user_id: str, roles: frozenset[Role]) -> None:
        """Replace the roles."""
        ...

    async def deactivate(self, user_id: str) -> None:
        """Bar the user from logging in and end all of their sessions; the pseudonym stays in the audit trail."""
        ...

    async def list(self) -> Sequence[User]:
        """All users, active or not, by name."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A browser's login. ``csrf`` is the token its forms must carry."""

    user: User
    csrf: str
    expires_at: datetime


class Sessions(Protocol):
    """Server-side sessions; only a hash of the cookie is stored."""

    async def create(self, token_hash: str, user_id: str, *, csrf: str, now: datetime, expires_at: datetime) -> None:
        """Store a new session, and delete the expired sessions of all users."""
        ...

    async def get(self, token_hash: str, now: datetime) -> SessionRecord | None:
        """Return an unexpired session of an active user, or None."""
        ...

    async def delete(self, token_hash: str) -> None:
        """End one session."""
        ...


class TokenKind(StrEnum):
    """The purpose of a bearer token."""

    AUTHORITY = "authority"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A bearer token without its secret. ``label`` names the authority or screen."""

    id: int
    kind: TokenKind
    label: str
    target_id: int | None = None


class Tokens(Protocol):
    """Bearer tokens of authorities and screens; only hashes are stored."""

    async def add(self, kind: TokenKind, label: str, *, token_hash: str, target_id: int | None = None) -> TokenRecord:
        """Store a new token."""
        ...

    async def find(self, kind: TokenKind, token_hash: str) -> TokenRecord | None:
        """Return the token with this hash; None if unknown or revoked."""
        ...

    async def revoke(self, token_id: int) -> None:
        """Revoke a token; irreversible."""
        ...
