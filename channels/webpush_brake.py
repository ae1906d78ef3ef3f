"""Stops a batch from knocking again and again at a push service that does not open."""

from __future__ import annotations

from realis.delivery import Accepted, Failed, FailureKind, Outcome

AFTER = 8
"""Failures in a row that concern the service, not the phone, before the rest of the batch is spared."""

# Not AUTH: a row of subscriptions made with foreign keys must not keep the others of the batch from being tried.
_OF_THE_SERVICE = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.UNAVAILABLE,
        FailureKind.TIMEOUT,
        FailureKind.UNKNOWN,
    }
)


class Brake:
    """Counts one origin's failures within one batch; ``held`` is what targets not tried any more get.

    ``worked`` says that the origin accepted something in this batch.
    """

    __slots__ = ("_row", "held", "worked")

    def __init__(self) -> None:
        self._row = 0
        self.held: Failed | None = None
        self.worked = False

    def note(self, outcome: Outcome) -> Outcome:
        """Count an outcome and hand it back unchanged."""
        self.worked = self.worked or isinstance(outcome, Accepted)
        if isinstance(outcome, Accepted) or outcome.kind not in _OF_THE_SERVICE:
            self._row, self.held = 0, None
            return outcome
        self._row += 1
        if self._row >= AFTER:
            # Nothing left the house for those that follow, so they are a time-out, not an unknown.
            kind = FailureKind.TIMEOUT if outcome.kind is FailureKind.UNKNOWN else outcome.kind
            self.held = Failed(kind, f"nicht versucht: {outcome.detail}", retry_after_s=outcome.retry_after_s)
        return outcome
