"""Who works at the desk and which programs may ask: users, sessions, tokens. No secret passes in clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from realis.policy.approval import Actor, Role


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who works at the desk. The audit trail knows the pseudonym only."""

    id: str
    name: str
    pseudonym: str
    roles: frozenset[Role]
    active: bool = True
    must_change_password: bool = False

    @property
    def actor(self) -> Actor:
        """This user as the desk's use cases see them."""
        return Actor(self.id, self.pseudonym, self.roles)


class Users(Protocol):
    """Where the desk's people are kept. Passwords arrive hashed (Argon2id)."""

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
        """Bar the user and end all of their sessions; the pseudonym stays in the audit trail."""
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
        """Store a new session, and forget those of everybody that have expired."""
        ...

    async def get(self, token_hash: str, now: datetime) -> SessionRecord | None:
        """A session that has not expired, of an active user."""
        ...

    async def delete(self, token_hash: str) -> None:
        """End one session."""
        ...


class TokenKind(StrEnum):
    """What a bearer token is for."""

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
        """The token with this hash, unless revoked."""
        ...

    async def revoke(self, token_id: int) -> None:
        """Make a token useless for good."""
        ...
