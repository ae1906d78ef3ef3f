"""The German sentences in the phone's templates and code, as Babel's extractor finds them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract

import mobile_api

PACKAGE = Path(mobile_api.__file__).parent
TEMPLATES = PACKAGE / "templates"
IN_CODE = ("Warnungen",)
"""Sentences handed to the catalogue by Python (``mobile_api/service_worker.py``)."""

Message = str | tuple[str, str]


def messages() -> tuple[Message, ...]:
    """Every message once: a sentence, or a pair of singular and plural."""
    return tuple(dict.fromkeys([*_in_templates(), *IN_CODE]))


def _in_templates() -> Iterator[Message]:
    for template in sorted(TEMPLATES.rglob("*.*")):
        source = io.BytesIO(template.read_bytes())
        keywords = {"_": None, "ngettext": (1, 2)}
        for _, message, _, _ in extract("jinja2.ext:babel_extract", source, keywords=keywords):
            yield (message[0], message[1]) if isinstance(message, tuple) else message
