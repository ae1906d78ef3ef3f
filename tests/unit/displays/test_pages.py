"""What the screen's page gets over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.support.displays import INCIDENT, TOKEN, Stage, make_stage

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """A city with one screen."""
    return await make_stage(tmp_path / "keys")


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    """A browser without the browser."""
    async with TestClient(TestServer(stage.app())) as opened:
        yield opened


async def test_the_page_brings_no_inline_code(client: Client) -> None:
    """Its policy needs no exception, and it is German for the technician."""
    answer = await client.get("/display/")
    text = await answer.text()
    assert answer.status == 200
    assert "<script>" not in text
    assert " style=" not in text
    assert 'lang="de"' in text
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]


async def test_the_address_without_a_slash_leads_there(client: Client) -> None:
    """A typed address works."""
    answer = await client.get("/display", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (301, "/display/")


async def test_the_settings_hold_the_public_key_and_no_secret(client: Client, stage: Stage) -> None:
    """The page learns the gateway, the key to pin, the idle words and its own words; never a token."""
    answer = await client.get("/display/config.json")
    config = await answer.json()
    assert config["jwk"] == dict(stage.signer.public_jwk)
    assert "d" not in config["jwk"]
    assert config["gateway_url"] == stage.city.gateway_url
    assert config["idle"]["city"] == "Siegen"
    assert config["version"].endswith("display/main.js")
    assert TOKEN not in await answer.text()


async def test_the_worker_lies_where_it_may_serve_the_page(client: Client) -> None:
    """Its scope is /display/, and browsers look for a newer one each time."""
    answer = await client.get("/display/sw.js")
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/javascript", "no-cache")


async def test_a_code_leads_to_our_own_page(client: Client) -> None:
    """The image is made from the incident's id; no other words can get into it."""
    answer = await client.get(f"/display/qr/{INCIDENT}.svg")
    assert answer.content_type == "image/svg+xml"
    assert (await answer.read()).startswith(b"<svg")
    assert (await client.get("/display/qr/https:evil.svg")).status != 200
