"""``POST /api/v1/intake/cap``: an authority's message comes in over HTTP. Reads, answers, decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from realis.cap.xml import MAX_BYTES
from realis.intake.receiving import Receipt, ReceiveCap
from realis.model.errors import NotAllowed, NotAuthenticated, RealisError, UnreadableMessage
from realis.ports.accounts import TokenKind, TokenRecord, Tokens
from realis.ports.metrics import IntakeMetrics, IntakeResult, NoMetrics
from realis.web.problem import from_error, problem, status_of

log = structlog.get_logger(__name__)

PATH = "/api/v1/intake/cap"
MEDIA_TYPES = ("application/cap+xml", "application/xml", "text/xml", "application/octet-stream")
"""The last one is what clients send that name no type."""

READ_TIMEOUT_S = 30.0
_CHUNK = 64 * 1024


def register(
    app: web.Application,
    *,
    receive: ReceiveCap,
    tokens: Tokens,
    hash_token: Callable[[str], str],
    metrics: IntakeMetrics | None = None,
) -> None:
    """Add the route. The application's own body limit does not apply here; this one is ``MAX_BYTES``."""
    app.router.add_post(PATH, _Intake(receive, tokens, hash_token, metrics or NoMetrics()).post)


@dataclass(frozen=True, slots=True)
class _Intake:
    receive: ReceiveCap
    tokens: Tokens
    hash_token: Callable[[str], str]
    metrics: IntakeMetrics

    async def post(self, request: web.Request) -> web.StreamResponse:
        authority, result = "", IntakeResult.FAILED
        try:
            authority = (await self._token(request)).label
            _check_media_type(request)
            receipt = await self.receive(await _body(request), authority)
            result = IntakeResult.REPEATED if receipt.repeated else IntakeResult.ACCEPTED
        except _Refused as refused:
            result = IntakeResult.REFUSED
            log.warning("cap_refused", authority=authority, status=refused.answer.status)
            return refused.answer
        except RealisError as error:
            if status_of(error) >= 500:
                raise
            result = IntakeResult.REFUSED
            log.warning("cap_refused", authority=authority, code=error.code, where=error.where)
            return _challenged(from_error(error))
        finally:
            self.metrics.received(authority, result)
        log.info("cap_received", authority=authority, incident=str(receipt.incident), repeated=receipt.repeated)
        return _answer(receipt)

    async def _token(self, request: web.Request) -> TokenRecord:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise NotAuthenticated(
                "Die Anfrage trägt kein Token.", where="Authorization", remedy="Senden Sie „Authorization: Bearer …“."
            )
        hashed = self.hash_token(secret.strip())
        found = await self.tokens.find(TokenKind.AUTHORITY, hashed)
        if found is not None:
            return found
        if await self.tokens.find(TokenKind.SCREEN, hashed) is not None:
            raise NotAllowed("Dieses Token ist nicht für Behörden.", where="Authorization", remedy=_ASK)
        raise NotAuthenticated("Das Token ist falsch oder widerrufen.", where="Authorization", remedy=_ASK)


_ASK = "Lassen Sie sich von der Administration ein Token für Ihre Behörde geben."


class _Refused(Exception):
    """Carries an answer of HTTP's own that none of our errors stands for."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _check_media_type(request: web.Request) -> None:
    if request.content_type not in MEDIA_TYPES:
        answer = problem(
            415,
            f"Der Inhaltstyp {request.content_type} wird hier nicht angenommen.",
            code="urn:realis:media-type",
            where="Content-Type",
            remedy="Senden Sie die CAP-Nachricht als application/cap+xml.",
        )
        raise _Refused(answer)


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
        answer = problem(408, "Die Nachricht kam nicht rechtzeitig an.", code="urn:realis:timeout")
        answer.force_close()
        raise _Refused(answer) from error
    if not body:
        raise UnreadableMessage("Die Anfrage hat keinen Inhalt.", remedy="Senden Sie die CAP-Nachricht als Inhalt.")
    return bytes(body)


def _too_large() -> _Refused:
    answer = problem(
        413,
        f"Die Nachricht ist größer als {MAX_BYTES // 1024 // 1024} MB.",
        code="urn:realis:too-large",
        remedy="Vereinfachen Sie die Polygone oder verweisen Sie auf Anlagen, statt sie einzubetten.",
    )
    answer.force_close()
    return _Refused(answer)


def _challenged(answer: web.Response) -> web.Response:
    if answer.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="REALIS"'
    return answer


def _answer(receipt: Receipt) -> web.Response:
    page = f"drafts/{receipt.draft}" if receipt.draft else f"incidents/{receipt.incident}"
    url = f"/console/{page}"
    body = {
        "incident": str(receipt.incident),
        "draft": str(receipt.draft) if receipt.draft else None,
        "problems": list(receipt.problems),
        "url": url,
    }
    return web.json_response(body, status=200 if receipt.repeated else 201, headers={"Location": url})
