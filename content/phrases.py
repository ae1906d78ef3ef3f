"""The fixed words around a warning, its event types and ready-made texts, in every language.

Read once from package data and checked then; it must not choose words by itself or know a channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from content.events import OTHER, read_events
from content.reading import Table, broken, folder, read_table, require_text, tables
from content.templates import GENERIC, Key, read_templates
from realis.model.draft import DraftKind
from realis.model.languages import ALL_LANGUAGES
from realis.ports.content import EventType, Template

FALLBACKS: Final = ("en", "de")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_CHECKED_BY = "checked_by"


def placeholders(text: str) -> frozenset[str]:
    """The names in braces a text asks for."""
    return frozenset(_PLACEHOLDER.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its ``{names}`` replaced, once: braces inside a value stay as they are.

    Raises ``KeyError`` for a name without a value.
    """
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """All fixed words by language and dotted key. Make one with ``load()``.

    Args:
        checked_by: who approved a language's words; empty means nobody did, and it is shown as such.
    """

    texts: Mapping[str, Mapping[str, str]]
    checked_by: Mapping[str, str]
    event_types: Mapping[str, EventType]
    templates: Mapping[str, Mapping[Key, Template]]

    @classmethod
    def load(cls) -> PhraseBook:
        """The words that come with REALIS. Raises ``ConfigurationError`` if a language lacks any."""
        found = dict(tables(folder("phrases")))
        texts = {language: dict(_flatten(table, f"phrases/{language}.toml")) for language, table in found.items()}
        _check(texts)
        events = read_events(read_table(folder("events.toml")), ALL_LANGUAGES)
        return cls(
            texts,
            {language: str(table.get(_CHECKED_BY, "")) for language, table in found.items()},
            {event.code: event for event in events},
            {name: read_templates(table, f"templates/{name}.toml") for name, table in tables(folder("templates"))},
        )

    def language(self, wanted: str) -> str:
        """The language whose words are used: the one wanted, its base (``de`` for ``de-AT``), else English."""
        choices = (wanted, wanted.partition("-")[0], *FALLBACKS)
        return next(choice for choice in choices if choice in self.texts)

    def phrase(self, key: str, language: str, /, **values: str) -> str:
        """One fixed phrase; raises KeyError for a key nobody wrote or a value nobody gave."""
        return fill(self.texts[self.language(language)][key], values)

    def events(self) -> Sequence[EventType]:
        """All event types, in the order operators see them."""
        return tuple(self.event_types.values())

    def event(self, code: str) -> EventType | None:
        """One event type by its code."""
        return self.event_types.get(code)

    def template(self, code: str, kind: DraftKind, language: str) -> Template | None:
        """Ready-made words for the event, else generic ones naming it; None if the language has none."""
        written = self.templates.get(language)
        if written is None:
            return None
        template = written.get((code, kind)) or written[GENERIC, kind]
        event = self.event_types.get(code) or self.event_types[OTHER]
        return replace(template, headline=fill(template.headline, {"event": event.labels[language]}))


def _flatten(table: Table, where: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if not prefix and name == _CHECKED_BY:
            continue
        if isinstance(value, Mapping):
            yield from _flatten(value, where, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", require_text(value, f"{where}: {prefix}{name}")


def _check(texts: Mapping[str, Mapping[str, str]]) -> None:
    missing = set(ALL_LANGUAGES) - set(texts)
    if missing:
        raise broken("phrases", f"lacks the languages {', '.join(sorted(missing))}")
    pattern = texts["de"]
    for language, phrases in texts.items():
        differing = set(pattern) ^ set(phrases)
        if differing:
            raise broken(f"phrases/{language}.toml", f"differs from de.toml in {', '.join(sorted(differing))}")
        for key, text in phrases.items():
            if placeholders(text) != placeholders(pattern[key]):
                raise broken(f"phrases/{language}.toml: {key}", "has other placeholders than de.toml")
