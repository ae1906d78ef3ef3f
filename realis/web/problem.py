"""How errors reach a client: ``application/problem+json`` (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from realis.model.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RealisError,
    SigningFailed,
    StoreUnavailable,
    UnreadableMessage,
)

log = structlog.get_logger(__name__)

ErrorPage = Callable[[web.Request, int, str, str], web.Response]
"""Makes a page from request, status, what is wrong, what to do."""

_STATUS: tuple[tuple[type[RealisError], int], ...] = (
    (UnreadableMessage, 400),
    (InvalidInput, 422),
    (NotAuthenticated, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (SigningFailed, 500),
    (StoreUnavailable, 503),
)


def status_of(error: RealisError) -> int:
    """The HTTP status of a deliberate error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(status: int, title: str, *, code: str = "about:blank", where: str = "", remedy: str = "") -> web.Response:
    """An RFC 9457 answer. ``where`` names the field or element, ``remedy`` what to do."""
    body = {"type": code, "title": title, "status": status}
    if where:
        body["where"] = where
    if remedy:
        body["remedy"] = remedy
    return web.json_response(body, status=status, content_type="application/problem+json")


def from_error(error: RealisError) -> web.Response:
    """The RFC 9457 answer to a deliberate error."""
    return problem(
        status_of(error), error.message, code=f"urn:realis:{error.code}", where=error.where, remedy=error.remedy
    )


def middleware(page: ErrorPage) -> Middleware:
    """Turns errors into answers: problem+json under ``/api`` (and for whoever asks for JSON), else a page."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RealisError as error:
            if status_of(error) >= 500:
                log.exception("request_failed", path=request.path, code=error.code)
            if _wants_json(request):
                return from_error(error)
            return page(request, status_of(error), error.message, error.remedy)
        except web.HTTPException as error:
            if error.status < 400 or (not _wants_json(request) and error.status == 413):
                raise
            if _wants_json(request):
                return _with_allow(problem(error.status, error.reason), error)
            return page(request, error.status, "", "")
        except Exception:
            # The task boundary of a request: the client learns nothing of the inside, the log everything.
            log.exception("request_crashed", path=request.path)
            if _wants_json(request):
                return problem(500, "Interner Fehler", code="urn:realis:internal")
            return page(request, 500, "", "")

    return answer_errors


def _with_allow(answer: web.Response, error: web.HTTPException) -> web.Response:
    """A 405 names the methods there are (RFC 9110, 15.5.6)."""
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


def _wants_json(request: web.Request) -> bool:
    return request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", "")
