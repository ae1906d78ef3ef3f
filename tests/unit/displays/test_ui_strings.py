"""The page's own words exist in every interface language."""

from __future__ import annotations

from displays.ui_strings import ui_strings
from realis.model.languages import INTERFACE_LANGUAGES
from realis.web.i18n import MessageCatalogue


def test_every_language_has_every_word_with_its_placeholders() -> None:
    """No word is missing, and the places for numbers and ages survive translation."""
    by_language = ui_strings(MessageCatalogue.load(["displays"]))
    german = by_language["de"]
    assert set(by_language) == set(INTERFACE_LANGUAGES)
    for language, own in by_language.items():
        assert set(own) == set(german)
        assert "{age}" in own["offline"]
        assert "{n}" in own["others"]
        assert language == "de" or own["offline"] != german["offline"]
