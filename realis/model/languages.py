"""The languages warnings and pages exist in. A new language is one row here and its files of texts.

Tags are BCP 47. German is the language warnings are written in; ``de-x-ls`` is German in plain words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Args:
        name: in the language itself, for readers who choose.
        german_name: for operators.
        interface: pages are translated into it; otherwise only warnings and courses are.
    """

    tag: str
    name: str
    german_name: str
    right_to_left: bool = False
    interface: bool = True


PLAIN: Final = "de-x-ls"
SOURCE_LANGUAGE: Final = "de"

TABLE: Final = (
    Language("de", "Deutsch", "Deutsch"),
    Language("en", "English", "Englisch"),
    Language("tr", "Türkçe", "Türkisch"),
    Language("ar", "العربية", "Arabisch", right_to_left=True),
    Language("uk", "Українська", "Ukrainisch"),
    Language("ru", "Русский", "Russisch"),
    Language("pl", "Polski", "Polnisch"),
    Language("fr", "Français", "Französisch"),
    Language(PLAIN, "Einfache Sprache", "Deutsch in Einfacher Sprache", interface=False),
)

ALL_LANGUAGES: Final = tuple(language.tag for language in TABLE)
INTERFACE_LANGUAGES: Final = tuple(language.tag for language in TABLE if language.interface)
LANGUAGE_NAMES: Final = {language.tag: language.name for language in TABLE}
GERMAN_NAMES: Final = {language.tag: language.german_name for language in TABLE}

_FOREIGN_RIGHT_TO_LEFT = frozenset({"fa", "he", "ur"})
"""Languages of foreign messages beyond those of ``TABLE``."""
RIGHT_TO_LEFT: Final = _FOREIGN_RIGHT_TO_LEFT | {language.tag for language in TABLE if language.right_to_left}


def direction(tag: str) -> str:
    """``rtl`` or ``ltr``, as for HTML's ``dir`` attribute."""
    return "rtl" if tag.partition("-")[0] in RIGHT_TO_LEFT else "ltr"
