"""Words, events and courses a city is equipped with: Protocols and their frozen data. No files are read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from realis.model.alert import Category
from realis.model.draft import DraftKind
from realis.model.errors import Value


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event a city warns about.

    Args:
        code: BBK event code, for example BBK-EVC-038.
        labels: the event's name by language.
        course: slug of the course that belongs to it, or empty.
    """

    code: str
    categories: tuple[Category, ...]
    labels: Mapping[str, str]
    course: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A ready-made text for an event in one language, which a draft is prefilled from."""

    headline: str
    description: str
    instruction: str
    checked_by: str = ""


class Phrases(Protocol):
    """The fixed phrases around a warning, by language; falls back to English, then German."""

    def phrase(self, key: str, language: str, /, **values: str) -> str:
        """Return one fixed phrase; raises ``KeyError`` for an unknown key."""
        ...

    def events(self) -> Sequence[EventType]:
        """All event types, in the order operators see them."""
        ...

    def event(self, code: str) -> EventType | None:
        """One event type by its code."""
        ...

    def template(self, code: str, kind: DraftKind, language: str) -> Template | None:
        """Ready-made words, or None where there are none in this language."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A quiz question with one right answer (index into ``choices``) and why."""

    text: str
    choices: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """One page of a course: a heading and clean HTML."""

    heading: str
    html: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a course's facts come from."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Course:
    """A micro-course in one language. ``key_sentences`` are what an idle screen shows."""

    slug: str
    language: str
    title: str
    summary: str
    minutes: int
    event_codes: tuple[str, ...]
    cards: tuple[Card, ...]
    quiz: tuple[Question, ...]
    key_sentences: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    checked_by: str = ""


class CourseCatalogue(Protocol):
    """The courses there are."""

    def courses(self, language: str) -> Sequence[Course]:
        """All courses in this language, else English, else German."""
        ...

    def course(self, slug: str, language: str) -> Course | None:
        """One course, in this language, else English, else German."""
        ...

    def for_event(self, event_code: str, language: str) -> Course | None:
        """The course that belongs to an event code, or None."""
        ...


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What an error means and what to do about it, in one language."""

    title: str
    remedy: str = ""
    language: str = "de"

    def __str__(self) -> str:
        return " ".join(part for part in (self.title, self.remedy) if part)


class ErrorMessages(Protocol):
    """The sentences behind the codes of ``realis.model.errors``, by language."""

    def error_text(self, code: str, values: Mapping[str, Value], language: str) -> ErrorText:
        """The code in this language, filled with the values; in English, then German, where it lacks the code.

        Raises ``KeyError`` for an unknown code or a value that is missing.
        """
        ...
