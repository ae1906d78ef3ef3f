"""Circuit breaker within one batch: once the push service counts as failing, the rest is not sent."""

from __future__ import annotations

from realis.model.delivery import FAILING_AFTER, OF_THE_SERVICE, Accepted, Failed, FailureKind, Outcome


class BatchBreaker:
    """Counts one origin's failures within one batch; ``held`` is the outcome of the targets not tried any more."""

    __slots__ = ("_row", "held")

    def __init__(self) -> None:
        self._row = 0
        self.held: Failed | None = None

    def note(self, outcome: Outcome) -> Outcome:
        """Count an outcome and return it unchanged."""
        # AUTH does not count: subscriptions made with foreign keys must not prevent the others of the batch.
        if isinstance(outcome, Accepted) or outcome.kind not in OF_THE_SERVICE:
            self._row, self.held = 0, None
            return outcome
        self._row += 1
        if self._row >= FAILING_AFTER:
            # Nothing is sent to the targets that follow, so their outcome is a time-out, not an unknown.
            kind = FailureKind.TIMEOUT if outcome.kind is FailureKind.UNKNOWN else outcome.kind
            self.held = Failed(kind, f"nicht versucht: {outcome.detail}", retry_after_s=outcome.retry_after_s)
        return outcome
