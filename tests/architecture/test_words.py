"""Docstrings and comments say what is returned, raised and promised: the share of persons and pictures is bounded.

The rate of each room may only fall. A word counts wherever it stands; a field term that contains one (``ask`` in
``task``, ``house`` in ``warehouse``) does not, because whole words are compared.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = re.compile(
    r"\b(?:"
    # persons without a role in the field
    r"whoever|whom|whomever|nobody|no one|somebody|someone|everybody|everyone|anybody|anyone|one who|those who|we|us"
    # what only persons do
    r"|knock\w*|hears?|heard|wish(?:es|ed)?|believ\w+|walk(?:s|ed|ing)?|tell(?:s|ing)?|told|ask(?:s|ed|ing)?"
    r"|sleep(?:s|ing)?|slept|wants?|wanted|knows?|knew|forgets?|forgot(?:ten)?|remember\w*|speaks?|spoken?|dies?|died"
    r"|lives|judges?|guess\w*|cares?"
    # pictures
    r"|ghosts?|clothes|fair|lottery|doors?|houses?|towns?|strangers?|dead|alive|silenced?|mouths?|(?<!four )eyes?|blind"
    r")\b",
    re.IGNORECASE,
)
# At most so many of these words per 1,000. Rooms are the longest prefix that fits; a figure here may only fall.
MOST_PER_THOUSAND: dict[str, float] = {
    "realis/app": 16,
    "realis/backplane": 2.0,
    "realis/cap": 2.0,
    "realis/cli": 15,
    "realis/console": 19,
    "realis/demo": 4,
    "realis/dispatch": 2.0,
    "realis/egress": 2.0,
    "realis/intake": 2.0,
    "realis/keystore": 2.0,
    "realis/model": 2.0,
    "realis/policy": 2.0,
    "realis/ports": 2.0,
    "realis/services": 2.0,
    "realis/storage": 2.0,
    "realis/web": 19,
    "channels/telegram": 10,
    "channels/webpush": 2.0,
    "realis": 2.0,
    "channels": 2.0,
    "displays": 2.0,
    "mobile_api": 14,
    "content": 14,
}


@dataclass(frozen=True, slots=True)
class _Passage:
    """One docstring or comment and where it begins."""

    path: str
    line: int
    text: str

    @property
    def found(self) -> list[str]:
        return WORDS.findall(self.text)


def _passages_of(path: str, source: str) -> Iterator[_Passage]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield _Passage(path, node.lineno, node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield _Passage(path, token.start[0], token.string.lstrip("# "))


def _room_of(path: str) -> str | None:
    fitting = [room for room in MOST_PER_THOUSAND if path == room or path.startswith(f"{room}/")]
    return max(fitting, key=len, default=None)


def _passages() -> dict[str | None, list[_Passage]]:
    by_room: dict[str | None, list[_Passage]] = {room: [] for room in MOST_PER_THOUSAND}
    for package in ("realis", "channels", "displays", "mobile_api", "content"):
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            by_room.setdefault(_room_of(path), []).extend(_passages_of(path, file.read_text(encoding="utf-8")))
    return by_room


PASSAGES = _passages()


def _rate(passages: list[_Passage]) -> float:
    length = sum(len(passage.text.split()) for passage in passages)
    return 1000 * sum(len(passage.found) for passage in passages) / max(length, 1)


def test_every_module_belongs_to_a_room() -> None:
    """A new folder takes a figure of its own: no docstring is outside the measure."""
    assert sorted({passage.path for passage in PASSAGES.get(None, [])}) == []
    assert [room for room in MOST_PER_THOUSAND if not (ROOT / room).exists()] == []


@pytest.mark.parametrize("room", MOST_PER_THOUSAND)
def test_the_rate_of_a_room_never_rises(room: str) -> None:
    passages = PASSAGES[room]
    worst = sorted((passage for passage in passages if passage.found), key=lambda passage: -len(passage.found))
    report = "\n".join(f"{each.path}:{each.line}: {', '.join(each.found)}" for each in worst[:20])
    assert _rate(passages) <= MOST_PER_THOUSAND[room], f"{_rate(passages):.1f} of 1,000 words\n{report}"


def test_the_measure_counts_persons_and_pictures_and_spares_terms() -> None:
    """Whole words in docstrings and comments count; subscribers, tasks, names and strings do not."""
    source = '"""Whoever was warned hears it; nobody asks."""\nasked = "nobody"  # a subscriber\'s task, listen()\n'
    docstring, comment = _passages_of("made/up.py", source)
    assert docstring.found == ["Whoever", "hears", "nobody", "asks"]
    assert comment.found == []
    assert _rate([docstring, comment]) == pytest.approx(1000 * 4 / 11)
