"""Coming in, going out, and changing a one-time password. Guessing is slowed down; names are never confirmed."""

from __future__ import annotations

import math
import unicodedata
from datetime import timedelta

import structlog
from aiohttp import web

from realis.console.context import HOME, ConsoleContext, Visit, go, read_form
from realis.model.errors import InvalidInput, RealisError, TooManyAttempts
from realis.ports.accounts import User
from realis.web.passwords import check_new
from realis.web.problem import status_of
from realis.web.proxies import subscriber
from realis.web.throttle import FREE_PER_ADDRESS, FREE_PER_NAME

log = structlog.get_logger(__name__)

_LONGEST_NAME = 100


async def show(face: ConsoleContext, request: web.Request) -> web.StreamResponse:
    """The login page; whoever is logged in already goes on."""
    if await face.keeper.find(request) is not None:
        return go(_next(request.query.get("next", "")))
    return face.bare(request, "login.html", next=request.query.get("next", ""), name="", error=None)


async def enter(face: ConsoleContext, request: web.Request) -> web.StreamResponse:
    """Check name and password and open a session."""
    name, wanted = "", ""
    try:
        form = await read_form(request)
        name = unicodedata.normalize("NFC", form.get("name", "").strip())[:_LONGEST_NAME]
        wanted = form.get("next", "")
        user = await _check(face, request, name, form.get("password", ""))
    except RealisError as error:
        return face.bare(request, "login.html", status=status_of(error), next=wanted, name=name, error=error)
    response = go("/console/password" if user.must_change_password else _next(wanted))
    await face.keeper.open(request, response, user)
    return response


async def _check(face: ConsoleContext, request: web.Request, name: str, password: str) -> User:
    keys = (
        (f"name:{name.casefold()}", FREE_PER_NAME),
        (f"address:{subscriber(request.remote)}", FREE_PER_ADDRESS),
    )
    wait = max((face.throttle.wait(key, free) for key, free in keys), default=timedelta())
    if wait:
        raise TooManyAttempts("too-many-attempts", seconds=math.ceil(wait.total_seconds()))
    found = await face.users.credentials(name) if name else None
    verdict = await face.passwords.verify(found[1] if found else None, password)
    if found is None or not verdict.fits:
        for key, _ in keys:
            face.throttle.failed(key)
        log.warning("login_failed", known=found is not None)
        raise InvalidInput("login-wrong")
    face.throttle.succeeded(keys[0][0])
    user = found[0]
    if verdict.new_hash:
        await face.users.set_password(user.id, verdict.new_hash, must_change=user.must_change_password)
    log.info("login", who=user.pseudonym)
    return user


async def leave(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """End the session."""
    response = go("/console/login")
    await face.keeper.close(visit.request, response)
    return response


async def show_password(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The page to change one's password; forced after a one-time password."""
    return face.page(visit, "password.html", error=None)


async def change_password(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Replace the password; all other sessions of this person end."""
    user = visit.session.user
    try:
        await _replace(face, visit, user)
    except RealisError as error:
        return face.page(visit, "password.html", status=status_of(error), error=error)
    response = go(HOME)
    await face.keeper.open(visit.request, response, user)
    return response


async def _replace(face: ConsoleContext, visit: Visit, user: User) -> None:
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    key = f"password:{user.id}"
    wait = face.throttle.wait(key, FREE_PER_NAME)
    if wait:
        raise TooManyAttempts("too-many-attempts", where="old", seconds=math.ceil(wait.total_seconds()))
    found = await face.users.credentials(user.name)
    verdict = await face.passwords.verify(found[1] if found else None, old)
    if not verdict.fits:
        face.throttle.failed(key)
        raise InvalidInput("password-wrong", where="old")
    if new != visit.form.get("again", ""):
        raise InvalidInput("passwords-differ", where="again")
    check_new(new, name=user.name, previous=old)
    await face.users.set_password(user.id, await face.passwords.hash(new), must_change=False)
    log.info("password_changed", who=user.pseudonym)


def _next(wanted: str) -> str:
    """Where to go after login: a page of the console only, never somewhere else."""
    return wanted if wanted.startswith("/console/") and "\\" not in wanted and "\n" not in wanted else HOME
