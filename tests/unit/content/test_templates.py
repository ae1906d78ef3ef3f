"""Ready-made words: there for every event, kind and language; short; never confusing two endings."""

from __future__ import annotations

import re
from itertools import product

import pytest

from content.phrases import PhraseBook, placeholders
from content.templates import read_templates
from realis.model.draft import MAX_HEADLINE, DraftKind
from realis.model.errors import ConfigurationError
from realis.model.languages import ALL_LANGUAGES

BOOK = PhraseBook.load()
OWN_WORDS = [f"BBK-EVC-{number}" for number in ("038", "034", "010", "063", "069", "012", "009", "050")]
ALL = list(product(ALL_LANGUAGES, DraftKind))


@pytest.mark.parametrize(("language", "kind"), ALL)
def test_every_event_has_short_words(language: str, kind: DraftKind) -> None:
    """An operator starts from complete, short words whatever the event; nothing is left to fill in."""
    for event in BOOK.events():
        template = BOOK.template(event.code, kind, language)
        assert template is not None
        texts = (template.headline, template.description, template.instruction)
        assert all(text.strip() and not placeholders(text) for text in texts)
        assert len(template.headline) <= min(100, MAX_HEADLINE)
        assert len(template.description) <= 220
        assert len(template.instruction) <= 220


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_instructions_are_two_sentences_at_most(language: str) -> None:
    """People can keep in mind what they are to do."""
    for event, kind in product(BOOK.events(), DraftKind):
        template = BOOK.template(event.code, kind, language)
        assert template is not None
        assert len(re.findall(r"[.!?؟](?:\s|$)", template.instruction)) <= 2, (event.code, kind)


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_main_events_have_their_own_words(language: str) -> None:
    """The frequent events do not fall back to general words, in no language."""
    generic = BOOK.template("unknown", DraftKind.ALERT, language)
    assert generic is not None
    for code, kind in product(OWN_WORDS, (DraftKind.ALERT, DraftKind.UPDATE)):
        template = BOOK.template(code, kind, language)
        assert template is not None
        assert template.instruction != generic.instruction


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_generic_words_name_the_event(language: str) -> None:
    """Words for any event begin with the event's own name."""
    event = BOOK.event("BBK-EVC-064")
    template = BOOK.template("BBK-EVC-064", DraftKind.ALERT, language)
    assert event is not None
    assert template is not None
    assert template.headline.startswith(event.labels[language])


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_all_clear_and_retraction_differ(language: str) -> None:
    """Taking back a false alarm never sounds like the end of a danger."""
    clear = BOOK.template("BBK-EVC-034", DraftKind.ALL_CLEAR, language)
    retraction = BOOK.template("BBK-EVC-034", DraftKind.RETRACTION, language)
    assert clear is not None
    assert retraction is not None
    assert clear.headline != retraction.headline
    assert clear.description != retraction.description
    assert clear.instruction != retraction.instruction


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_a_test_warning_never_ends_a_danger(language: str) -> None:
    """The end of a Probewarnung does not say that a danger has passed, since there was none."""
    template = BOOK.template("BBK-EVC-050", DraftKind.ALL_CLEAR, language)
    assert template is not None
    assert BOOK.phrase("all_clear.body", language) not in f"{template.headline} {template.description}"


def test_a_language_without_templates_has_none() -> None:
    """No language gets words of another one under its own name."""
    assert BOOK.template("BBK-EVC-038", DraftKind.ALERT, "es") is None


def test_updates_keep_the_instruction_of_their_alert() -> None:
    """What to do is written once per event."""
    alert = BOOK.template("BBK-EVC-038", DraftKind.ALERT, "de")
    update = BOOK.template("BBK-EVC-038", DraftKind.UPDATE, "de")
    assert alert is not None
    assert update is not None
    assert alert.instruction == update.instruction
    assert alert.headline != update.headline


FULL = {"headline": "a", "description": "b", "instruction": "c"}


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, r"lacks \[generic.alert\]"),
        ({"generic": {"warning": FULL}}, "warning"),
        ({"generic": {"alert": FULL | {"headlnie": "x"}}}, "headlnie"),
        ({"generic": {"alert": {"headline": "a"}}}, "description"),
        ({"generic": {"update": {"headline": "a", "description": "b"}}}, "instruction"),
    ],
)
def test_a_broken_template_file_is_refused(table: dict[str, object], complaint: str) -> None:
    """What is missing or misspelt is named."""
    with pytest.raises(ConfigurationError, match=complaint):
        read_templates(table, "xx.toml")
