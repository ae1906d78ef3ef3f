"""A language is one row of the table and its files of texts; no other list of languages exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from realis.model.languages import ALL_LANGUAGES, INTERFACE_LANGUAGES, SOURCE_LANGUAGE, TABLE, direction

ROOT = Path(__file__).parents[2]
CATALOGUES = ("displays/locale", "mobile_api/locale")
TEXTS = ("content/phrases", "content/templates")
TABLE_OF_LANGUAGES = "realis/model/languages.py"


@pytest.mark.parametrize("language", [one for one in INTERFACE_LANGUAGES if one != SOURCE_LANGUAGE])
def test_every_language_has_its_catalogues(language: str) -> None:
    """The pages of citizens and screens are translated; German is what is translated from."""
    for folder in CATALOGUES:
        assert (ROOT / folder / f"{language}.po").is_file(), f"{folder}/{language}.po is missing"


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_every_language_has_its_texts(language: str) -> None:
    """Warnings exist in every language of the table."""
    for folder in TEXTS:
        assert (ROOT / folder / f"{language}.toml").is_file(), f"{folder}/{language}.toml is missing"


def test_texts_are_of_known_languages() -> None:
    """A file of a language that is not in the table would never be read."""
    found = {path.stem for folder in TEXTS for path in (ROOT / folder).glob("*.toml")}
    found |= {path.stem for folder in CATALOGUES for path in (ROOT / folder).glob("*.po")}
    assert found - set(ALL_LANGUAGES) == set()


def test_the_languages_are_listed_once() -> None:
    """No module of the program lists three or more of our languages in a row for itself."""
    tags = "|".join(language for language in INTERFACE_LANGUAGES)
    in_a_row = re.compile(rf"(?:\"(?:{tags})\"\s*[,:][^\n]{{0,30}}\s*){{4}}")
    command = ["git", "ls-files", "realis", "channels", "displays", "mobile_api", "content"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    modules = [name for name in listed if name.endswith(".py") and (ROOT / name).is_file()]
    assert TABLE_OF_LANGUAGES in modules
    lists = [name for name in modules if in_a_row.search((ROOT / name).read_text("utf-8"))]
    assert [name for name in lists if name != TABLE_OF_LANGUAGES] == []


def test_direction_follows_the_table() -> None:
    """Regional and script tags too; a language that is not ours is known where messages bring it."""
    assert {tag for tag in ALL_LANGUAGES if direction(tag) == "rtl"} == {
        language.tag for language in TABLE if language.right_to_left
    }
    assert [direction(tag) for tag in ("ar-SY", "fa", "de-x-ls", "en-GB", "")] == ["rtl", "rtl", "ltr", "ltr", "ltr"]
