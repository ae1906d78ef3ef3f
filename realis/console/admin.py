"""People and their roles, and the audit trail for reading. Passwords are shown once and never kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import structlog
from aiohttp import web

from realis.console.context import ConsoleContext, Visit, go
from realis.model.audit import AuditAction
from realis.model.errors import Conflict, InvalidInput, NotFound, RealisError
from realis.policy.approval import Role
from realis.ports.accounts import User
from realis.web.passwords import Issued, issue_one_time
from realis.web.problem import status_of

log = structlog.get_logger(__name__)

_LONGEST_NAME = 60


async def users(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Everybody, with roles."""
    return await _list(face, visit)


async def add(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """A new person with a one-time password, shown on this answer only."""
    try:
        name = _name(visit)
        issued = await issue_one_time(face.passwords)
        user = await face.users.add(name, _roles(visit), password_hash=issued.password_hash, must_change=True)
    except (InvalidInput, Conflict) as error:
        return await _list(face, visit, error=error)
    await _note(face, visit, AuditAction.USER_ADDED, user, sorted(user.roles))
    return await _list(face, visit, issued=issued, issued_to=user.name)


async def set_roles(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Replace somebody's roles; nobody takes the administration from themselves."""
    user = await _user(face, visit)
    roles = _roles(visit)
    if user.id == visit.session.user.id and Role.ADMIN not in roles:
        raise Conflict("own-administration")
    await face.users.set_roles(user.id, roles)
    await _note(face, visit, AuditAction.USER_ROLES, user, sorted(roles))
    return go("/console/admin/users")


async def reset(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """A new one-time password for somebody who forgot theirs; all their sessions end."""
    user = await _user(face, visit)
    issued = await issue_one_time(face.passwords)
    await face.users.set_password(user.id, issued.password_hash, must_change=True)
    await _note(face, visit, AuditAction.USER_PASSWORD_RESET, user)
    return await _list(face, visit, issued=issued, issued_to=user.name)


async def deactivate(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Bar somebody; nobody bars themselves."""
    user = await _user(face, visit)
    if user.id == visit.session.user.id:
        raise Conflict("own-account")
    await face.users.deactivate(user.id)
    await _note(face, visit, AuditAction.USER_DEACTIVATED, user)
    return go("/console/admin/users")


async def trail(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The newest lines of the audit chain."""
    return face.page(visit, "trail.html", lines=await face.desk.overview.trail())


async def _list(
    face: ConsoleContext,
    visit: Visit,
    *,
    error: RealisError | None = None,
    issued: Issued | None = None,
    issued_to: str = "",
) -> web.StreamResponse:
    return face.page(
        visit,
        "users.html",
        status=status_of(error) if error else 200,
        people=await face.users.list(),
        roles=tuple(Role),
        error=error,
        issued=issued.password if issued else "",
        issued_to=issued_to,
    )


async def _note(
    face: ConsoleContext, visit: Visit, action: AuditAction, user: User, roles: Sequence[Role] = ()
) -> None:
    """Into the log and the audit chain, by pseudonym."""
    log.info("administration", action=action.value, who=user.pseudonym, by=visit.actor.pseudonym)
    facts = {"roles": [role.value for role in roles]} if roles else {}
    await face.desk.operations.note(visit.actor, action, user.pseudonym, **facts)


async def _user(face: ConsoleContext, visit: Visit) -> User:
    user = await face.users.get(visit.request.match_info["user"])
    if user is None:
        raise NotFound("user-not-found")
    return user


def _name(visit: Visit) -> str:
    name = unicodedata.normalize("NFC", " ".join(visit.form.get("name", "").split()))
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput("user-name-unfit", where="name", max=_LONGEST_NAME)
    return name


def _roles(visit: Visit) -> frozenset[Role]:
    wanted = set(visit.form.getall("role", []))
    roles = frozenset(role for role in Role if role.value in wanted)
    if not roles:
        raise InvalidInput("roles-missing", where="role")
    return roles
