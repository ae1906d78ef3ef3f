"""The event types: each with labels, categories and, where it fits, a course."""

from __future__ import annotations

import pytest

from content.courses import CourseLibrary
from content.events import OTHER, read_events
from content.phrases import PhraseBook
from realis.model.errors import ConfigurationError
from realis.model.languages import ALL_LANGUAGES
from realis.ports.content import EventType

BOOK = PhraseBook.load()
NEEDED = ["038", "034", "010", "063", "069", "012", "027", "029", "009", "044", "050", "062", "064", "999"]


@pytest.mark.parametrize("number", NEEDED)
def test_the_needed_events_are_there(number: str) -> None:
    """Every event a city meets can be chosen by its BBK code."""
    event = BOOK.event(f"BBK-EVC-{number}")
    assert event is not None
    assert event.categories


@pytest.mark.parametrize("event", BOOK.events(), ids=lambda event: event.code)
def test_no_event_without_labels(event: EventType) -> None:
    """Each event has a name in each language."""
    assert set(event.labels) == set(ALL_LANGUAGES)
    assert all(label.strip() for label in event.labels.values())


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_no_two_events_share_a_label(language: str) -> None:
    """An operator and a reader can tell any two events apart."""
    labels = [event.labels[language] for event in BOOK.events()]
    assert len(labels) == len(set(labels))


def test_events_and_courses_name_each_other() -> None:
    """The course an event names is the one found for its code, and no course names an unknown event."""
    library = CourseLibrary.load()
    for event in BOOK.events():
        found = library.for_event(event.code, "de")
        assert (found.slug if found else "") == event.course, event.code
    codes = {code for course in library.courses("de") for code in course.event_codes}
    assert codes <= {event.code for event in BOOK.events()}


def test_unknown_codes_have_no_event() -> None:
    """A foreign code is no event of ours."""
    assert BOOK.event("BBK-EVC-000") is None


def entry(**changes: object) -> dict[str, object]:
    """An event as written in the file, with changes."""
    return {"code": OTHER, "categories": ["Other"], "labels": {"de": "Sonstiges"}} | changes


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, "no \\[\\[event\\]\\]"),
        ({"event": ["x"]}, "event 1"),
        ({"event": [entry(code="")]}, "event 1: code"),
        ({"event": [entry(categories=["Flood"])]}, "categories"),
        ({"event": [entry(labels={})]}, "label"),
        ({"event": [entry(labels={"de": " "})]}, "labels.de"),
        ({"event": [entry(), entry()]}, "once"),
        ({"event": [entry(code="BBK-EVC-001")]}, OTHER),
    ],
)
def test_a_broken_event_file_is_refused(table: dict[str, object], complaint: str) -> None:
    """What is missing is named."""
    with pytest.raises(ConfigurationError, match=complaint):
        read_events(table, ("de",))
