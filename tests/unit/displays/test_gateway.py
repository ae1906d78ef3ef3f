"""The gateway before anybody connects."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from displays.gateway import _origin
from tests.support.displays import make_stage


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://warnung.siegen.example/alerts", "https://warnung.siegen.example"),
        ("wss://Warnung.Siegen.example/ws", "https://warnung.siegen.example"),
        ("ws://127.0.0.1:8081/ws", "http://127.0.0.1:8081"),
    ],
)
def test_a_socket_has_the_origin_of_its_page(url: str, origin: str) -> None:
    """Browsers name the page's origin, never a ws address."""
    assert _origin(url) == origin


async def test_port_zero_becomes_a_real_port(tmp_path: Path) -> None:
    """Tests and demos may leave the choice to the system."""
    stage = await make_stage(tmp_path / "keys")
    stage.gateway_port = 0
    async with stage.gateway() as gateway:
        assert gateway.port > 0
        assert gateway.connected == 0


async def test_metrics_are_for_direct_peers_only(tmp_path: Path) -> None:
    """A direct request sees them; one through a proxy is answered like any other path that is not there."""
    stage = await make_stage(tmp_path / "keys")
    stage.gateway_port = 0
    async with stage.gateway() as gateway, ClientSession() as session:
        page = f"http://127.0.0.1:{gateway.port}/metrics"
        async with session.get(page) as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")
        async with session.get(page, headers={"X-Forwarded-For": "10.0.0.7"}) as answer:
            assert answer.status == 404
