"""What every page of the console shares: who is there, how pages are made, how refusals look.

It decides nothing about warnings; every decision is the desk's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

import structlog
from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from realis.console import labels
from realis.console.shared_query import SharedQuery
from realis.model.errors import InvalidInput, NotAuthenticated, NotFound, RealisError
from realis.policy.approval import Actor, IssuePolicy, Role
from realis.ports.accounts import SessionRecord, User, Users
from realis.ports.clock import Clock
from realis.ports.content import Phrases
from realis.ports.installation import City
from realis.ports.read_models import ChannelCount
from realis.services.desk import Desk
from realis.web.pages import LANGUAGE_COOKIE, Pages, wanted_language
from realis.web.passwords import Passwords
from realis.web.problem import status_of
from realis.web.sessions import CSRF_FIELD, SessionManager, check_csrf, check_origin
from realis.web.throttle import Throttle

log = structlog.get_logger(__name__)

HOME = "/console/"
LANGUAGES = ("de", "en", "ar")
"""The languages the console itself speaks; the warnings' languages are the city's."""

DESK_ROLES = (Role.CAPTURE, Role.RELEASE, Role.ADMIN)
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """The console's dependencies, passed to every handler.

    Args:
        pause: between a release and its issue.
        counts: an incident's figures, asked for once a second however many pages show them.
    """

    desk: Desk
    city: City
    phrases: Phrases
    policy: IssuePolicy
    pause: timedelta
    counts: SharedQuery[UUID, tuple[ChannelCount, ...]]
    users: Users
    keeper: SessionManager
    passwords: Passwords
    throttle: Throttle
    pages: Pages
    clock: Clock

    def bare(
        self, request: web.Request, template: str, *, status: int = 200, user: User | None = None, **context: object
    ) -> web.Response:
        """A page for somebody who may not be logged in."""
        language = wanted_language(request, LANGUAGES)
        response = self.pages.html(
            request,
            f"console/{template}",
            status=status,
            language=language,
            **{"user": user, "csrf": "", "words": labels, "console_languages": LANGUAGES, "here": request.path}
            | {"city": self.city, "policy": self.policy, "phrases": self.phrases}
            | {"now": self.clock.now()}
            | context,
        )
        # Under no-referrer a browser sends "Origin: null" with its forms, which proves nothing.
        response.headers["Referrer-Policy"] = "same-origin"
        if request.query.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="Lax", httponly=True)
        return response

    def page(self, visit: Visit, template: str, *, status: int = 200, **context: object) -> web.Response:
        """A page for the person of this visit."""
        return self.bare(
            visit.request, template, status=status, user=visit.session.user, csrf=visit.session.csrf, **context
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in; ``form`` is empty unless it was posted."""

    request: web.Request
    session: SessionRecord
    form: MultiDictProxy[str] = field(default_factory=lambda: MultiDictProxy(MultiDict[str]()))

    @property
    def actor(self) -> Actor:
        """The person as the desk sees them."""
        return self.session.user.actor

    def id(self, name: str = "id") -> UUID:
        """An id from the address. Raises ``NotFound`` if it is none."""
        try:
            return UUID(self.request.match_info[name])
        except ValueError:
            raise NotFound("page-not-found") from None

    def number(self, name: str) -> int:
        """A whole number from the form. Raises ``InvalidInput``."""
        try:
            return int(self.form.get(name, ""))
        except ValueError:
            raise InvalidInput("number-missing", where=name) from None


Handler = Callable[[ConsoleContext, Visit], Awaitable[web.StreamResponse]]
Raw = Callable[[web.Request], Awaitable[web.StreamResponse]]


def go(path: str) -> web.Response:
    """On to another page, by GET."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def guarded(face: ConsoleContext, handler: Handler, *roles: Role, changing_password: bool = False) -> Raw:
    """The handler behind login, roles, CSRF and a page for every refusal."""

    async def handle(request: web.Request) -> web.StreamResponse:
        session = await face.keeper.find(request)
        if session is None:
            return _to_login(request)
        if session.user.must_change_password and not changing_password:
            return _move(request, "/console/password")
        visit = Visit(request, session)
        try:
            session.user.actor.require(*(roles or tuple(Role)))
            return await handler(face, await _with_form(visit))
        except RealisError as error:
            return refusal(face, visit, error)

    return handle


def refusal(face: ConsoleContext, visit: Visit, error: RealisError) -> web.StreamResponse:
    """The page that says what did not work and what to do. Crashes are left to the outer handler."""
    status = status_of(error)
    if isinstance(error, NotAuthenticated):
        return _to_login(visit.request)
    log.info("console_refused", code=error.code, path=visit.request.path, who=visit.actor.pseudonym)
    return face.page(visit, "refused.html", status=status, error=error)


async def read_form(request: web.Request) -> MultiDictProxy[str]:
    """A posted form of texts. Raises ``NotAllowed`` for another site's, ``InvalidInput`` for files."""
    check_origin(request)
    posted = await request.post()
    texts = MultiDict[str]()
    for name, value in posted.items():
        if not isinstance(value, str):
            raise InvalidInput("files-not-taken", where=name)
        texts.add(name, value)
    return MultiDictProxy(texts)


async def _with_form(visit: Visit) -> Visit:
    if visit.request.method != "POST":
        return visit
    form = await read_form(visit.request)
    check_csrf(visit.request, visit.session, field=form.get(CSRF_FIELD, ""))
    return Visit(visit.request, visit.session, form)


def _to_login(request: web.Request) -> web.Response:
    wanted = request.path if request.method == "GET" and "HX-Request" not in request.headers else HOME
    return _move(request, "/console/login" if wanted == HOME else f"/console/login?next={quote(wanted, safe='')}")


def _move(request: web.Request, path: str) -> web.Response:
    """A redirect that also moves the whole page when only a part of it was asked for."""
    if "HX-Request" in request.headers:
        return web.Response(status=200, headers={"HX-Redirect": path, "Cache-Control": "no-store"})
    return go(path)
