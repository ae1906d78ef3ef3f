"""``/readyz`` of the whole program: it says no, and why, when pages could not be shown."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from realis.web import build_assets
from realis.web.assets import Assets
from tests.support.installation import installation


async def test_missing_files_of_pages_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 as built; 503 and the reason when a file the pages load is not there, while /healthz stays 200."""
    assert build_assets.missing(frozenset(Assets())) == []
    async with installation(tmp_path) as running, aiohttp.ClientSession(running.url) as session:
        async with session.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["failing"]) == (200, [])
        monkeypatch.setattr(build_assets, "WANTED", {**build_assets.WANTED, "htmx/forgotten.js": "x"})
        assert build_assets.missing(frozenset(Assets())) == ["vendor/htmx/forgotten.js"]
        async with session.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["failing"]) == (503, ["assets"])
        async with session.get("/healthz") as answer:
            assert answer.status == 200
