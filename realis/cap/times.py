"""CAP's dateTime in both directions (CAP 1.2, 3.3.2). No clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from realis.model.errors import InvalidInput

_TIME = re.compile(
    r"(?P<base>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)(?P<seconds>:\d\d)?(?P<fraction>\.\d+)?"
    r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?"
)
_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_WIDEST_OFFSET = timedelta(hours=14)


class MissingZone(ValueError):
    """A time without a zone, which does not determine an instant."""


def read_time(text: str) -> datetime:
    """Return the instant in a foreign message, aware, to the whole second.

    Raises:
        MissingZone: no zone is given.
        ValueError: the text is not a time.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    zone = match["zone"]
    if not zone:
        raise MissingZone(text)
    offset = "+00:00" if zone in "Zz" else zone
    base = match["base"].upper().replace(" ", "T")
    return datetime.fromisoformat(base + (match["seconds"] or ":00") + offset)


def is_strict(text: str) -> bool:
    """Whether the time is spelled as CAP 1.2 requires; ``+00:00`` for UTC is not."""
    return _STRICT.fullmatch(text) is not None and not text.endswith("+00:00")


def write_time(moment: datetime, field: str) -> str:
    """Return the instant as CAP 1.2 spells it: ``±hh:mm``, UTC as ``-00:00``, cut to whole seconds.

    Raises:
        InvalidInput: the time is naive.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise InvalidInput("field-without-zone", where=field, field=field)
    if abs(offset) > _WIDEST_OFFSET or offset % timedelta(minutes=1):
        moment = moment.astimezone(UTC)
    text = moment.replace(microsecond=0).isoformat()
    return text[:-6] + "-00:00" if text.endswith("+00:00") else text
