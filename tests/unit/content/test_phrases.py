"""The fixed words: complete in every language, and no ending readable as another."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from content.phrases import PhraseBook, fill, placeholders
from content.reading import folder, read_table
from realis.model.errors import ConfigurationError
from realis.model.languages import ALL_LANGUAGES
from realis.ports.content import Phrases

BOOK = PhraseBook.load()
ENDINGS = ("all_clear", "retraction", "expiry")
KEYS = (
    *("notice.uebung", "notice.probewarnung", "level.1", "level.2", "level.3"),
    *("kind.alert", "kind.update", "kind.all_clear", "kind.retraction", "kind.expiry", "kind.ended"),
    *("expiry.body", "all_clear.body", "retraction.body", "until", "ended_at", "issued_at", "source"),
    *("what_happened", "what_to_do", "more", "area", "revision", "course"),
    *("label.unchecked", "label.fallback", "label.plain", "label.plain_checked"),
)
GENERIC = {
    # words that mean just "warning" and may stand in several kinds; all others must differ
    "de": {"warnung"},
    "de-x-ls": {"warnung"},
    "en": {"warning"},
    "tr": {"uyarı", "uyarının"},
    "ar": {"التحذير", "تحذير"},
    "uk": {"попередження"},
    "ru": {"предупреждение", "предупреждения"},
    "pl": {"ostrzeżenie", "ostrzeżenia"},
    "fr": {"alerte"},
}
ALL_CLEAR_WORD = {
    "de": "entwarnung",
    "de-x-ls": "entwarnung",
    "en": "all clear",
    "tr": "geçti",
    "ar": "زال",
    "uk": "відбій",
    "ru": "отбой",
    "pl": "koniec",
    "fr": "fin d’alerte",
}


def telling_words(text: str, language: str) -> set[str]:
    """The words that carry meaning: longer than three letters and not the plain word for a warning."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3} - GENERIC[language]


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_every_language_has_every_phrase(language: str) -> None:
    """Each language answers each key in its own words, and names all languages."""
    names = [f"language.{other}" for other in ALL_LANGUAGES]
    assert BOOK.language(language) == language
    assert all(BOOK.texts[language][key].strip() for key in [*KEYS, *names])


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_placeholders_are_the_same_in_every_language(language: str) -> None:
    """A value given for German fits every language."""
    for key, german in BOOK.texts["de"].items():
        assert placeholders(BOOK.texts[language][key]) == placeholders(german), key


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_the_endings_share_no_telling_word(language: str) -> None:
    """Entwarnung, Fehlalarm and abgelaufen cannot be taken for one another by their names."""
    seen: set[str] = set()
    for ending in (*ENDINGS, "ended"):
        mine = telling_words(BOOK.phrase(f"kind.{ending}", language), language)
        assert not mine & seen, ending
        seen |= mine


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_only_the_all_clear_is_called_one(language: str) -> None:
    """The all-clear's own word stands in its name and in no other kind's; the expiry denies being one."""
    word = ALL_CLEAR_WORD[language]
    assert word in BOOK.phrase("kind.all_clear", language).lower()
    for kind in ("alert", "update", "retraction", "expiry", "ended"):
        assert not re.search(rf"\b{word}\b", BOOK.phrase(f"kind.{kind}", language).lower()), kind
    bodies = {BOOK.phrase(f"{ending}.body", language) for ending in ENDINGS}
    assert len(bodies) == len(ENDINGS)


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_exercise_test_and_levels_differ(language: str) -> None:
    """Übung and Probewarnung, and the three levels, are told apart by their first words already."""
    notices = [BOOK.phrase(f"notice.{name}", language).split(" – ")[0] for name in ("uebung", "probewarnung")]
    levels = {BOOK.phrase(f"level.{number}", language) for number in (1, 2, 3)}
    assert notices[0] != notices[1]
    assert not telling_words(notices[0], language) & telling_words(notices[1], language)
    assert len(levels) == 3


def test_the_book_fits_the_port() -> None:
    """What the wiring hands around is a ``Phrases``; a value may itself be called language."""
    phrases: Phrases = BOOK
    english = phrases.phrase("language.en", "de")
    assert phrases.phrase("label.fallback", "de", language=english) == "Dieser Text liegt nur auf Englisch vor."


def test_german_uses_the_fixed_words() -> None:
    """The words that must not vary stand as they are."""
    assert BOOK.phrase("notice.uebung", "de") == "ÜBUNG – keine echte Gefahr"
    assert BOOK.phrase("kind.retraction", "de") == "Fehlalarm – Warnung zurückgezogen"
    assert BOOK.phrase("expiry.body", "de") == "Die Gültigkeit ist abgelaufen. Das ist keine Entwarnung."


@pytest.mark.parametrize(("wanted", "used"), [("de-AT", "de"), ("es", "en"), ("", "en"), ("de-x-ls", "de-x-ls")])
def test_unknown_languages_fall_back(wanted: str, used: str) -> None:
    """A regional tag uses its base language, an unknown one English."""
    assert BOOK.language(wanted) == used
    assert BOOK.phrase("kind.alert", wanted) == BOOK.phrase("kind.alert", used)


def test_without_english_german_serves() -> None:
    """German is the last resort."""
    book = replace(BOOK, texts={"de": BOOK.texts["de"]})
    assert book.phrase("kind.alert", "fr") == "Warnung"


def test_an_unknown_key_is_a_key_error() -> None:
    """Nobody gets an empty phrase for a typing error."""
    with pytest.raises(KeyError):
        BOOK.phrase("kind.alarm", "de")


def test_a_missing_value_is_a_key_error() -> None:
    """A placeholder never reaches a reader."""
    with pytest.raises(KeyError):
        BOOK.phrase("until", "de")


def test_braces_inside_a_value_stay() -> None:
    """What an operator writes is never read as a placeholder, and no attribute can be reached."""
    assert fill("Quelle: {source}", {"source": "{time} {0.__class__}"}) == "Quelle: {time} {0.__class__}"


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_nobody_has_checked_a_translation_yet(language: str) -> None:
    """The files say that they were not checked, until a person puts a name there."""
    assert BOOK.checked_by[language] == ""
    assert "checked_by" in read_table(folder("phrases").joinpath(f"{language}.toml"))


def test_a_missing_phrase_stops_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language that lacks a phrase is refused at the start, by name and key."""
    monkeypatch.setattr("content.phrases.tables", lambda _: [(tag, {"until": "{time}"}) for tag in ALL_LANGUAGES[:-1]])
    with pytest.raises(ConfigurationError, match="de-x-ls"):
        PhraseBook.load()


def test_other_placeholders_stop_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A translation that asks for another value is refused at the start."""
    files = [(tag, {"until": "{when}" if tag == "fr" else "{time}"}) for tag in ALL_LANGUAGES]
    monkeypatch.setattr("content.phrases.tables", lambda _: files)
    with pytest.raises(ConfigurationError, match=r"fr\.toml: until"):
        PhraseBook.load()


def test_a_missing_key_stops_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A translation that lacks one key is refused, naming it."""
    files = [(tag, {"a": "x"} if tag == "pl" else {"a": "x", "b": "y"}) for tag in ALL_LANGUAGES]
    monkeypatch.setattr("content.phrases.tables", lambda _: files)
    with pytest.raises(ConfigurationError, match=r"pl\.toml differs .* b"):
        PhraseBook.load()
