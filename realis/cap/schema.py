"""Whether a message has the structure of CAP 1.2, by our own RELAX NG schema. Says nothing about its sense."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from lxml import etree


@dataclass(frozen=True, slots=True)
class SchemaError:
    """The first place where a message leaves the schema, as the validator words it."""

    line: int
    message: str


def first_error(root: etree._Element) -> SchemaError | None:
    """The first thing that keeps the message from being schema-valid, or None."""
    schema = _schema()
    if schema.validate(root):
        return None
    error = schema.error_log[0]
    return SchemaError(error.line, error.message)


@cache
def _schema() -> etree.RelaxNG:
    source = resources.files("realis.cap").joinpath("cap12.rng").read_bytes()
    return etree.RelaxNG(etree.fromstring(source))
