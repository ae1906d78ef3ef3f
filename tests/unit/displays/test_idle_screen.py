"""The idle words."""

from __future__ import annotations

import json

from content.courses import CourseLibrary
from displays.idle_screen import MAX_SENTENCES, lessons


def test_key_sentences_come_in_turn_from_each_course_and_stay_small() -> None:
    """Every course gets its turn, in each language that has courses, within a few kilobytes."""
    found = lessons(CourseLibrary.load(), ("de", "en", "ar"))
    german = [entry for entry in found if entry.language == "de"]
    assert len({entry.title for entry in german[:3]}) == 3
    assert {entry.language for entry in found} == {"de", "en"}
    assert len(german) <= MAX_SENTENCES
    assert len(json.dumps([entry.sentence for entry in found])) < 8000
