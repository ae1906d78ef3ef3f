"""Users, sessions and tokens. Only hashes of secrets are stored."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError

from realis.model.errors import Conflict
from realis.policy.approval import Role, roles_of
from realis.ports.accounts import SessionRecord, TokenKind, TokenRecord, User
from realis.ports.clock import Clock
from realis.storage.database import Database
from realis.storage.schema import sessions, tokens, users


class SqlUsers:
    """``realis.ports.accounts.Users`` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, name: str, roles: frozenset[Role], *, password_hash: str, must_change: bool) -> User:
        """Store a new user. Raises ``Conflict`` if the name is taken."""
        user = User(str(uuid4()), name, f"P-{secrets.token_hex(3)}", roles, must_change_password=must_change)
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    users.insert().values(
                        id=user.id,
                        name=name,
                        pseudonym=user.pseudonym,
                        roles=sorted(roles),
                        password_hash=password_hash,
                        must_change=must_change,
                        active=True,
                        created_at=self._clock.now(),
                    )
                )
        except IntegrityError as error:
            raise Conflict("user-name-taken", where="name", name=name) from error
        return user

    async def get(self, user_id: str) -> User | None:
        """An active user by id."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(users).where(users.c.id == user_id, users.c.active))).first()
        return _user(row) if row else None

    async def credentials(self, name: str) -> tuple[User, str] | None:
        """An active user and their password hash by login name."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(users).where(users.c.name == name, users.c.active))).first()
        return (_user(row), row.password_hash) if row else None

    async def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None:
        """Replace the hash and end all of the user's sessions."""
        async with self._database.write() as connection:
            values = {"password_hash": password_hash, "must_change": must_change}
            await connection.execute(users.update().where(users.c.id == user_id).values(values))
            await connection.execute(sessions.delete().where(sessions.c.user_id == user_id))

    async def set_roles(self, user_id: str, roles: frozenset[Role]) -> None:
        """Replace the roles."""
        async with self._database.write() as connection:
            await connection.execute(users.update().where(users.c.id == user_id).values(roles=sorted(roles)))

    async def deactivate(self, user_id: str) -> None:
        """Bar the user from logging in and end all of their sessions."""
        async with self._database.write() as connection:
            await connection.execute(users.update().where(users.c.id == user_id).values(active=False))
            await connection.execute(sessions.delete().where(sessions.c.user_id == user_id))

    async def list(self) -> Sequence[User]:
        """All users, active or not, by name."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(users).order_by(users.c.name))).all()
        return [_user(row) for row in rows]


class SqlSessions:
    """``realis.ports.accounts.Sessions`` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, token_hash: str, user_id: str, *, csrf: str, now: datetime, expires_at: datetime) -> None:
        """Store a new session, and delete the expired sessions of all users."""
        async with self._database.write() as connection:
            await connection.execute(sessions.delete().where(sessions.c.expires_at <= now))
            await connection.execute(
                sessions.insert().values(token_hash=token_hash, user_id=user_id, csrf=csrf, expires_at=expires_at)
            )

    async def get(self, token_hash: str, now: datetime) -> SessionRecord | None:
        """Return an unexpired session of an active user, or None."""
        query = (
            select(users, sessions.c.csrf, sessions.c.expires_at)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now, users.c.active)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return SessionRecord(_user(row), row.csrf, row.expires_at) if row else None

    async def delete(self, token_hash: str) -> None:
        """End one session."""
        async with self._database.write() as connection:
            await connection.execute(sessions.delete().where(sessions.c.token_hash == token_hash))


class SqlTokens:
    """``realis.ports.accounts.Tokens`` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, kind: TokenKind, label: str, *, token_hash: str, target_id: int | None = None) -> TokenRecord:
        """Store a new token."""
        async with self._database.write() as connection:
            result = await connection.execute(
                tokens.insert()
                .values(kind=kind, label=label, token_hash=token_hash, target_id=target_id, revoked=False)
                .returning(tokens.c.id)
            )
            return TokenRecord(int(result.scalar_one()), kind, label, target_id)

    async def find(self, kind: TokenKind, token_hash: str) -> TokenRecord | None:
        """Return the token with this hash; None if unknown or revoked."""
        query = select(tokens).where(tokens.c.kind == kind, tokens.c.token_hash == token_hash, ~tokens.c.revoked)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return TokenRecord(row.id, TokenKind(row.kind), row.label, row.target_id) if row else None

    async def revoke(self, token_id: int) -> None:
        """Revoke a token; irreversible."""
        async with self._database.write() as connection:
            await connection.execute(tokens.update().where(tokens.c.id == token_id).values(revoked=True))


def _user(row: Row[Any]) -> User:
    return User(
        row.id,
        row.name,
        row.pseudonym,
        roles_of(row.roles),
        active=row.active,
        must_change_password=row.must_change,
    )
