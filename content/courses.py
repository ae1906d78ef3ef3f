"""The micro-courses that come with REALIS. It must not know who plays them or where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from content.course_reader import read_course
from content.phrases import FALLBACKS
from content.reading import folder
from realis.model.errors import ConfigurationError
from realis.model.languages import ALL_LANGUAGES
from realis.ports.content import Course

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class CourseLibrary:
    """All courses by slug and language. Make one with ``load()``."""

    by_slug: Mapping[str, Mapping[str, Course]]

    @classmethod
    def load(cls, root: Traversable | None = None) -> CourseLibrary:
        """The courses of a folder, by default those that come with REALIS.

        Raises ``ConfigurationError`` naming file and line for the first course that cannot be used.
        """
        folders = sorted((root or folder("courses")).iterdir(), key=lambda entry: entry.name)
        return cls({entry.name: dict(_languages(entry)) for entry in folders if entry.is_dir()})

    def courses(self, language: str) -> Sequence[Course]:
        """All courses in this language, else English, else German."""
        return tuple(course for slug in self.by_slug if (course := self.course(slug, language)))

    def course(self, slug: str, language: str) -> Course | None:
        """One course, in this language, else English, else German."""
        versions = self.by_slug.get(slug, {})
        choices = (language, language.partition("-")[0], *FALLBACKS)
        return next((versions[choice] for choice in choices if choice in versions), None)

    def for_event(self, event_code: str, language: str) -> Course | None:
        """The course that belongs to an event code, or None."""
        return next((course for course in self.courses(language) if event_code in course.event_codes), None)


def _languages(entry: Traversable) -> Iterator[tuple[str, Course]]:
    for source in sorted(entry.iterdir(), key=lambda file: file.name):
        if not source.name.endswith(".md"):
            continue
        language, where = source.name.removesuffix(".md"), f"{entry.name}/{source.name}"
        _check_name(entry.name, language, where)
        yield language, read_course(_text(source, where), slug=entry.name, language=language)


def _check_name(slug: str, language: str, where: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise ConfigurationError(
            f"{where}: Der Ordner darf nur Kleinbuchstaben a–z, Ziffern und Bindestriche haben.", where=where
        )
    if language not in ALL_LANGUAGES:
        remedy = f"Möglich sind: {', '.join(f'{tag}.md' for tag in ALL_LANGUAGES)}."
        raise ConfigurationError(f"{where}: Die Sprache „{language}“ ist unbekannt.", where=where, remedy=remedy)


def _text(source: Traversable, where: str) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = f"{where}, Zeile {line}: Die Datei ist kein gültiger Text."
        raise ConfigurationError(
            problem, where=f"{where}, Zeile {line}", remedy="Speichern Sie die Datei als UTF-8."
        ) from error
