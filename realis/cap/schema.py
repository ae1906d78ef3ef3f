"""Structural validation against CAP 1.2, with REALIS's own RELAX NG schema. No semantic checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from lxml import etree


@dataclass(frozen=True, slots=True)
class SchemaError:
    """The first violation of the schema, in the validator's words."""

    line: int
    message: str


def first_error(root: etree._Element) -> SchemaError | None:
    """Return the first violation of the schema, or None."""
    schema = _schema()
    if schema.validate(root):
        return None
    error = schema.error_log[0]
    return SchemaError(error.line, error.message)


@cache
def _schema() -> etree.RelaxNG:
    source = resources.files("realis.cap").joinpath("cap12.rng").read_bytes()
    return etree.RelaxNG(etree.fromstring(source))
