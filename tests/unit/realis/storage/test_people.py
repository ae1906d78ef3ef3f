"""Users, sessions and tokens in SQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from realis.model.errors import Conflict
from realis.policy.approval import Role
from realis.ports.accounts import TokenKind
from realis.storage.people import SqlSessions, SqlTokens, SqlUsers
from realis.storage.schema import sessions as session_rows
from tests.support.core_world import Town

CAPTURE = frozenset({Role.CAPTURE})


async def test_a_login_name_is_taken_once(here: Town) -> None:
    """The second of the same name is refused and changes nothing; pseudonyms differ."""
    users = SqlUsers(here.database, here.clock)
    anna = await users.add("anna", CAPTURE, password_hash="h1", must_change=True)
    with pytest.raises(Conflict):
        await users.add("anna", CAPTURE, password_hash="h2", must_change=False)
    bernd = await users.add("bernd", CAPTURE, password_hash="h2", must_change=False)
    assert anna.pseudonym != bernd.pseudonym
    assert await users.credentials("anna") == (anna, "h1")
    assert await users.list() == [anna, bernd]


async def test_a_session_ends_with_time_password_or_user(here: Town) -> None:
    """It is valid until it expires, the password changes, it is deleted or the user is barred."""
    users, sessions = SqlUsers(here.database, here.clock), SqlSessions(here.database)
    anna = await users.add("anna", CAPTURE, password_hash="h1", must_change=False)
    ends = here.clock.now() + timedelta(hours=8)

    async def log_in(name: str) -> None:
        await sessions.create(name, anna.id, csrf="c", now=here.clock.now(), expires_at=ends)
        assert await sessions.get(name, here.clock.now()) is not None

    await log_in("time")
    assert await sessions.get("time", ends) is None
    await log_in("password")
    await users.set_password(anna.id, "h3", must_change=False)
    assert await sessions.get("password", here.clock.now()) is None
    await log_in("logout")
    await sessions.delete("logout")
    assert await sessions.get("logout", here.clock.now()) is None
    await log_in("barred")
    await users.deactivate(anna.id)
    assert await sessions.get("barred", here.clock.now()) is None
    assert await users.get(anna.id) is None
    assert await users.credentials("anna") is None
    assert [user.active for user in await users.list()] == [False]


async def test_new_roles_count_at_once(here: Town) -> None:
    """A running session sees changed roles with its next request."""
    users, sessions = SqlUsers(here.database, here.clock), SqlSessions(here.database)
    anna = await users.add("anna", CAPTURE, password_hash="h1", must_change=False)
    now = here.clock.now()
    await sessions.create("s", anna.id, csrf="c", now=now, expires_at=now + timedelta(hours=1))
    await users.set_roles(anna.id, frozenset({Role.RELEASE}))
    record = await sessions.get("s", here.clock.now())
    assert record is not None
    assert record.user.roles == {Role.RELEASE}


async def test_a_token_is_for_one_kind_and_can_be_revoked(here: Town) -> None:
    """An authority's token opens no screen; a revoked one opens nothing."""
    tokens = SqlTokens(here.database)
    record = await tokens.add(TokenKind.AUTHORITY, "Kreis", token_hash="h")
    assert await tokens.find(TokenKind.AUTHORITY, "h") == record
    assert await tokens.find(TokenKind.SCREEN, "h") is None
    await tokens.revoke(record.id)
    assert await tokens.find(TokenKind.AUTHORITY, "h") is None


async def test_expired_sessions_are_forgotten(here: Town) -> None:
    """Whoever signs in sweeps out what has expired, and nothing else."""
    users, sessions = SqlUsers(here.database, here.clock), SqlSessions(here.database)
    anna = await users.add("anna", CAPTURE, password_hash="x", must_change=False)
    now = here.clock.now()
    for name, hours in (("old", 1), ("open", 3)):
        await sessions.create(name, anna.id, csrf="c", now=now, expires_at=now + timedelta(hours=hours))
    later = now + timedelta(hours=2)
    await sessions.create("new", anna.id, csrf="c", now=later, expires_at=later + timedelta(hours=1))
    async with here.database.read() as connection:
        kept = (await connection.execute(select(session_rows.c.token_hash))).scalars().all()
    assert sorted(kept) == ["new", "open"]
