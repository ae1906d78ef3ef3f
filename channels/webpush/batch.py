"""One ``send`` of the push channel: the data its targets share, and their outcomes. Pure; it must not send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from channels.webpush.batch_breaker import BatchBreaker
from channels.webpush.encryption import MAX_PLAINTEXT, padded
from channels.webpush.ipc import Job, Route
from channels.webpush.payload import payload, reduced
from channels.webpush.responses import for_this_target_only
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.ports.channel import Message, Target

BEGIN_WITHIN_S = 80.0
"""How long after its start a ``send`` may begin pushes: all must end within the claim's time to send."""

_NOT_TRIED = Failed(FailureKind.UNAVAILABLE, "nicht gesendet")


@dataclass(slots=True)
class Batch:
    """The data all targets of one ``send`` share, and their outcomes.

    Args:
        begun: when the ``send`` began.
        now: when this round of it began.
        routes: each origin's headers, or the failure of all its targets.
    """

    message: Message
    record: bytes
    begun: datetime
    targets: Sequence[Target]
    now: datetime = field(init=False)
    outcomes: list[Outcome] = field(init=False)
    routes: dict[str, Route | Failed] = field(default_factory=dict)
    brakes: dict[str, BatchBreaker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.begun
        self.outcomes = [_NOT_TRIED] * len(self.targets)

    def left_s(self, at: datetime) -> float:
        """Seconds in which pushes of it may still begin; targets not begun by then are retried later."""
        deadline_s = (self.message.deadline - at).total_seconds()
        return min(deadline_s, BEGIN_WITHIN_S - (at - self.begun).total_seconds())

    def too_large(self) -> list[int]:
        """The indexes of the targets whose service answered 413."""
        return [
            index
            for index, outcome in enumerate(self.outcomes)
            if isinstance(outcome, Failed) and outcome.kind is FailureKind.TOO_LARGE
        ]


def records(message: Message) -> list[bytes]:
    """Return the padded plaintext, and a reduced one for a service that answers 413: the largest of a smaller size.

    Empty if not even the most reduced message fits a push.
    """
    fitting = [padded(plain) for plain in map(payload, reduced(message)) if len(plain) <= MAX_PLAINTEXT]
    return [*fitting[:1], *[record for record in fitting if len(record) < len(fitting[0])][:1]]


def resolved(job: Job, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return the outcomes, where a denial by a service that accepted other pushes concerns its target only."""
    if not any(isinstance(outcome, Failed) and outcome.kind is FailureKind.AUTH for outcome in outcomes):
        return outcomes
    working = {
        route for (route, _), outcome in zip(job.targets, outcomes, strict=True) if isinstance(outcome, Accepted)
    }
    return [
        for_this_target_only(outcome) if route in working else outcome
        for (route, _), outcome in zip(job.targets, outcomes, strict=True)
    ]
