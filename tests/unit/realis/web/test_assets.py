"""Static files: addressed by content, cached for good under it, checked by ETag without; nothing else is reachable."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realis.model.errors import ConfigurationError
from realis.web.assets import FOR_EVER, Assets
from realis.web.build_assets import WANTED, build


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A package's static folder with one stylesheet and a font it names."""
    (tmp_path / "static" / "face" / "font").mkdir(parents=True)
    (tmp_path / "static" / "face" / "face.css").write_text("p { color: red }\n" * 200)
    (tmp_path / "static" / "face" / "font" / "a.woff2").write_bytes(b"font")
    return tmp_path / "static"


def _client(assets: Assets) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    assets.register(app)
    return TestClient(TestServer(app))


async def test_a_versioned_address_is_cached_for_ever(root: Path) -> None:
    """Pages get an address that changes with the content, with its type, nosniff and immutable caching."""
    assets = Assets([root])
    async with _client(assets) as client:
        answer = await client.get(assets.url("face/face.css"))
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == FOR_EVER
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert (await answer.text()).startswith("p { color: red }")


async def test_relative_addresses_stay_under_the_version(root: Path) -> None:
    """What a stylesheet names relative to itself is found and cached too."""
    assets = Assets([root])
    async with _client(assets) as client:
        answer = await client.get(assets.url("face/face.css").replace("face.css", "font/a.woff2"))
        assert (answer.status, answer.headers["Content-Type"]) == (200, "font/woff2")
        assert answer.headers["Cache-Control"] == FOR_EVER
        assert "Content-Encoding" not in answer.headers


async def test_a_plain_address_is_asked_again_each_time(root: Path) -> None:
    """Without the version a file carries an ETag and no-cache, and an unchanged one costs 304 only."""
    async with _client(Assets([root])) as client:
        first = await client.get("/assets/face/face.css")
        assert first.headers["Cache-Control"] == "no-cache"
        again = await client.get("/assets/face/face.css", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        assert await again.read() == b""


async def test_an_older_page_still_finds_its_files(root: Path) -> None:
    """A page of an older version gets today's file, but may not keep it for ever."""
    async with _client(Assets([root])) as client:
        answer = await client.get("/assets/0123456789ab/face/face.css")
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


async def test_nothing_outside_is_reachable(root: Path) -> None:
    """Climbing out of the folders, or naming what is not there, is 404."""
    (root.parent / "secret").write_text("secret")
    async with _client(Assets([root])) as client:
        for path in (
            "/assets/../secret",
            "/assets/%2e%2e/secret",
            "/assets/face/%2e%2e%2f%2e%2e%2fsecret",
            "/assets/x",
        ):
            assert (await client.get(path)).status == 404


def test_the_version_follows_the_content(root: Path) -> None:
    """One changed byte anywhere changes every address."""
    before = Assets([root]).version
    (root / "face" / "font" / "a.woff2").write_bytes(b"fond")
    assert Assets([root]).version != before


def test_a_wrong_name_is_an_error_at_once() -> None:
    """A page never goes out with a dead link: asking for an unknown file names it."""
    with pytest.raises(ConfigurationError, match=r"css/bsae\.css"):
        Assets().url("css/bsae.css")


def test_two_packages_cannot_claim_one_name(root: Path, tmp_path: Path) -> None:
    """Neither file silently wins."""
    other = tmp_path / "other"
    (other / "face").mkdir(parents=True)
    (other / "face" / "face.css").write_text("p {}")
    with pytest.raises(ConfigurationError, match=r"face/face\.css"):
        Assets([root, other])


def test_the_build_copies_what_is_wanted_and_nothing_else(tmp_path: Path) -> None:
    """The vendor folder holds exactly the wanted files, unchanged, whatever it held before."""
    for wanted in WANTED.values():
        (tmp_path / "node_modules" / wanted).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "node_modules" / wanted).write_bytes(wanted.encode())
    target = tmp_path / "vendor"
    target.mkdir()
    (target / "old.js").write_text("old")
    assert build(tmp_path / "node_modules", target) == len(WANTED)
    held = {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert held == dict(WANTED)


def test_a_missing_library_stops_the_build_before_it_changes_anything(tmp_path: Path) -> None:
    """The message names the missing files and the command that brings them; the old files stay."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "old.js").write_text("old")
    with pytest.raises(ConfigurationError, match="htmx") as caught:
        build(tmp_path / "node_modules", tmp_path / "vendor")
    assert "make setup" in caught.value.remedy
    assert (tmp_path / "vendor" / "old.js").exists()
