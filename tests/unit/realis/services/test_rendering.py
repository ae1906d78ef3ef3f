"""The words of a warning by language, channel and kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from content.phrases import PhraseBook
from realis.model.alert import Level, Occasion
from realis.model.draft import Content, DraftKind, LanguageText, Rendered, Variant
from realis.ports.channel import ChannelCapabilities, LengthUnit
from realis.ports.installation import City
from realis.ports.read_models import PAGE
from realis.services.rendering import Renderer, measure, shorten
from tests.support.core_world import flood

LANGUAGES = ("de", "en", "tr", "ar", "uk", "ru", "pl", "fr", "de-x-ls")
NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
LINK = "https://warnung.example/alerts/1"
CITY = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example", "", LANGUAGES)
RENDERER = Renderer(
    PhraseBook.load(),
    CITY,
    {
        "push": ChannelCapabilities(length=1700, unit=LengthUnit.BYTES),
        "post": ChannelCapabilities(500, per_language=False),
    },
)


def _one(content: Content, language: str = "de", variant: Variant = Variant.MESSAGE) -> Rendered:
    return RENDERER.one(content, PAGE, language, variant=variant, link=LINK)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_endings_differ_in_every_language(language: str) -> None:
    """Warning, update, Entwarnung, Fehlalarm and expiry have five different words for what they are."""
    kinds = [_one(flood(NOW, kind=kind), language).kind for kind in DraftKind]
    kinds.append(_one(flood(NOW), language, Variant.EXPIRY).kind)
    assert len(set(kinds)) == 5
    assert all(kinds)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_occasions_differ_in_every_language(language: str) -> None:
    """An Ernstfall has no notice; Übung and Probewarnung have two different ones, first in text and title."""
    texts = {occasion: _one(flood(NOW, occasion=occasion), language) for occasion in Occasion}
    assert texts[Occasion.ERNSTFALL].notice == ""
    notices = {texts[Occasion.UEBUNG].notice, texts[Occasion.PROBEWARNUNG].notice}
    assert len(notices - {""}) == 2
    for text in texts.values():
        assert text.text.startswith(text.notice)
        assert text.title.startswith(text.notice)


@pytest.mark.parametrize(("language", "level"), list(product(LANGUAGES, Level)))
def test_the_level_is_said_in_words(language: str, level: Level) -> None:
    """Each level has its own word in each language, also in an update."""
    word = _one(flood(NOW, level=level), language).kind
    others = {_one(flood(NOW, level=other), language).kind for other in set(Level) - {level}}
    assert word not in others
    assert word in _one(flood(NOW, level=level, kind=DraftKind.UPDATE), language).kind


def test_a_reader_without_words_gets_english_and_is_told() -> None:
    """No Turkish text: English, labelled in Turkish as such and as unchecked."""
    text = _one(flood(NOW), "tr")
    assert (text.language, text.written_in) == ("tr", "en")
    assert len(text.labels) == 2
    assert text.text.index(text.labels[0]) > text.text.index(text.headline)


def test_without_english_everybody_gets_german() -> None:
    """German is the last resort and needs one label only: which language it is."""
    german = (LanguageText("de", "Hochwasser", "", "Oben bleiben."),)
    text = _one(flood(NOW, texts=german), "tr")
    assert (text.written_in, len(text.labels)) == ("de", 1)


def test_plain_german_falls_back_to_german() -> None:
    """Readers of Einfache Sprache get German rather than English, told so."""
    text = _one(flood(NOW), "de-x-ls")
    assert (text.written_in, len(text.labels)) == ("de", 1)


def test_a_checked_translation_carries_no_label() -> None:
    """Only what nobody checked is labelled; plain German says whether test readers approved it."""
    texts = tuple(
        replace(text, checked_by="Dr. Amal N.") if text.language == "ar" else text for text in flood(NOW).texts
    )
    plain = LanguageText("de-x-ls", "Viel Wasser", "", "Bleiben Sie oben.")
    content = flood(NOW, texts=(*texts, plain))
    assert _one(content, "ar").labels == ()
    assert _one(content, "de").labels == ()
    assert len(_one(content, "en").labels) == 1
    assert _one(content, "de-x-ls").labels == ("Einfache Sprache",)
    checked = flood(NOW, texts=(*texts, replace(plain, checked_by="Prüfgruppe")))
    assert _one(checked, "de-x-ls").labels == ("Leichte Sprache",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_expiry_never_sounds_like_an_all_clear(language: str) -> None:
    """It says that it ran out and that this is no Entwarnung, and drops what happened and what to do."""
    content = flood(NOW)
    text = _one(content, language, Variant.EXPIRY)
    words = content.text(text.written_in)
    assert words is not None
    assert words.instruction not in text.text
    assert text.description == ""
    assert text.kind != _one(replace(content, kind=DraftKind.ALL_CLEAR), language).kind


def test_the_end_is_named_in_local_time() -> None:
    """Stored in UTC, read in the city's zone; endings name none."""
    assert "09:03 Uhr" in _one(flood(NOW)).until
    assert _one(flood(NOW, kind=DraftKind.ALL_CLEAR)).until == ""


def test_a_package_has_every_text_that_would_leave() -> None:
    """Page and chosen channels in their languages, each with its expiry; endings need no expiry."""
    package = RENDERER.package(flood(NOW), LINK)
    got = {(entry.channel, entry.text.language, entry.variant) for entry in package.texts}
    wanted = set(product((PAGE, "push"), LANGUAGES, Variant)) | set(product(("post",), ("de",), Variant))
    assert got == wanted
    ending = RENDERER.package(flood(NOW, kind=DraftKind.RETRACTION), LINK)
    assert {entry.variant for entry in ending.texts} == {Variant.MESSAGE}


@pytest.mark.parametrize("kind", [DraftKind.ALL_CLEAR, DraftKind.RETRACTION])
def test_an_ending_starts_from_its_own_words(kind: DraftKind) -> None:
    """No sentence of the warning survives into the prefilled ending, in any language."""
    ending = RENDERER.for_follow_up(flood(NOW), kind)
    for before, after in zip(flood(NOW).texts, ending.texts, strict=True):
        assert after.headline
        assert before.instruction not in (after.instruction, after.description)
        assert before.description not in (after.instruction, after.description)


def test_a_first_word_that_is_too_long_is_cut_between_graphemes() -> None:
    """Better a piece of the only word than nothing, but never a piece of a character."""
    family = "👨‍👩‍👧‍👦"
    assert shorten(family * 9, 4, LengthUnit.GRAPHEMES) == family * 3 + "…"
    assert measure(shorten(family * 9, 80, LengthUnit.BYTES), LengthUnit.BYTES) <= 80
    assert shorten(family, 3, LengthUnit.BYTES) == "…"
    assert shorten(family, 2, LengthUnit.BYTES) == ""


def test_units_count_as_their_transports_do() -> None:
    """An emoji family is 11 UTF-16 units, 25 bytes, one grapheme."""
    family = "👨‍👩‍👧‍👦"
    assert [measure(family, unit) for unit in (LengthUnit.UTF16, LengthUnit.BYTES, LengthUnit.GRAPHEMES)] == [11, 25, 1]
