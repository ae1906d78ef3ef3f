"""Turns one course file into a ``Course``: cards as clean HTML, a quiz with one right answer per question.

HTML in the file never reaches a page: Markdown-it treats it as text and nh3 keeps a short list of tags.
It must not read files, and never raises anything but ``ConfigurationError`` for what a person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from content.front_matter import CourseFile, read_front_matter, split
from realis.ports.content import Card, Course, Question

CARDS = range(3, 9)
QUESTIONS = range(2, 9)
CHOICES = range(2, 5)
MAX_HEADING = 120
QUIZ = "quiz"
_TAGS = {"p", "br", "ul", "ol", "li", "strong", "em", "blockquote", "h3", "a"}
_CHOICE = re.compile(r"\[([ xX])\]\s+(\S.*)")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(["image", "code", "fence"])


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading of the second rank with what follows it. ``line`` counts from 1 in the file."""

    heading: str
    line: int
    quiz: bool
    tokens: tuple[Token, ...]


def read_course(text: str, *, slug: str, language: str) -> Course:
    """The course a file's text describes. Raises ``ConfigurationError`` naming file and line."""
    file = split(text, f"{slug}/{language}.md")
    head = read_front_matter(file)
    sections = tuple(_sections(file))
    cards = tuple(_card(file, section) for section in sections if not section.quiz)
    quiz = tuple(_question(file, section) for section in sections if section.quiz)
    _check_counts(file, len(cards), len(quiz))
    return Course(
        slug=slug,
        language=language,
        title=head.title,
        summary=head.summary,
        minutes=head.minutes,
        event_codes=head.event_codes,
        cards=cards,
        quiz=quiz,
        key_sentences=head.key_sentences,
        sources=head.sources,
        checked_by=head.checked_by,
    )


def _check_counts(file: CourseFile, cards: int, questions: int) -> None:
    last = file.body_line + file.body.count("\n")
    if cards not in CARDS:
        raise file.complaint(
            last, f"Der Kurs hat {cards} Karten, möglich sind 3 bis 8.", "Eine Karte beginnt mit „## Überschrift“."
        )
    if questions not in QUESTIONS:
        raise file.complaint(
            last,
            f"Das Quiz hat {questions} Fragen, möglich sind 2 bis 8.",
            "Das Quiz beginnt mit „# Quiz“, eine Frage mit „## Frage?“.",
        )


# ---------------------------------------------------------------- sections


def _sections(file: CourseFile) -> Iterator[_Section]:
    tokens = _MARKDOWN.parse(file.body)
    starts = [index for index, token in enumerate(tokens) if _is_heading(token)]
    first = starts[0] if starts else len(tokens)
    if first > 0:
        line = _line(file, tokens[0]) if tokens else file.body_line
        raise file.complaint(line, "Vor der ersten Überschrift steht Text.", "Beginnen Sie mit „## Überschrift“.")
    quiz = False
    for start, end in zip(starts, [*starts, len(tokens)][1:], strict=True):
        if tokens[start].tag == "h1":
            _check_quiz_heading(file, tokens[start:end], again=quiz)
            quiz = True
        else:
            heading, line = _plain(tokens[start + 1]), _line(file, tokens[start])
            if not 0 < len(heading) <= MAX_HEADING:
                raise file.complaint(line, f"Die Überschrift ist leer oder länger als {MAX_HEADING} Zeichen.")
            yield _Section(heading, line, quiz, tuple(tokens[start + 3 : end]))


def _is_heading(token: Token) -> bool:
    return token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2")


def _check_quiz_heading(file: CourseFile, tokens: Sequence[Token], *, again: bool) -> None:
    line = _line(file, tokens[0])
    if _plain(tokens[1]).lower() != QUIZ or again:
        raise file.complaint(line, "Mit einem # beginnt nur das Quiz, und das einmal.", "Karten beginnen mit ##.")
    if len(tokens) > len(("heading_open", "inline", "heading_close")):
        raise file.complaint(_line(file, tokens[3]), "Nach „# Quiz“ muss eine Frage kommen.", "Schreiben Sie ## davor.")


def _line(file: CourseFile, token: Token) -> int:
    return file.body_line + (token.map[0] if token.map else 0)


def _plain(token: Token) -> str:
    """An inline token's words without any marks."""
    parts = (" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or ())
    return " ".join("".join(parts).split())


# ---------------------------------------------------------------- cards


def _card(file: CourseFile, section: _Section) -> Card:
    for token in section.tokens:
        _check_links(file, token)
    raw = _MARKDOWN.renderer.render(section.tokens, _MARKDOWN.options, {})
    html = nh3.clean(raw, tags=_TAGS, attributes={"a": {"href"}, "*": set()}, url_schemes={"https", "tel"}).strip()
    if not html:
        raise file.complaint(section.line, "Die Karte ist leer.", "Schreiben Sie Text unter die Überschrift.")
    return Card(section.heading, html)


def _check_links(file: CourseFile, token: Token) -> None:
    for child in token.children or ():
        if child.type == "link_open" and not str(child.attrs.get("href", "")).startswith(("https://", "tel:")):
            raise file.complaint(
                _line(file, token),
                "Ein Verweis beginnt weder mit https:// noch mit tel:.",
                "Schreiben Sie [Text](https://…) oder [112](tel:112).",
            )


# ---------------------------------------------------------------- quiz


def _question(file: CourseFile, section: _Section) -> Question:
    for token in section.tokens:
        if token.level == 0 and token.nesting >= 0 and token.type not in ("bullet_list_open", "blockquote_open"):
            raise file.complaint(
                _line(file, token),
                "Unter einer Frage stehen nur Antworten und eine Begründung.",
                "Antworten beginnen mit „- [ ]“ oder „- [x]“, die Begründung mit „>“.",
            )
    choices = tuple(_choices(file, section))
    right = [index for index, (ticked, _) in enumerate(choices) if ticked]
    if len(choices) not in CHOICES:
        raise file.complaint(section.line, "Die Frage braucht 2 bis 4 Antworten.", "Schreiben Sie „- [ ] Antwort“.")
    if len(right) != 1:
        raise file.complaint(
            section.line,
            f"Die Frage hat {len(right)} richtige Antworten, nötig ist genau eine.",
            "Die richtige Antwort beginnt mit „- [x]“, jede andere mit „- [ ]“.",
        )
    return Question(section.heading, tuple(words for _, words in choices), right[0], _why(file, section))


def _choices(file: CourseFile, section: _Section) -> Iterator[tuple[bool, str]]:
    for token in _inlines(section, inside="list_item_open"):
        found = _CHOICE.fullmatch(_plain(token))
        if found is None:
            raise file.complaint(
                _line(file, token), "Die Antwort hat nicht die richtige Form.", "Schreiben Sie „- [ ] Antwort“."
            )
        yield found[1] != " ", found[2]


def _why(file: CourseFile, section: _Section) -> str:
    why = " ".join(_plain(token) for token in _inlines(section, inside="blockquote_open"))
    if not why:
        raise file.complaint(section.line, "Die Begründung fehlt.", "Schreiben Sie „> Weil …“ unter die Antworten.")
    return why


def _inlines(section: _Section, *, inside: str) -> Iterator[Token]:
    """The texts directly inside list items, or inside quotes."""
    depth = 0
    for token in section.tokens:
        if token.type == inside or token.type == inside.replace("_open", "_close"):
            depth += token.nesting
        elif token.type == "inline" and depth:
            yield token
