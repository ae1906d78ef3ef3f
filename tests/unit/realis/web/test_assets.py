"""Static files: addressed by content, cached for good under it, checked by ETag without; nothing else is reachable."""

import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from realis.model.errors import ConfigurationError
from realis.web.assets import FOR_EVER, Assets, package_root
from realis.web.build_assets import FONTS, SCRIPTS, WANTED, build, code_points, missing


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


def _font(path: Path, characters: str) -> None:
    """A small font that holds these characters."""
    names = {character: f"letter{ord(character)}" for character in characters}
    glyphs = [".notdef", *names.values()]
    pen = TTGlyphPen(None)
    for corner, point in enumerate(((0, 0), (500, 0), (250, 700))):
        pen.lineTo(point) if corner else pen.moveTo(point)
    pen.closePath()
    font = FontBuilder(1000)
    font.setupGlyphOrder(glyphs)
    font.setupCharacterMap({ord(character): name for character, name in names.items()})
    font.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    font.setupNameTable({"familyName": "Probe", "styleName": "Regular", "licenseDescription": "OFL"})
    font.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    font.font.flavor = "woff2"
    font.save(path)


def test_the_build_holds_what_is_wanted_and_nothing_else(tmp_path: Path) -> None:
    """The vendor folder holds exactly the wanted files, libraries unchanged, whatever it held before."""
    for wanted in WANTED.values():
        (tmp_path / "node_modules" / wanted).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "node_modules" / wanted).write_bytes(wanted.encode())
    for font in FONTS:
        _font(tmp_path / "node_modules" / font.source, "AßĞŚÉ„Жї№Ω")
    target = tmp_path / "vendor"
    target.mkdir()
    (target / "old.js").write_text("old")

    assert build(tmp_path / "node_modules", target) == len(WANTED) + len(FONTS)

    held = {path.relative_to(target).as_posix(): path for path in target.rglob("*") if path.is_file()}
    assert set(held) == set(WANTED) | {font.target for font in FONTS}
    assert {name: held[name].read_text() for name in WANTED} == dict(WANTED)
    for font in FONTS:
        with TTFont(held[font.target]) as cut:
            letters = {chr(point) for point in cut.getBestCmap()}
            assert letters == set("AßĞŚÉ„" if font.script == "latin" else "Жї№"), font.target
            assert cut["name"].getDebugName(13) == "OFL"
    assert missing([f"vendor/{name}" for name in held]) == []


def test_browsers_are_told_what_each_font_file_holds() -> None:
    """The stylesheet names every file once, with the range it was cut to; no range overlaps another."""
    sheet = (package_root("realis.web") / "css" / "base.css").read_text(encoding="utf-8")
    faces = re.findall(r"@font-face \{.*?vendor/(fonts/[^\"]+)\".*?unicode-range:([^;]+);", sheet, re.DOTALL)

    assert {name: set(code_points(wanted)) for name, wanted in faces} == {
        font.target: set(code_points(SCRIPTS[font.script])) for font in FONTS
    }
    assert len(faces) == len(FONTS)
    assert set(code_points(SCRIPTS["latin"])).isdisjoint(code_points(SCRIPTS["cyrillic"]))


@pytest.mark.parametrize("language", ["de", "en", "tr", "uk", "ru", "pl", "fr"])
def test_every_letter_of_the_fixed_words_is_in_a_font_file(language: str) -> None:
    """No reader sees single letters in another face: all words around a warning are covered."""
    covered = {chr(point) for wanted in SCRIPTS.values() for point in code_points(wanted)}
    words = (package_root("content").parent / "phrases" / f"{language}.toml").read_text(encoding="utf-8")
    shown = {letter for letter in words if letter.isalpha() or letter in "„“”«»–—…’№"}

    assert shown - covered == set()


def test_a_missing_library_stops_the_build_before_it_changes_anything(tmp_path: Path) -> None:
    """The message names the missing files and the command that brings them; the old files stay."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "old.js").write_text("old")
    with pytest.raises(ConfigurationError, match="htmx") as caught:
        build(tmp_path / "node_modules", tmp_path / "vendor")
    assert "make setup" in caught.value.remedy
    assert (tmp_path / "vendor" / "old.js").exists()
