"""Errors as answers: RFC 9457 for programs and a page for people, in the language asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realis.model.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Problem,
    RealisError,
    SigningFailed,
    StaleVersion,
    StoreUnavailable,
    TooLarge,
    TooManyAttempts,
    TooSlow,
    UnknownMediaType,
    UnreadableMessage,
)
from realis.web.problem import middleware, status_of
from tests.support.wording import messages

Client = TestClient[web.Request, web.Application]

REMARKS = (Problem("area", "area-missing"), Problem("headline.de", "headline-too-long", {"max": 160}))


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """A server whose pages fail in several ways."""

    def page(_request: web.Request, status: int, error: RealisError | None) -> web.Response:
        return web.Response(status=status, text=f"page: {error}")

    async def gone(_request: web.Request) -> web.Response:
        raise NotFound("warning-not-found")

    async def several(_request: web.Request) -> web.Response:
        raise InvalidInput("draft-incomplete", where="area,headline.de", causes=REMARKS)

    async def crash(_request: web.Request) -> web.Response:
        raise ZeroDivisionError

    app = web.Application(middlewares=[middleware(page, messages())])
    for path, handler in (("gone", gone), ("several", several), ("crash", crash)):
        app.router.add_get(f"/api/{path}", handler)
        app.router.add_get(f"/{path}", handler)
    async with TestClient(TestServer(app)) as running:
        yield running


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("", "de", "Diese Warnung gibt es nicht."),
        ("en-GB,en;q=0.8", "en", "This warning does not exist."),
        ("tr", "tr", "Bu uyarı yok."),
        ("ar", "ar", "هذا التحذير غير موجود."),
    ],
)
async def test_a_program_is_answered_in_its_language(client: Client, asked: str, language: str, title: str) -> None:
    """Title and remedy follow Accept-Language; type and code do not, and caches are told."""
    answer = await client.get("/api/gone", headers={"Accept-Language": asked} if asked else {})
    body = await answer.json(content_type="application/problem+json")
    assert (body["type"], body["code"], body["status"]) == ("urn:realis:warning-not-found", "warning-not-found", 404)
    assert body["title"] == title
    assert body["remedy"]
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]


async def test_several_remarks_are_listed_each_with_its_place(client: Client) -> None:
    """``errors`` has code, place and title of every remark."""
    answer = await client.get("/api/several", headers={"Accept-Language": "en"})
    body = await answer.json(content_type="application/problem+json")
    assert body["errors"] == [
        {"code": "area-missing", "where": "area", "title": "The area is missing."},
        {
            "code": "headline-too-long",
            "where": "headline.de",
            "title": "The headline is longer than 160 characters.",
        },
    ]


async def test_the_language_chosen_counts_more_than_the_browsers(client: Client) -> None:
    """The cookie of the pages decides for what their scripts ask, too."""
    answer = await client.get("/api/gone", headers={"Accept-Language": "de", "Cookie": "lang=en"})
    assert (await answer.json(content_type="application/problem+json"))["title"] == "This warning does not exist."


async def test_a_person_gets_the_page(client: Client) -> None:
    """The page is given the error itself, and none for what is not one of ours."""
    assert await (await client.get("/gone")).text() == "page: warning-not-found"
    assert await (await client.get("/crash")).text() == "page: None"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "page-not-found"),
        ("POST", "/api/gone", 405, "method-not-allowed"),
        ("GET", "/api/crash", 500, "internal"),
    ],
)
async def test_refusals_of_http_and_crashes_have_codes_too(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    """What the server itself refuses is answered like any other error, and a crash says nothing of the inside."""
    answer = await client.request(method, path, headers={"Accept-Language": "en"})
    body = await answer.json(content_type="application/problem+json")
    assert (answer.status, body["status"], body["code"]) == (status, status, code)
    assert "ZeroDivisionError" not in str(body)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (TooLarge, 413),
        (UnreadableMessage, 400),
        (UnknownMediaType, 415),
        (TooSlow, 408),
        (InvalidInput, 422),
        (NotAuthenticated, 401),
        (TooManyAttempts, 429),
        (NotAllowed, 403),
        (NotFound, 404),
        (StaleVersion, 409),
        (Conflict, 409),
        (SigningFailed, 500),
        (StoreUnavailable, 503),
        (RealisError, 500),
    ],
)
def test_each_kind_of_error_has_its_status(kind: type[RealisError], status: int) -> None:
    """The status follows from the class, not from the code."""
    assert status_of(kind("internal")) == status
