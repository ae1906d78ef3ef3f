"""The courses that come with REALIS: short, fair, in German and English, and found in the right language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from content.course_reader import read_course
from content.courses import CourseLibrary
from content.front_matter import MAX_KEY_SENTENCE
from realis.model.errors import ConfigurationError
from realis.ports.content import Course, CourseCatalogue

LIBRARY = CourseLibrary.load()
SLUGS = ("brandrauch", "hochwasser", "stromausfall")
ALL = [course for language in ("de", "en") for course in LIBRARY.courses(language)]
READABLE = range(350, 651)


def name(course: Course) -> str:
    """A course as pytest shows it."""
    return f"{course.slug}-{course.language}"


def words(course: Course) -> int:
    """How many words a person reads who plays the whole course."""
    cards = [f"{card.heading} {re.sub('<[^>]+>', ' ', card.html)}" for card in course.cards]
    quiz = [" ".join((question.text, *question.choices, question.why)) for question in course.quiz]
    return len(" ".join([*cards, *quiz]).split())


def test_the_library_is_a_catalogue() -> None:
    """What the wiring hands around fits the port."""
    catalogue: CourseCatalogue = LIBRARY
    assert [course.slug for course in catalogue.courses("de")] == list(SLUGS)


@pytest.mark.parametrize("course", ALL, ids=name)
def test_a_course_takes_about_three_minutes(course: Course) -> None:
    """Reading and quiz together are 350 to 650 words, on 4 to 6 cards with 4 questions."""
    assert words(course) in READABLE
    assert course.minutes == 3
    assert 4 <= len(course.cards) <= 6
    assert len(course.quiz) == 4


@pytest.mark.parametrize("course", ALL, ids=name)
def test_each_question_has_one_right_answer(course: Course) -> None:
    """One answer is right, it is not always the first, no two answers are alike, and the reason is given."""
    for question in course.quiz:
        assert 0 <= question.right < len(question.choices)
        assert len(set(question.choices)) == len(question.choices)
        assert question.why
    assert len({question.right for question in course.quiz}) > 1


@pytest.mark.parametrize("course", ALL, ids=name)
def test_key_sentences_fit_a_public_screen(course: Course) -> None:
    """Three to five whole sentences, each short enough to read in passing."""
    assert 3 <= len(course.key_sentences) <= 5
    assert all(len(sentence) <= MAX_KEY_SENTENCE for sentence in course.key_sentences)
    assert all(sentence.endswith(".") for sentence in course.key_sentences)


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_teach_the_same(slug: str) -> None:
    """German and English have the same cards, events and right answers."""
    german, english = LIBRARY.by_slug[slug]["de"], LIBRARY.by_slug[slug]["en"]
    assert german.event_codes == english.event_codes
    assert len(german.cards) == len(english.cards)
    assert len(german.key_sentences) == len(english.key_sentences)
    assert [(q.right, len(q.choices)) for q in german.quiz] == [(q.right, len(q.choices)) for q in english.quiz]


def test_courses_say_that_nobody_checked_them() -> None:
    """A course counts as checked only once a person put a name there."""
    assert all(course.checked_by == "" for course in ALL)


@pytest.mark.parametrize(("wanted", "given"), [("de", "de"), ("de-x-ls", "de"), ("tr", "en"), ("xx", "en")])
def test_a_missing_language_falls_back(wanted: str, given: str) -> None:
    """Who reads a language without a course gets the base language, else English."""
    course = LIBRARY.course("hochwasser", wanted)
    assert course is not None
    assert course.language == given


def test_a_course_only_in_german_is_shown_in_german(tmp_path: Path, course_text: str) -> None:
    """German is the last resort."""
    write(tmp_path, "hitze/de.md", course_text)
    library = CourseLibrary.load(tmp_path)
    assert [course.language for course in library.courses("fr")] == ["de"]


def test_courses_are_found_by_event() -> None:
    """A warning finds the course for its event, and none where none fits."""
    course = LIBRARY.for_event("BBK-EVC-063", "en")
    assert course is not None
    assert (course.slug, course.language) == ("stromausfall", "en")
    assert LIBRARY.for_event("BBK-EVC-999", "de") is None
    assert LIBRARY.course("vulkan", "de") is None


def test_a_broken_file_is_named(tmp_path: Path, course_text: str) -> None:
    """The library passes on the reader's complaint about file and line."""
    write(tmp_path, "hitze/de.md", course_text.replace("minutes = 3", "minutes = drei"))
    with pytest.raises(ConfigurationError, match=r"hitze/de\.md, Zeile 4"):
        CourseLibrary.load(tmp_path)


@pytest.mark.parametrize("path", ["Hitze/de.md", "hitze/xx.md", "große-hitze/de.md"])
def test_wrong_names_are_refused(tmp_path: Path, course_text: str, path: str) -> None:
    """A folder that cannot stand in an address, or an unknown language, is refused by name."""
    write(tmp_path, path, course_text)
    with pytest.raises(ConfigurationError, match=path):
        CourseLibrary.load(tmp_path)


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    """A file that is not UTF-8 is named with the line of the first wrong byte."""
    (tmp_path / "hitze").mkdir()
    (tmp_path / "hitze" / "de.md").write_bytes(b"+++\n" + 'title = "Kühl"\n'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"hitze/de\.md, Zeile 2: .*Text"):
        CourseLibrary.load(tmp_path)


def test_other_files_are_left_alone(tmp_path: Path, course_text: str) -> None:
    """Notes beside a course do no harm."""
    write(tmp_path, "hitze/de.md", course_text)
    write(tmp_path, "hitze/notizen.txt", "nur für mich")
    write(tmp_path, "liesmich.md", "x")
    assert list(CourseLibrary.load(tmp_path).by_slug) == ["hitze"]


def test_the_example_in_the_handbook_is_a_course() -> None:
    """What trainers are told to copy works as it stands."""
    page = (Path(__file__).parents[3] / "docs" / "courses.md").read_text(encoding="utf-8")
    example = page.split("```markdown\n")[1].split("\n```")[0]
    assert read_course(example, slug="hitze", language="de").title.startswith("Hitze")


def write(root: Path, path: str, text: str) -> None:
    """One file of a course folder."""
    file = root / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
