"""The course reader: what a trainer writes becomes safe cards and a fair quiz, or a complaint with file and line."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.course_reader import read_course
from realis.model.errors import ConfigurationError
from realis.ports.content import Course, Question
from tests.unit.content.conftest import COURSE

TAGS = {"p", "br", "ul", "ol", "li", "strong", "em", "blockquote", "h3", "a"}
SAFE = re.compile(r"https://|tel:")


def read(text: str) -> Course:
    """The course as the file ``hitze/de.md``."""
    return read_course(text, slug="hitze", language="de")


def foreign_parts(html: str) -> list[str]:
    """Every element, attribute or address in the HTML that a card may not have."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend([tag] if tag not in TAGS else [])
            found.extend(name for name, _ in attrs if tag != "a" or name not in ("href", "rel"))
            found.extend(str(value) for name, value in attrs if name == "href" and not SAFE.match(value or ""))

    Reader().feed(html)
    return found


def line_of(text: str, needle: str) -> int:
    """The number of the first line that holds the needle, counted from 1."""
    return next(number for number, line in enumerate(text.split("\n"), start=1) if needle in line)


def test_a_whole_course_is_read(course_text: str) -> None:
    """Head, cards and quiz come out as written."""
    course = read(course_text)
    assert (course.slug, course.language, course.title, course.minutes) == ("hitze", "de", "Hitze", 3)
    assert [card.heading for card in course.cards] == ["Eins", "Zwei", "Drei"]
    assert course.cards[0].html == "<p>Trinken Sie <strong>Wasser</strong>.</p>"
    assert course.quiz[0] == Question("Wann lüften Sie?", ("Mittags", "Nachts"), 1, "Dann ist es kühler.")
    assert course.quiz[1].why == "Der Körper braucht Wasser."
    assert course.sources[0].title == "Umweltbundesamt"
    assert course.checked_by == ""


def test_windows_files_are_read_too(course_text: str) -> None:
    """Line ends and the mark some editors put first make no difference."""
    assert read("\ufeff" + course_text.replace("\n", "\r\n")) == read(course_text)


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/pixel.png)",
        '[x](https://example.org/ "onmouseover=alert(1)")',
        '<a href="https://example.org" style="position:fixed" onclick="x()">y</a>',
        "<style>body{display:none}</style>",
        "<iframe src=https://example.org></iframe>",
        "```html\n<b>x</b>\n```",
        "    <b>indented</b>",
    ],
)
def test_html_in_a_card_is_cleaned(course_text: str, evil: str) -> None:
    """Nothing a trainer pastes becomes an element, an attribute or an address that acts."""
    html = read(course_text.replace("Trinken Sie **Wasser**.", evil + "\n\nText")).cards[0].html
    assert not foreign_parts(html), html


def test_html_in_plain_fields_stays_text(course_text: str) -> None:
    """Headings and quiz words are plain text; pages escape them as any text."""
    course = read(course_text.replace("## Eins", "## <b>Eins</b>"))
    assert course.cards[0].heading == "<b>Eins</b>"


def test_links_are_kept_and_made_safe(course_text: str) -> None:
    """Addresses with https and telephone numbers work; a page they open learns nothing of ours."""
    html = read(course_text).cards[2].html
    assert '<a href="https://www.bund.de/" rel="noopener noreferrer">hier</a>' in html
    assert 'href="tel:112"' in html


BROKEN = [
    ("- [ ] Mittags", "- [x] Mittags", "## Wann *lüften*", "genau eine"),
    ("- [x] Nachts", "- [ ] Nachts", "## Wann *lüften*", "genau eine"),
    ("- [ ] Mittags\n", "", "## Wann *lüften*", "2 bis 4 Antworten"),
    ("- [x] Nachts", "- (x) Nachts", "- (x) Nachts", "richtige Form"),
    ("- [x] Nachts", "- [x]", "- [x]", "richtige Form"),
    ("> Dann ist es kühler.", "", "## Wann *lüften*", "Begründung fehlt"),
    ("> Dann ist es kühler.", "Dann ist es kühler.", "Dann ist es kühler.", "nur Antworten"),
    ("# Quiz\n", "# Quiz\n\nViel Spaß!\n", "Viel Spaß", "muss eine Frage kommen"),
    ("# Quiz", "# Fragen", "# Fragen", "nur das Quiz"),
    ("## Wann trinken", "# Quiz\n\n## Wann trinken", "# Quiz", "nur das Quiz"),
    ("## Eins\n", "", "Trinken Sie **Wasser**", "Vor der ersten"),
    ("https://www.bund.de/", "http://www.bund.de/", "Mehr [hier]", "Verweis"),
    ("https://www.bund.de/", "/console/", "Mehr [hier]", "Verweis"),
    ("Trinken Sie **Wasser**.", "", "## Eins", "Karte ist leer"),
    ("## Eins", "## " + "x" * 121, "## xxx", "Überschrift"),
    ("minutes = 3", 'minutes = "drei"', "minutes", "minutes"),
    ("minutes = 3", "minutes = true", "minutes", "minutes"),
    ("minutes = 3", "minuten = 3", "minuten", "unbekannt"),
    ("minutes = 3", "minutes 3", "minutes 3", "nicht lesbar"),
    ('title = "Hitze"', "", "+++++", "„title“ fehlt"),
    ('title = "Hitze"', f'title = "{"x" * 81}"', "title", "länger als 80"),
    ('title = "Hitze"', 'title = "a\\nb"', "title", "Steuerzeichen"),
    ('["BBK-EVC-037"]', '["EVC-37"]', "event_codes", "Code"),
    ('["BBK-EVC-037"]', "[]", "event_codes", "Liste"),
    (', "Achten Sie auf andere."', "", "key_sentences", "3 bis 5"),
    ("Trinken Sie genug.", "x" * 91, "key_sentences", "länger als 90"),
    ('url = "https://www.umweltbundesamt.de/"', 'url = "http://x"', "[[sources]]", "https://"),
    ('url = "https://www.umweltbundesamt.de/"', "", "[[sources]]", "title und url"),
]


@pytest.mark.parametrize(("old", "new", "place", "problem"), BROKEN)
def test_a_broken_course_names_file_and_line(old: str, new: str, place: str, problem: str) -> None:
    """Each fault is told with file, line and what is wrong; most say what to write instead."""
    text = COURSE.replace(old, new, 1)
    assert text != COURSE
    with pytest.raises(ConfigurationError, match=problem) as caught:
        read(text)
    number = len(text[: text.index("\n+++\n") + 1].split("\n")) if place == "+++++" else 0
    if place == "# Quiz":
        number = text.split("\n").index("# Quiz", text.split("\n").index("# Quiz") + 1) + 1
    expected = f"hitze/de.md, Zeile {number or line_of(text, place)}"
    assert caught.value.where == expected
    assert caught.value.message.startswith(expected)


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("## Karte", 1), ('+++\ntitle = "x"\n', 3), ("x" * 70_000, 1), ("+++\n\ud800\n+++\n", 1)],
)
def test_what_is_no_course_at_all_is_refused(text: str, line: int) -> None:
    """Missing fences, an endless file and broken characters get their own words."""
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert caught.value.where == f"hitze/de.md, Zeile {line}"


@pytest.mark.parametrize("cards", [0, 2, 9])
def test_too_few_and_too_many_cards_are_refused(cards: int) -> None:
    """A course is a handful of cards."""
    head, rest = COURSE.split("## Eins")
    body = "".join(f"## Karte {number}\n\nText.\n\n" for number in range(cards))
    with pytest.raises(ConfigurationError, match=f"{cards} Karten"):
        read(head + body + "# Quiz" + rest.split("# Quiz")[1])


def test_a_course_without_quiz_is_refused() -> None:
    """A quiz belongs to each course."""
    with pytest.raises(ConfigurationError, match="0 Fragen"):
        read(COURSE.split("# Quiz")[0])


def test_deep_nesting_and_giant_numbers_are_refused() -> None:
    """Input made to break a parser is a complaint like any other."""
    for value in ("[" * 5_000, "9" * 5_000):
        with pytest.raises(ConfigurationError):
            read(COURSE.replace("minutes = 3", f"minutes = {value}"))


PIECES = st.sampled_from(
    ["+++", "# Quiz", "## A", "- [ ] a", "- [x] b", "> weil", "[x]: https://a.de", "***", "<b>", "\t", "| a |", "1. x"]
)
LINES = st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=40).map("\n".join)


@given(st.text())
def test_any_text_is_a_course_or_a_complaint(text: str) -> None:
    """The reader never raises anything but ``ConfigurationError``."""
    try_to_read(text)


@given(LINES)
def test_any_body_is_a_course_or_a_complaint(body: str) -> None:
    """Behind a sound head, too, whatever follows is read or complained about."""
    try_to_read(COURSE.split("## Eins")[0] + body)


@given(LINES)
def test_any_head_is_a_course_or_a_complaint(head: str) -> None:
    """Whatever stands in the head is read or complained about."""
    try_to_read(f"+++\n{head}\n+++\n" + COURSE.split("+++\n")[2])


@given(st.integers(min_value=0, max_value=len(COURSE)), LINES)
def test_any_slip_is_a_course_or_a_complaint(at: int, slip: str) -> None:
    """Something pasted anywhere into a sound course leaves a clean course or a complaint."""
    try_to_read(COURSE[:at] + slip + COURSE[at:])


def try_to_read(text: str) -> None:
    """Read it; what comes out must be clean, what is refused must say where."""
    try:
        course = read(text)
    except ConfigurationError as error:
        where = error.where
    else:
        assert all(0 <= question.right < len(question.choices) for question in course.quiz)
        assert not any(foreign_parts(card.html) for card in course.cards)
        return
    file, _, line = where.rpartition(", Zeile ")
    assert file == "hitze/de.md"
    assert 1 <= int(line) <= text.count("\n") + text.count("\r") + 2
