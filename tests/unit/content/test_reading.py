"""Package data is read with complaints that name the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from content.reading import read_table, require_text, tables
from realis.model.errors import ConfigurationError


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    """A typing error in a word file tells where it is."""
    file = tmp_path / "xx.toml"
    file.write_text('a = "1"\nb = oops\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"xx\.toml.*line 2"):
        read_table(file)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """Another encoding is a clear error, not wrong letters on a screen."""
    file = tmp_path / "xx.toml"
    file.write_bytes('a = "Übung"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"xx\.toml"):
        read_table(file)


def test_tables_come_by_name_and_other_files_are_left_alone(tmp_path: Path) -> None:
    """Only TOML files count, in order of their names."""
    for name in ("b.toml", "a.toml", "notes.txt"):
        (tmp_path / name).write_text('x = "y"', encoding="utf-8")
    assert [name for name, _ in tables(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("value", [None, "", "  ", 3, ["x"]])
def test_words_must_be_words(value: object) -> None:
    """An empty or foreign value is refused by its place."""
    with pytest.raises(ConfigurationError, match="here"):
        require_text(value, "here")
