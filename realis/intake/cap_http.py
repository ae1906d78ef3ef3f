"""``POST /api/v1/intake/cap``: receives an authority's message over HTTP. Reads and answers; decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from realis.cap.xml import MAX_BYTES
from realis.intake.openapi import MEDIA_TYPES, PATH, ReceivedAlert
from realis.intake.receiving import Receipt, ReceiveCap
from realis.model.errors import (
    NotAllowed,
    NotAuthenticated,
    RealisError,
    TooLarge,
    TooSlow,
    UnknownMediaType,
    UnreadableMessage,
)
from realis.ports.accounts import TokenKind, TokenRecord, Tokens
from realis.ports.content import ErrorMessages
from realis.ports.metrics import IntakeMetrics, IntakeResult, NoMetrics
from realis.web.problem import from_error, status_of

log = structlog.get_logger(__name__)

READ_TIMEOUT_S = 30.0
_CHUNK = 64 * 1024


def register(
    app: web.Application,
    *,
    receive: ReceiveCap,
    tokens: Tokens,
    hash_token: Callable[[str], str],
    messages: ErrorMessages,
    metrics: IntakeMetrics | None = None,
) -> None:
    """Add the route. The application's own body limit does not apply here; this one is ``MAX_BYTES``."""
    app.router.add_post(PATH, _Intake(receive, tokens, hash_token, messages, metrics or NoMetrics()).post)


@dataclass(frozen=True, slots=True)
class _Intake:
    receive: ReceiveCap
    tokens: Tokens
    hash_token: Callable[[str], str]
    messages: ErrorMessages
    metrics: IntakeMetrics

    async def post(self, request: web.Request) -> web.StreamResponse:
        authority, result = "", IntakeResult.FAILED
        try:
            authority = (await self._token(request)).label
            _check_media_type(request)
            receipt = await self.receive(await _body(request), authority)
            result = IntakeResult.REPEATED if receipt.repeated else IntakeResult.ACCEPTED
        except RealisError as error:
            if status_of(error) >= 500:
                raise
            result = IntakeResult.REFUSED
            log.warning("cap_refused", authority=authority, code=error.code, where=error.where)
            return _refusal(request, error, self.messages)
        finally:
            self.metrics.received(authority, result)
        log.info("cap_received", authority=authority, incident=str(receipt.incident), repeated=receipt.repeated)
        return _answer(receipt)

    async def _token(self, request: web.Request) -> TokenRecord:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise NotAuthenticated("token-missing", where="Authorization")
        hashed = self.hash_token(secret.strip())
        found = await self.tokens.find(TokenKind.AUTHORITY, hashed)
        if found is not None:
            return found
        if await self.tokens.find(TokenKind.SCREEN, hashed) is not None:
            raise NotAllowed("token-not-for-authorities", where="Authorization")
        raise NotAuthenticated("token-wrong", where="Authorization")


def _check_media_type(request: web.Request) -> None:
    if request.content_type not in MEDIA_TYPES:
        raise UnknownMediaType("media-type-unknown", where="Content-Type", type=request.content_type)


async def _body(request: web.Request) -> bytes:
    """The body, read no further than the limit."""
    if (request.content_length or 0) > MAX_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            async for chunk in request.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise _too_large()
    except TimeoutError as error:
        raise TooSlow("body-too-slow") from error
    if not body:
        raise UnreadableMessage("body-empty")
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge("message-too-large", max_mb=MAX_BYTES // 1024 // 1024)


def _refusal(request: web.Request, error: RealisError, messages: ErrorMessages) -> web.Response:
    answer = from_error(request, error, messages)
    if answer.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="REALIS"'
    if isinstance(error, TooLarge | TooSlow):
        answer.force_close()  # the rest of the body is not read, so the connection cannot carry another request
    return answer


def _answer(receipt: Receipt) -> web.Response:
    page = f"drafts/{receipt.draft}" if receipt.draft else f"incidents/{receipt.incident}"
    url = f"/console/{page}"
    body = ReceivedAlert(incident=receipt.incident, draft=receipt.draft, problems=receipt.problems, url=url)
    status = 200 if receipt.repeated else 201
    return web.json_response(body.model_dump(mode="json"), status=status, headers={"Location": url})
