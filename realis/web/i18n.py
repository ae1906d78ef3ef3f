"""The interface's languages: gettext catalogues, the reader's choice, dates in words.

Message ids are the German sentences. Knows nothing of warnings; their words come from the core.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from realis.model.languages import INTERFACE_LANGUAGES

DEFAULT_LANGUAGE = "de"


def negotiate(wanted: Sequence[str], supported: Sequence[str] = INTERFACE_LANGUAGES) -> str:
    """The first supported language among the wanted tags, else English if somebody asked at all, else German."""
    for tag in wanted:
        for candidate in (tag, tag.split("-")[0].split("_")[0].lower()):
            if candidate in supported:
                return candidate
    return "en" if wanted and "en" in supported else DEFAULT_LANGUAGE


def accepted_languages(header: str) -> list[str]:
    """The tags of an Accept-Language header, most wanted first (RFC 9110, 12.5.4)."""
    weighted: list[tuple[float, int, str]] = []
    for position, part in enumerate(header[:500].split(",")):
        tag, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            quality = 0.0
        if tag and tag != "*" and quality > 0:
            weighted.append((-quality, position, tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]


@dataclass(frozen=True, slots=True)
class MessageCatalogue:
    """The translated interface texts of every face, merged."""

    translations: Mapping[str, NullTranslations]

    @classmethod
    def load(cls, packages: Sequence[str]) -> MessageCatalogue:
        """Read ``locale/<language>.po`` of each package; a face may lack a language (German is shown)."""
        return cls({language: _merged(packages, language) for language in INTERFACE_LANGUAGES})

    def gettext(self, text: str, language: str) -> str:
        """The text in the language, or as it is."""
        found = self.translations.get(language)
        return str(found.gettext(text)) if found else text

    def ngettext(self, one: str, many: str, number: int, language: str) -> str:
        """The right plural form in the language."""
        found = self.translations.get(language)
        if found is None:
            return one if number == 1 else many
        return str(found.ngettext(one, many, number))


def _merged(packages: Sequence[str], language: str) -> NullTranslations:
    merged: Translations | None = None
    for package in packages:
        file = resources.files(package) / "locale" / f"{language}.po"
        if not file.is_file():
            continue
        with file.open("rb") as source:
            catalogue = read_po(source, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        loaded = Translations(compiled)
        merged = loaded if merged is None else merged.merge(loaded)
    return merged if merged is not None else NullTranslations()


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language.split("-")[0])


def one_place(value: float, language: str) -> str:
    """A number with one decimal place, with the language's own mark."""
    return str(format_decimal(value, "0.0", locale=_locale(language)))


def grouped(number: int, language: str) -> str:
    """A whole number with the language's marks between thousands."""
    return str(format_decimal(number, locale=_locale(language)))


def in_words(when: datetime, language: str, zone: ZoneInfo, pattern: str = "EEE d. MMM, HH:mm") -> str:
    """A time as people of the language read it, in the city's zone. ``pattern`` is written for German."""
    if not language.startswith("de"):
        pattern = pattern.replace("d. ", "d ")
    text = format_datetime(when, pattern, tzinfo=zone, locale=_locale(language))
    return text.replace(", ", "، ") if language == "ar" else text
