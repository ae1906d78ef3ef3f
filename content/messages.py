"""The sentences behind error codes, in the languages of the faces that show them.

Read once from package data and checked then; it must not choose a reader's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from content.phrases import fill, placeholders
from content.reading import Table, broken, folder, require_text, tables
from realis.model.errors import Terms, Value
from realis.ports.content import ErrorText

PATTERN: Final = "de"
"""The language every other one is held against; it has all codes."""

CONSOLE: Final = ("de", "en", "ar")
"""The languages that have all codes; the others have those a citizen can meet."""

_FALLBACKS: Final = ("en", PATTERN)
_TERMS: Final = "terms"
_CHECKED_BY: Final = "checked_by"
_OR: Final = "or"


@dataclass(frozen=True, slots=True)
class Messages:
    """All error texts by language and code. Make one with ``load()``.

    Args:
        texts: unfilled, by language and code.
        terms: names of roles and the like, by language.
        checked_by: who approved a language's texts; empty means not checked.
    """

    texts: Mapping[str, Mapping[str, ErrorText]]
    terms: Mapping[str, Mapping[str, str]]
    checked_by: Mapping[str, str]

    @classmethod
    def load(cls) -> Messages:
        """The texts that come with REALIS. Raises ``ConfigurationError`` if a file does not fit German's."""
        found = dict(tables(folder("messages")))
        texts = {language: dict(_texts(table, language)) for language, table in found.items()}
        terms = {language: dict(_terms(table, language)) for language, table in found.items()}
        _check(texts, terms)
        return cls(texts, terms, {language: str(table.get(_CHECKED_BY, "")) for language, table in found.items()})

    def error_text(self, code: str, values: Mapping[str, Value], language: str) -> ErrorText:
        """The code in this language, filled with the values; in English, then German, where it lacks the code.

        Raises ``KeyError`` for an unknown code or a value that is missing.
        """
        choices = (language, language.partition("-")[0], *_FALLBACKS)
        known = [one for one in choices if code in self.texts.get(one, {})]
        if not known:
            raise KeyError(code)
        chosen = known[0]
        text = self.texts[chosen][code]
        words = {name: self._word(value, chosen) for name, value in values.items()}
        return ErrorText(fill(text.title, words), fill(text.remedy, words), chosen)

    def _word(self, value: Value, language: str) -> str:
        if not isinstance(value, Terms):
            return str(value)
        terms = self.terms[language]
        return f" {terms[_OR]} ".join(terms[name] for name in value.names)


def _texts(table: Table, language: str) -> Iterator[tuple[str, ErrorText]]:
    for code, entry in table.items():
        if code in (_CHECKED_BY, _TERMS):
            continue
        where = f"messages/{language}.toml: {code}"
        if not isinstance(entry, Mapping) or not set(entry) <= {"title", "remedy"}:
            raise broken(where, "must have a title and may have a remedy, nothing else")
        remedy = require_text(entry["remedy"], f"{where}.remedy") if "remedy" in entry else ""
        yield code, ErrorText(require_text(entry.get("title"), f"{where}.title"), remedy, language)


def _terms(table: Table, language: str) -> Iterator[tuple[str, str]]:
    terms = table.get(_TERMS, {})
    if not isinstance(terms, Mapping):
        raise broken(f"messages/{language}.toml: {_TERMS}", "must be a table")
    for name, word in terms.items():
        yield name, require_text(word, f"messages/{language}.toml: {_TERMS}.{name}")


def _check(texts: Mapping[str, Mapping[str, ErrorText]], terms: Mapping[str, Mapping[str, str]]) -> None:
    missing = set(CONSOLE) - set(texts)
    if missing:
        raise broken("messages", f"lacks the languages {', '.join(sorted(missing))}")
    pattern = texts[PATTERN]
    for language, entries in texts.items():
        file = f"messages/{language}.toml"
        lacking = set(pattern) - set(entries) if language in CONSOLE else set()
        differing = (set(entries) - set(pattern)) | lacking
        if differing:
            raise broken(file, f"differs from {PATTERN}.toml in {', '.join(sorted(differing))}")
        if language in CONSOLE and set(terms[language]) != set(terms[PATTERN]):
            raise broken(f"{file}: {_TERMS}", f"differs from {PATTERN}.toml")
        for code, text in entries.items():
            if bool(text.remedy) != bool(pattern[code].remedy) or _names(text) != _names(pattern[code]):
                raise broken(f"{file}: {code}", f"has another remedy or other placeholders than {PATTERN}.toml")


def _names(text: ErrorText) -> tuple[frozenset[str], frozenset[str]]:
    return placeholders(text.title), placeholders(text.remedy)
