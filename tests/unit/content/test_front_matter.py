"""The head of a course file: split off exactly, complaints at the line that is meant."""

from __future__ import annotations

import pytest

from content.front_matter import read_front_matter, split
from realis.model.errors import ConfigurationError


def test_the_body_keeps_its_line_numbers(course_text: str) -> None:
    """The body's first line is counted from the top of the file."""
    file = split(course_text, "hitze/de.md")
    lines = course_text.split("\n")
    assert lines[file.body_line - 1 :] == file.body.split("\n")


def test_a_complaint_about_the_title_is_not_at_a_sources_title(course_text: str) -> None:
    """A source has a title too; the course's own is meant."""
    file = split(course_text.replace('title = "Hitze"\n', ""), "x/de.md")
    assert file.about("title", "fehlt").where == f"x/de.md, Zeile {len(file.head) + 2}"
    assert file.about("sources", "fehlt").where == "x/de.md, Zeile 7"


def test_the_head_is_read(course_text: str) -> None:
    """All fields come out typed; an absent checker is nobody."""
    head = read_front_matter(split(course_text, "x/de.md"))
    assert head.event_codes == ("BBK-EVC-037",)
    assert len(head.key_sentences) == 3
    assert head.checked_by == ""


def test_a_checker_is_kept(course_text: str) -> None:
    """Who checked the course is told on."""
    file = split(course_text.replace("minutes = 3", 'minutes = 3\nchecked_by = "Feuerwehr"'), "x/de.md")
    assert read_front_matter(file).checked_by == "Feuerwehr"


def test_a_complaint_says_what_to_do(course_text: str) -> None:
    """The remedy comes with the complaint."""
    file = split(course_text.replace("minutes = 3", "minutes = 99"), "x/de.md")
    with pytest.raises(ConfigurationError) as caught:
        read_front_matter(file)
    assert caught.value.where == "x/de.md, Zeile 4"
    assert caught.value.remedy == "Schreiben Sie: minutes = 3"
