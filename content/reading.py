"""Reads the package's own TOML files. It knows nothing of phrases, events or courses."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from realis.model.errors import ConfigurationError

Table = Mapping[str, object]


def folder(name: str) -> Traversable:
    """A folder of package data beside this module."""
    return files("content").joinpath(name)


def read_table(source: Traversable) -> Table:
    """One TOML file. Raises ``ConfigurationError`` that names the file and line."""
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise broken(source.name, f"cannot be read as TOML: {error}") from error


def tables(where: Traversable) -> Iterator[tuple[str, Table]]:
    """Every TOML file of a folder by its stem, in order of names."""
    for source in sorted(where.iterdir(), key=lambda entry: entry.name):
        if source.name.endswith(".toml"):
            yield source.name.removesuffix(".toml"), read_table(source)


def broken(where: str, problem: str) -> ConfigurationError:
    """The error for package data that cannot be used."""
    return ConfigurationError(f"{where} {problem}", where=where, remedy="Mend the file and start again.")


def require_text(value: object, where: str) -> str:
    """The value if it is a text with something in it. Raises ``ConfigurationError`` otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise broken(where, "must be a text that is not empty")
    return value
