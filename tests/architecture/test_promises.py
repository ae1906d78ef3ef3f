"""The numbered promises of ``docs/delivery.md``: each names tests that exist, and code names only listed ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "delivery.md"
COUNT = 14
MENTION = re.compile(r"\bpromises?\s+(\d+(?:(?:\s*,\s*|\s+and\s+|\s+to\s+)\d+)*)", re.IGNORECASE)


@cache
def _promises() -> dict[int, str]:
    section = LIST.read_text(encoding="utf-8").partition("\n## Promises\n")[2].partition("\n## ")[0]
    entries = re.split(r"^(\d+)\. ", section, flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(entries[::2], entries[1::2], strict=True)}


def _tests_of(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


def _mentions(text: str) -> Iterator[int]:
    for mention in MENTION.finditer(text):
        yield from map(int, re.findall(r"\d+", mention.group(1)))


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_the_list_is_complete_and_in_order() -> None:
    assert list(_promises()) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_the_tests_of_a_promise_exist(number: int) -> None:
    named = _tests_of(_promises()[number])
    assert named, "a promise without a test"
    assert [f"{path}::{name}" for path, name in named if name not in _functions(path)] == []


def test_every_number_in_code_and_docs_is_in_the_list() -> None:
    files = [
        file
        for place in ("realis", "channels", "displays", "mobile_api", "content", "tests", "docs")
        for file in (ROOT / place).rglob("*")
        if file.suffix in {".py", ".md"}
    ]
    found = {
        (file.relative_to(ROOT).as_posix(), number)
        for file in files
        if file != Path(__file__)
        for number in _mentions(file.read_text(encoding="utf-8"))
    }
    assert {("realis/policy/audience.py", 4), ("tests/acceptance/test_killed.py", 1)} <= found
    assert sorted((file, number) for file, number in found if number not in _promises()) == []


def test_mentions_are_read_in_all_their_forms() -> None:
    """One, several and ranges, also across a line break; other uses of the word are none."""
    assert list(_mentions("(promise 3); Promises 1 to 5, 10 and 11; promise\n    4")) == [3, 1, 5, 10, 11, 4]
    assert list(_mentions("the promises of the ledger; a Promise 'x'")) == []
