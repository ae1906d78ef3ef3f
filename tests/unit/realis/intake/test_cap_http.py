"""The authorities' door: what comes in, what is turned away, and in which words."""

from __future__ import annotations

import asyncio
import gzip
from io import BytesIO

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from realis.intake.openapi import PATH
from tests.data.cap import sample
from tests.unit.realis.intake.conftest import AUTHORITY_TOKEN, SCREEN_TOKEN, MemoryInbox

Client = TestClient[web.Request, web.Application]
CAP = {"Authorization": f"Bearer {AUTHORITY_TOKEN}", "Content-Type": "application/cap+xml"}


async def problem_of(answer: ClientResponse) -> dict[str, object]:
    """The RFC 9457 body of an answer."""
    assert answer.content_type == "application/problem+json"
    body: dict[str, object] = await answer.json()
    assert body["status"] == answer.status
    return body


async def test_a_message_becomes_an_incident_and_a_draft(client: Client, inbox: MemoryInbox) -> None:
    """The answer names incident, draft, page and every problem; the bytes arrive unchanged."""
    raw = sample("all_clear_double_escaped")
    answer = await client.post(PATH, data=raw, headers=CAP)
    body = await answer.json()
    assert answer.status == 201
    assert body["url"] == answer.headers["Location"] == f"/console/drafts/{body['draft']}"
    assert body["incident"]
    assert len(body["problems"]) == 4
    assert list(inbox.seen) == [("Kreisleitstelle", "DE-XX-MS", "leit.DE-XX-MS-20260301-007-002")]
    assert list(inbox.seen.values()) == [raw]


async def test_the_same_message_twice_is_one_incident(client: Client) -> None:
    """The same bytes again are 200 with the same names; other bytes under the same name are 409."""
    first = await client.post(PATH, data=sample("expired"), headers=CAP)
    again = await client.post(PATH, data=sample("expired"), headers=CAP)
    other = await client.post(PATH, data=sample("expired") + b"\n", headers=CAP)
    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert await first.json() == await again.json()
    assert (await problem_of(other))["where"] == "<identifier>"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Basic YTpi", 401),
        ("Bearer ", 401),
        ("Bearer falsch", 401),
        (f"Bearer {SCREEN_TOKEN}", 403),
    ],
)
async def test_a_wrong_token_stays_outside(client: Client, inbox: MemoryInbox, authorization: str, status: int) -> None:
    """Without an authority's token nothing is read or stored, and the answer does not repeat the token."""
    headers = {**CAP, "Authorization": authorization}
    answer = await client.post(PATH, data=sample("expired"), headers=headers)
    assert answer.status == status
    assert (answer.headers.get("WWW-Authenticate") is not None) == (status == 401)
    assert "geheim" not in await answer.text()
    assert (await problem_of(answer))["remedy"]
    assert inbox.seen == {}


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"hello", 400, ":1"),
        (b"", 400, ""),
        (sample("dtd_bomb"), 400, "<!DOCTYPE>"),
        (sample("no_zone"), 400, "<expires>:20"),
    ],
)
async def test_unreadable_messages_are_refused_by_name(
    client: Client, inbox: MemoryInbox, body: bytes, status: int, where: str
) -> None:
    """What cannot be read is refused with what is wrong, where, and what to do; nothing is stored."""
    answer = await client.post(PATH, data=body, headers=CAP)
    assert answer.status == status
    found = await problem_of(answer)
    assert found.get("where", "") == where
    assert found["title"]
    assert found["remedy"]
    assert inbox.seen == {}


async def test_an_authority_is_answered_in_its_language(client: Client) -> None:
    """English for a client that asks for it; the code is the same in every language."""
    answer = await client.post(PATH, data=sample("no_zone"), headers={**CAP, "Accept-Language": "en"})
    found = await problem_of(answer)
    assert found["code"] == "time-without-zone"
    assert str(found["title"]).startswith("The time in <expires>")
    assert answer.headers["Content-Language"] == "en"


async def test_another_media_type_is_refused(client: Client) -> None:
    """What a form or an image sends is 415; plain XML and no type at all are accepted."""
    for media_type, status in (
        ("application/x-www-form-urlencoded", 415),
        ("image/png", 415),
        ("text/xml; charset=utf-8", 201),
        ("application/octet-stream", 200),
    ):
        answer = await client.post(PATH, data=sample("expired"), headers={**CAP, "Content-Type": media_type})
        assert answer.status == status


async def test_a_message_of_more_than_a_megabyte_is_read(client: Client) -> None:
    """Big outlines are real; the framework's own limit of one megabyte does not apply."""
    padded = sample("expired").replace(b"</alert>", b" " * 2_000_000 + b"</alert>")
    assert (await client.post(PATH, data=BytesIO(padded), headers=CAP)).status == 201


async def test_twenty_megabytes_are_refused_unread(client: Client) -> None:
    """A length that is too much is refused before a byte of it was sent."""
    answer = await exchange(client, b"Content-Length: 20971520\r\n", b"")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"problem+json" in answer


async def test_an_endless_body_is_cut_off(client: Client) -> None:
    """A body without a length is read no further than the limit."""
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = await exchange(client, b"Transfer-Encoding: chunked\r\n", chunk * 100)
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_compressed_bomb_is_cut_off(client: Client) -> None:
    """The limit counts what comes out of the compression, not what went in."""
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await client.post(PATH, data=bomb, headers={**CAP, "Content-Encoding": "gzip"})
    assert answer.status == 413


async def exchange(client: Client, header: bytes, body: bytes) -> bytes:
    """What the server answers to a request that need not be whole."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        lines = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/cap+xml\r\n"
        token = f"Authorization: Bearer {AUTHORITY_TOKEN}\r\n"
        writer.write(lines.encode() + token.encode() + header + b"\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    return answer
