"""Frozen data as JSON text in a column, and back. One adapter per type."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter

from realis.model.alert import Alert
from realis.model.draft import Content, Package, Rendered

T = TypeVar("T")

CONTENT = TypeAdapter(Content)
PACKAGE = TypeAdapter(Package)
ALERT = TypeAdapter(Alert)
RENDERED = TypeAdapter(Rendered)


def to_text(adapter: TypeAdapter[T], value: T) -> str:
    """The value as JSON text."""
    return adapter.dump_json(value).decode()
