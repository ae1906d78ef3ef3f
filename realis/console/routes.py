"""The console's addresses: which page answers where, and who may open it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from realis.console import admin, edit, incident_page, login, overview, release
from realis.console.context import DESK_ROLES, ConsoleContext, Handler, Raw, guarded
from realis.console.shared_query import SharedQuery
from realis.policy.approval import Role
from realis.ports.accounts import Sessions, Users
from realis.ports.clock import Clock
from realis.services.desk import Desk
from realis.web.pages import Pages
from realis.web.passwords import Passwords
from realis.web.sessions import SessionManager
from realis.web.throttle import Throttle

_PAGES: tuple[tuple[str, Handler], ...] = (
    ("/console/", overview.show),
    ("/console/parts/board", overview.part),
    ("/console/new", edit.choose),
    ("/console/incidents/{id}", incident_page.show),
    ("/console/incidents/{id}/live", incident_page.part),
    ("/console/drafts/{id}", edit.show),
    ("/console/drafts/{id}/release", release.show),
    ("/console/trail", admin.trail),
)
_STEPS: tuple[tuple[str, Handler], ...] = (
    ("/console/new", edit.create),
    ("/console/incidents/{id}/follow-up", incident_page.follow_up),
    ("/console/incidents/{id}/tick", incident_page.tick),
    ("/console/channels/{channel}/lift", incident_page.lift),
    ("/console/drafts/{id}", edit.save),
    ("/console/drafts/{id}/preview", edit.preview),
    ("/console/drafts/{id}/discard", edit.discard),
    ("/console/drafts/{id}/release", release.release),
    ("/console/drafts/{id}/return", release.send_back),
    ("/console/drafts/{id}/stop", release.stop),
)
_ADMIN_STEPS: tuple[tuple[str, Handler], ...] = (
    ("/console/admin/users", admin.add),
    ("/console/admin/users/{user}/roles", admin.set_roles),
    ("/console/admin/users/{user}/password", admin.reset),
    ("/console/admin/users/{user}/deactivate", admin.deactivate),
)


def register(
    app: web.Application,
    *,
    desk: Desk,
    users: Users,
    sessions: Sessions,
    pages: Pages,
    clock: Clock,
    https: bool,
) -> None:
    """Put the console under ``/console/``.

    Args:
        https: the public address is https; it decides how strict the session's cookie is.
    """
    face = ConsoleContext(
        desk=desk,
        city=desk.city,
        phrases=desk.phrases,
        policy=desk.ports.policy,
        pause=desk.ports.pause,
        counts=SharedQuery(desk.overview.counts),
        users=users,
        keeper=SessionManager(sessions, clock, https),
        passwords=Passwords(),
        throttle=Throttle(clock),
        pages=pages,
        clock=clock,
    )
    _open_doors(app.router, face)
    for path, handler in _PAGES:
        app.router.add_get(path, guarded(face, handler, *DESK_ROLES))
    for path, handler in _STEPS:
        app.router.add_post(path, guarded(face, handler, *DESK_ROLES))
    app.router.add_get("/console/admin/users", guarded(face, admin.users, Role.ADMIN))
    for path, handler in _ADMIN_STEPS:
        app.router.add_post(path, guarded(face, handler, Role.ADMIN))


def _open_doors(router: web.UrlDispatcher, face: ConsoleContext) -> None:
    """Login and password pages, which not every role or no session at all may still use."""
    router.add_get("/console", _home)
    router.add_get("/console/login", _with(face, login.show))
    router.add_post("/console/login", _with(face, login.enter))
    router.add_post("/console/logout", guarded(face, login.leave, changing_password=True))
    router.add_get("/console/password", guarded(face, login.show_password, changing_password=True))
    router.add_post("/console/password", guarded(face, login.change_password, changing_password=True))


async def _home(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/console/")


def _with(face: ConsoleContext, handler: Callable[[ConsoleContext, web.Request], Awaitable[web.StreamResponse]]) -> Raw:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(face, request)

    return handle
