"""Reads the head of a course file: TOML between two lines of ``+++``, every complaint with file and line.

It must not know Markdown, and never raises anything but ``ConfigurationError`` for what a person wrote.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from realis.model.errors import ConfigurationError
from realis.ports.content import Source

FENCE = "+++"
MAX_CHARACTERS = 60_000
MAX_TITLE = 80
MAX_SUMMARY = 200
MAX_MINUTES = 15
MAX_KEY_SENTENCE = 90
KEY_SENTENCES = range(3, 6)
_FIELDS = ("title", "summary", "minutes", "event_codes", "key_sentences", "sources", "checked_by")
_EVENT_CODE = re.compile(r"BBK-EVC-\d{3}")
_ADDRESS = re.compile(r"https://[a-z0-9.-]+\.[a-z]{2,}(/\S*)?")
_TOML_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class CourseFile:
    """A course as written: its name for complaints, the head's lines, and the body with its first line's number."""

    name: str
    head: tuple[str, ...]
    body: str
    body_line: int

    def complaint(self, line: int, problem: str, remedy: str = "") -> ConfigurationError:
        """The error for a line of this file, counted from 1."""
        where = f"{self.name}, Zeile {line}"
        return ConfigurationError(f"{where}: {problem}", where=where, remedy=remedy)

    def about(self, field: str, problem: str, remedy: str = "") -> ConfigurationError:
        """The error for a field of the head, at the line where it stands, else at the head's end."""
        tables = (index for index, text in enumerate(self.head) if text.startswith("[["))
        top = next(tables, len(self.head))  # below it a "title" is a source's, not the course's
        own = re.compile(rf"\s*{re.escape(field)}\b")
        table = re.compile(rf"\s*\[+\s*{re.escape(field)}\b")
        numbers = (
            number
            for number, text in enumerate(self.head, start=2)
            if table.match(text) or (number - 2 < top and own.match(text))
        )
        return self.complaint(next(numbers, len(self.head) + 2), f"„{field}“ {problem}", remedy)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the head says, checked."""

    title: str
    summary: str
    minutes: int
    event_codes: tuple[str, ...]
    key_sentences: tuple[str, ...]
    sources: tuple[Source, ...]
    checked_by: str


def split(text: str, name: str) -> CourseFile:
    """The file in head and body. Raises ``ConfigurationError`` where the two ``+++`` lines are missing."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    file = CourseFile(name, (), "", 1)
    if len(text) > MAX_CHARACTERS:
        raise file.complaint(1, f"Die Datei ist länger als {MAX_CHARACTERS} Zeichen.", "Teilen Sie den Kurs.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise file.complaint(1, "Die Datei ist kein gültiger Text.", "Speichern Sie die Datei als UTF-8.")
    if lines[0].rstrip() != FENCE:
        raise file.complaint(1, "Die erste Zeile muss +++ sein.", "Darunter stehen Titel und Angaben zum Kurs.")
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), None)
    if end is None:
        raise file.complaint(len(lines), "Die zweite Zeile mit +++ fehlt.", "Sie beendet die Angaben zum Kurs.")
    return CourseFile(name, tuple(lines[1:end]), "\n".join(lines[end + 1 :]), end + 2)


def read_front_matter(file: CourseFile) -> FrontMatter:
    """The checked head. Raises ``ConfigurationError`` naming the line of the first thing wrong."""
    table = _parse(file)
    for field in table:
        if field not in _FIELDS:
            raise file.about(field, "ist hier unbekannt.", f"Möglich sind: {', '.join(_FIELDS)}.")
    return FrontMatter(
        title=_text(file, table, "title", most=MAX_TITLE),
        summary=_text(file, table, "summary", most=MAX_SUMMARY),
        minutes=_minutes(file, table),
        event_codes=_event_codes(file, table),
        key_sentences=_key_sentences(file, table),
        sources=_sources(file, table),
        checked_by=_text(file, table, "checked_by", most=MAX_TITLE) if table.get("checked_by") else "",
    )


def _parse(file: CourseFile) -> Mapping[str, object]:
    try:
        return tomllib.loads("\n".join(file.head))
    except RecursionError as error:
        raise file.complaint(2, "Die Angaben sind zu tief verschachtelt.") from error
    except ValueError as error:
        # tomllib tells the line in its message only; a number of 5,000 digits is a plain ValueError without one
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) + 1 if found else len(file.head) + 1
        raise file.complaint(
            line, "Die Angabe ist nicht lesbar.", 'Schreiben Sie: name = "Text", mit beiden Anführungszeichen.'
        ) from error


def _text(file: CourseFile, table: Mapping[str, object], field: str, *, most: int) -> str:
    return _words(file, field, table.get(field), most=most)


def _words(file: CourseFile, field: str, value: object, *, most: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise file.about(field, "fehlt oder ist kein Text.", f'Schreiben Sie: {field} = "…"')
    if len(value) > most:
        raise file.about(field, f"ist länger als {most} Zeichen.", "Kürzen Sie den Text.")
    if not value.isprintable():
        raise file.about(field, "enthält Steuerzeichen oder Zeilenumbrüche.", "Schreiben Sie alles in eine Zeile.")
    return value.strip()


def _minutes(file: CourseFile, table: Mapping[str, object]) -> int:
    minutes = table.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= MAX_MINUTES:
        raise file.about("minutes", f"muss eine Zahl von 1 bis {MAX_MINUTES} sein.", "Schreiben Sie: minutes = 3")
    return minutes


def _list(file: CourseFile, table: Mapping[str, object], field: str) -> list[object]:
    value = table.get(field)
    if not isinstance(value, list) or not value:
        raise file.about(field, "fehlt oder ist keine Liste.", f'Schreiben Sie: {field} = ["…", "…"]')
    return value


def _event_codes(file: CourseFile, table: Mapping[str, object]) -> tuple[str, ...]:
    codes = tuple(str(code) for code in _list(file, table, "event_codes"))
    if not all(_EVENT_CODE.fullmatch(code) for code in codes):
        raise file.about("event_codes", "hat einen Code falscher Form.", 'Schreiben Sie zum Beispiel "BBK-EVC-038".')
    return codes


def _key_sentences(file: CourseFile, table: Mapping[str, object]) -> tuple[str, ...]:
    entries = _list(file, table, "key_sentences")
    if len(entries) not in KEY_SENTENCES:
        raise file.about("key_sentences", "braucht 3 bis 5 Sätze.")
    return tuple(_words(file, "key_sentences", entry, most=MAX_KEY_SENTENCE) for entry in entries)


def _sources(file: CourseFile, table: Mapping[str, object]) -> tuple[Source, ...]:
    return tuple(_source(file, entry) for entry in _list(file, table, "sources"))


def _source(file: CourseFile, entry: object) -> Source:
    if not isinstance(entry, Mapping) or set(entry) != {"title", "url"}:
        raise file.about("sources", "braucht je Eintrag genau title und url.")
    url = _words(file, "sources", entry["url"], most=MAX_SUMMARY)
    if not _ADDRESS.fullmatch(url):
        raise file.about("sources", "hat eine Adresse, die nicht mit https:// beginnt oder unvollständig ist.")
    return Source(_words(file, "sources", entry["title"], most=MAX_SUMMARY), url)
