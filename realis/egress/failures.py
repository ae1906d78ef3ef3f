"""The outcome of a delivery whose request had no response, and the reading of ``Retry-After``. Pure; no I/O.

Apart from the client, because the processes that post pushes read ``Retry-After`` and must not load aiohttp.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from realis.model.delivery import Failed, FailureKind

__all__ = ["Blocked", "EgressError", "MaybeSent", "NotSent", "failed", "http_date", "retry_after_s"]

_LONGEST_SECONDS = 9
"""Digits of a delay in seconds that are accepted: thirty years."""


class EgressError(Exception):
    """There was no response. The text is one line without path, keys or message."""


class Blocked(EgressError):
    """The policy forbids this address; nothing was sent."""


class NotSent(EgressError):
    """No connection was established; nothing was sent. ``timed_out`` distinguishes a time-out from a refusal."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class MaybeSent(EgressError):
    """Sending began and no response came: the server may have accepted the request."""


def failed(
    error: EgressError,
    service: str,
    *,
    blocked: FailureKind = FailureKind.AUTH,
    lost: FailureKind = FailureKind.UNKNOWN,
) -> Failed:
    """Return the outcome of a request without a response.

    Args:
        service: the name operators read.
        blocked: AUTH holds the channel until its settings are corrected; REJECTED concerns this one address.
        lost: UNAVAILABLE where a repeat is never shown twice.
    """
    if isinstance(error, Blocked):
        return Failed(blocked, f"{service} ist gesperrt: {error}")
    if isinstance(error, NotSent):
        kind = FailureKind.TIMEOUT if error.timed_out else FailureKind.UNAVAILABLE
        return Failed(kind, f"{service} nicht erreicht: {error}")
    return Failed(lost, f"{service} ohne Antwort: {error}")


def retry_after_s(value: str, now: datetime | None) -> float | None:
    """Return the seconds of a Retry-After in either form (RFC 9110, 10.2.3); None if unreadable.

    Args:
        now: the time a date is compared with; None where it is unknown, so that only seconds can be read.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _LONGEST_SECONDS else None
    until = http_date(value)
    return None if now is None or until is None else max(0.0, (until - now).total_seconds())


def http_date(value: str) -> datetime | None:
    """Return an HTTP date (RFC 9110, 5.6.7), or None."""
    try:
        found = parsedate_to_datetime(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
