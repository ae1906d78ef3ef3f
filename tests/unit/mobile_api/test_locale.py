"""The phone speaks all eight languages completely."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from realis.model.languages import INTERFACE_LANGUAGES
from tests.unit.mobile_api.messages import PACKAGE, Message, messages

TRANSLATED = tuple(language for language in INTERFACE_LANGUAGES if language != "de")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def catalogue(language: str) -> Catalog:
    """The catalogue in the package."""
    with (PACKAGE / "locale" / f"{language}.po").open("rb") as source:
        return read_po(source, locale=language, abort_invalid=True)


def translations(language: str, message: Message) -> Iterator[str]:
    """The translated forms of a message; empty strings where there are none."""
    found = catalogue(language).get(message if isinstance(message, str) else message[0])
    forms = found.string if found else ""
    yield from (form or "" for form in (forms if isinstance(forms, (tuple, list)) else (forms,)))


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_is_missing_or_left_over(language: str) -> None:
    """Every sentence of the templates is in the catalogue, and nothing else is."""
    wanted = {message if isinstance(message, str) else message[0] for message in messages()}
    entries = {entry.id if isinstance(entry.id, str) else entry.id[0] for entry in catalogue(language) if entry.id}

    assert entries == wanted


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_with_its_placeholders(language: str) -> None:
    """No translation is empty, and names in it are those of the German sentence (a number may be a word)."""
    for message in messages():
        german = message if isinstance(message, str) else message[1]
        for form in translations(language, message):
            assert form.strip(), f"{language}: {german!r} is not translated"
            named = set(PLACEHOLDER.findall(form))
            allowed = set(PLACEHOLDER.findall(german))
            assert named <= allowed if isinstance(message, tuple) else named == allowed, f"{language}: {form!r}"


def test_a_missing_connection_never_reads_like_an_all_clear() -> None:
    """The words for 'expired' and 'all clear' differ in every language."""
    for language in TRANSLATED:
        (clear,) = translations(language, "Entwarnung")
        (expired,) = translations(language, "Gültigkeit abgelaufen – keine Entwarnung")
        assert clear != expired
        assert len(expired) > len(clear)
