"""How errors reach a client: ``application/problem+json`` (RFC 9457) for programs, a page for people.

Both speak the language the request asks for; the sentences are ``content/messages``.
"""

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
    TooLarge,
    TooManyAttempts,
    TooSlow,
    UnknownMediaType,
    UnreadableMessage,
)
from realis.ports.content import ErrorMessages
from realis.services.error_texts import describe
from realis.web.pages import wanted_language

log = structlog.get_logger(__name__)

ErrorPage = Callable[[web.Request, int, RealisError | None], web.Response]
"""Makes a page from request, status and error, in its own choice of language; without one for HTTP's own refusals."""

TYPE_PREFIX = "urn:realis:"
"""Before a code it is the problem's ``type``; docs/errors.md explains each code."""

_STATUS: tuple[tuple[type[RealisError], int], ...] = (
    (TooLarge, 413),
    (UnreadableMessage, 400),
    (UnknownMediaType, 415),
    (TooSlow, 408),
    (InvalidInput, 422),
    (NotAuthenticated, 401),
    (TooManyAttempts, 429),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (SigningFailed, 500),
    (StoreUnavailable, 503),
)

HTTP_CODES = {404: "page-not-found", 405: "method-not-allowed", 413: "request-too-large"}
"""The codes of refusals that HTTP's own layer makes."""

OTHER_HTTP_CODE = "request-refused"
INTERNAL = "internal"


def status_of(error: RealisError) -> int:
    """The HTTP status of a deliberate error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def from_error(
    request: web.Request, error: RealisError, messages: ErrorMessages, *, status: int | None = None
) -> web.Response:
    """The RFC 9457 answer to an error, in the language the request asks for.

    Beside the members of the RFC it has ``code``, ``where`` (the field or element), ``remedy`` (what to do) and
    ``errors``: the single remarks, where there are several.
    """
    language = wanted_language(request)
    text = describe(error, messages, language)
    shown = status_of(error) if status is None else status
    body: dict[str, object] = {"type": TYPE_PREFIX + error.code, "title": text.title, "status": shown}
    body["code"] = error.code
    if error.where:
        body["where"] = error.where
    if text.remedy:
        body["remedy"] = text.remedy
    if error.causes:
        body["errors"] = [
            {"code": cause.code, "where": cause.where, "title": describe(cause, messages, language).title}
            for cause in error.causes
        ]
    headers = {"Content-Language": text.language, "Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"}
    return web.json_response(body, status=shown, content_type="application/problem+json", headers=headers)


def middleware(page: ErrorPage, messages: ErrorMessages) -> Middleware:
    """Turns errors into answers: problem+json under ``/api`` and for clients that ask for JSON, else a page."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RealisError as error:
            if status_of(error) >= 500:
                log.exception("request_failed", path=request.path, code=error.code)
            if _wants_json(request):
                return from_error(request, error, messages)
            return page(request, status_of(error), error)
        except web.HTTPException as error:
            if error.status < 400 or (not _wants_json(request) and error.status == 413):
                raise
            if _wants_json(request):
                refused = RealisError(HTTP_CODES.get(error.status, OTHER_HTTP_CODE))
                return _with_allow(from_error(request, refused, messages, status=error.status), error)
            return page(request, error.status, None)
        except Exception:
            # The task boundary of a request: the client learns nothing of the inside, the log everything.
            log.exception("request_crashed", path=request.path)
            if _wants_json(request):
                return from_error(request, RealisError(INTERNAL), messages)
            return page(request, 500, None)

    return answer_errors


def _with_allow(answer: web.Response, error: web.HTTPException) -> web.Response:
    """A 405 names the methods there are (RFC 9110, 15.5.6)."""
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


def _wants_json(request: web.Request) -> bool:
    return request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", "")
