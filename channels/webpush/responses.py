"""The mapping of a push service's response to the outcome of one target. Pure; retries are decided elsewhere."""

from __future__ import annotations

from datetime import datetime

from realis.egress.failures import retry_after_s
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome

_ACCEPTED = frozenset({200, 201, 202, 204})
_TAKEN = Accepted()
_KINDS = {
    400: (FailureKind.REJECTED, "Push-Dienst lehnt die Anfrage ab"),
    401: (FailureKind.AUTH, "Push-Dienst erkennt unseren Schlüssel nicht an"),
    403: (FailureKind.AUTH, "Push-Dienst erkennt unseren Schlüssel nicht an"),
    404: (FailureKind.GONE, "Anmeldung besteht nicht mehr"),
    408: (FailureKind.UNAVAILABLE, "Push-Dienst war zu langsam"),
    410: (FailureKind.GONE, "Anmeldung besteht nicht mehr"),
    413: (FailureKind.TOO_LARGE, "Nachricht zu lang für den Push-Dienst"),
    429: (FailureKind.RATE_LIMITED, "Push-Dienst bittet um Pause"),
}
_WITH_WAIT = frozenset({FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE})


def outcome_of(status: int, retry_after: str, now: datetime) -> Outcome:
    """Return the outcome of an HTTP response (RFC 8030, RFC 8292 and the services' documentation).

    Args:
        retry_after: the header's value, or empty.
    """
    if status in _ACCEPTED:
        return _TAKEN
    kind, words = _KINDS.get(status) or _by_class(status)
    wait_s = retry_after_s(retry_after, now) if kind in _WITH_WAIT else None
    return Failed(kind, f"{words} ({status})", retry_after_s=wait_s)


def for_this_target_only(outcome: Outcome) -> Outcome:
    """Return a denial as one that does not put the whole channel on hold.

    For an unlisted service, and for one phone whose subscription belongs to another key while the service accepts other
    pushes: else a single false subscription would stop all pushes.
    """
    if isinstance(outcome, Failed) and outcome.kind is FailureKind.AUTH:
        return Failed(FailureKind.REJECTED, outcome.detail)
    return outcome


def _by_class(status: int) -> tuple[FailureKind, str]:
    if status >= 500:
        return FailureKind.UNAVAILABLE, "Push-Dienst ist gestört"
    if 300 <= status < 400:
        return FailureKind.REJECTED, "Push-Dienst leitet um; Umleitungen werden nicht befolgt"
    if status < 300:
        return FailureKind.UNKNOWN, "Push-Dienst antwortet unverständlich"
    return FailureKind.REJECTED, "Push-Dienst lehnt die Anfrage ab"
