"""Reads the event types a city warns about. It must not know templates or courses beyond their slugs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from content.reading import Table, broken, require_text
from realis.model.alert import Category
from realis.ports.content import EventType

OTHER = "BBK-EVC-999"
"""The event of everything that has no code of its own."""


def read_events(table: Table, languages: Collection[str]) -> tuple[EventType, ...]:
    """The event types of ``events.toml``, in its order. Raises ``ConfigurationError`` for an incomplete one."""
    entries = table.get("event")
    if not isinstance(entries, list):
        raise broken("events.toml", "has no [[event]] entries")
    events = tuple(_event(entry, number, languages) for number, entry in enumerate(entries, start=1))
    codes = [event.code for event in events]
    if len(codes) != len(set(codes)) or OTHER not in codes:
        raise broken("events.toml", f"must name every code once and {OTHER} among them")
    return events


def _event(entry: object, number: int, languages: Collection[str]) -> EventType:
    where = f"events.toml: event {number}"
    if not isinstance(entry, Mapping):
        raise broken(where, "must be a table")
    code = require_text(entry.get("code"), f"{where}: code")
    where = f"events.toml: {code}"
    return EventType(code, _categories(entry, where), _labels(entry, where, languages), str(entry.get("course", "")))


def _categories(entry: Table, where: str) -> tuple[Category, ...]:
    names = entry.get("categories")
    known = {category.value: category for category in Category}
    if not isinstance(names, list) or not names or not all(name in known for name in names):
        raise broken(where, f"needs categories out of {', '.join(known)}")
    return tuple(known[name] for name in names)


def _labels(entry: Table, where: str, languages: Collection[str]) -> dict[str, str]:
    labels = entry.get("labels")
    if not isinstance(labels, Mapping) or set(labels) != set(languages):
        raise broken(where, f"needs one label each for {', '.join(sorted(languages))}")
    return {language: require_text(labels[language], f"{where}: labels.{language}") for language in languages}
