"""The content of a screen while no warning is in force: the city's name and key sentences of its courses.

Unsigned and small; nothing here may ever look like a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from realis.ports.content import CourseCatalogue
from realis.ports.installation import City

MAX_SENTENCES = 12
"""Sentences per language at most, so that the idle content stays a few kilobytes."""

MAX_SENTENCE_CHARS = 240


@dataclass(frozen=True, slots=True)
class Lesson:
    """One key sentence and the course it comes from."""

    language: str
    title: str
    sentence: str


def lessons(courses: CourseCatalogue, languages: tuple[str, ...]) -> tuple[Lesson, ...]:
    """Return key sentences by language, in turn from each course, so that every topic is represented."""
    return tuple(lesson for language in languages for lesson in _in_language(courses, language)[:MAX_SENTENCES])


def _in_language(courses: CourseCatalogue, language: str) -> list[Lesson]:
    own = [course for course in courses.courses(language) if course.language == language]
    longest = max((len(course.key_sentences) for course in own), default=0)
    return [
        Lesson(language, course.title, course.key_sentences[turn])
        for turn in range(longest)
        for course in own
        if turn < len(course.key_sentences) and len(course.key_sentences[turn]) <= MAX_SENTENCE_CHARS
    ]


def idle_content(city: City, courses: CourseCatalogue) -> dict[str, object]:
    """Return the idle content for ``config.json`` and ``welcome``."""
    found = lessons(courses, city.languages)
    return {
        "city": city.name,
        "authority": city.authority,
        "time_zone": city.time_zone,
        "lessons": [{"lang": entry.language, "title": entry.title, "text": entry.sentence} for entry in found],
    }
