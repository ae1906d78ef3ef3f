"""Dates and times as an operator types them in the city's zone, and back. Knows the two odd nights a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from realis.model.errors import InvalidInput


def read_local(date: str, time: str, zone: ZoneInfo) -> datetime | None:
    """The instant meant by a date and a time in the zone, in UTC; None if both are empty.

    In the hour that comes twice the later one is meant: a warning must not end too early.

    Raises:
        InvalidInput: not a date or time, only one of both, or a time the clock skips.
    """
    if not date.strip() and not time.strip():
        return None
    try:
        naive = datetime.fromisoformat(f"{date.strip()}T{time.strip()}").replace(tzinfo=None)
    except ValueError:
        raise InvalidInput("time-unreadable") from None
    instant = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != naive:
        raise InvalidInput("time-skipped")
    return instant


def local_parts(when: datetime | None, zone: ZoneInfo) -> tuple[str, str]:
    """The instant as the values of a date and a time field."""
    if when is None:
        return "", ""
    there = when.astimezone(zone)
    return there.strftime("%Y-%m-%d"), there.strftime("%H:%M")


def later(now: datetime, minutes: int) -> datetime:
    """``now`` and some minutes, up to the next five minutes, so that people read a round time."""
    rough = now + timedelta(minutes=minutes)
    extra = -(rough.minute % 5) % 5 if rough.minute % 5 or not (rough.second or rough.microsecond) else 5
    return rough.replace(second=0, microsecond=0) + timedelta(minutes=extra)
