"""Every error code has a text in every language of the face that shows it, and docs/errors.md lists it."""

from __future__ import annotations

import re

import pytest

from content.messages import CONSOLE, Messages
from content.phrases import placeholders
from realis.model.languages import INTERFACE_LANGUAGES
from tests.support.error_codes import CHOSEN_AT_RUN_TIME, COMMAND, PAGE, PASSED_ON, Use, page, uses

MESSAGES = Messages.load()
USES = uses()
CITIZENS = (
    "mobile_api/",
    "channels/webpush/subscription.py",
    "channels/cap_feeds.py",
    "displays/pages.py",
    "realis/egress/policy.py",
    "realis/web/problem.py",
    "realis/storage/database.py",
)
"""Where errors are raised that a citizen can meet; all other codes are for operators and authorities."""


def _codes(*prefixes: str) -> frozenset[str]:
    literal = {use.code for use in USES if use.code and use.file.startswith(prefixes)}
    chosen = {code for file, codes in CHOSEN_AT_RUN_TIME.items() if file.startswith(prefixes) for code in codes}
    return frozenset(literal | chosen)


def test_every_code_has_texts_and_every_text_a_code() -> None:
    """The codes raised in the source and those of the console's languages are the same set."""
    assert len(USES) > 100
    for language in CONSOLE:
        assert set(MESSAGES.texts[language]) == _codes("")


def test_codes_are_in_kebab_case() -> None:
    """A code is a name for programs, never a sentence."""
    assert [use for use in USES if use.code and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", use.code)] == []


def test_a_code_is_a_literal_or_comes_from_a_list_that_is_checked() -> None:
    """Only modules whose choices are listed may raise what is no literal."""
    assert {use.file for use in USES if not use.code} <= {*CHOSEN_AT_RUN_TIME, *PASSED_ON}


@pytest.mark.parametrize("language", INTERFACE_LANGUAGES)
def test_no_fallback_is_needed_where_a_citizen_reads(language: str) -> None:
    """Whatever a citizen can meet is written in each language of the phone."""
    codes = _codes(*CITIZENS)
    assert len(codes) > 30
    for code in codes:
        values = dict.fromkeys(_names(code), "x")
        assert MESSAGES.error_text(code, values, language).language == language, code


@pytest.mark.parametrize("language", sorted(set(INTERFACE_LANGUAGES) - set(CONSOLE)))
def test_no_text_is_translated_that_no_citizen_meets(language: str) -> None:
    """The languages that only the phone has, have the phone's codes and no others."""
    assert set(MESSAGES.texts[language]) == _codes(*CITIZENS)


@pytest.mark.parametrize(
    "use", [use for use in USES if use.code], ids=lambda use: f"{use.file}:{use.line} {use.code}".replace("/", ".")
)
def test_an_error_gives_its_text_what_it_asks_for(use: Use) -> None:
    """The values of a raise are the placeholders of its text: none missing, none to spare."""
    assert use.names == _names(use.code)


def test_the_page_of_codes_is_fresh() -> None:
    """docs/errors.md is what the source and the texts make it."""
    assert PAGE.read_text(encoding="utf-8") == page(), f"docs/errors.md is stale; run: {COMMAND}"


def _names(code: str) -> frozenset[str]:
    text = MESSAGES.texts["de"][code]
    return placeholders(text.title) | placeholders(text.remedy)
