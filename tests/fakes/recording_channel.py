"""A way out that writes down what it was given and answers as a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from realis.model.delivery import Accepted, Outcome
from realis.ports.channel import ChannelCapabilities, Message, Target

Answer = Callable[[Message, Target], Outcome]


def accept(_message: Message, _target: Target) -> Outcome:
    """The service takes everything."""
    return Accepted()


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it reached one target."""

    message: Message
    target: Target


class RecordingChannel:
    """``realis.ports.channel.Channel`` in memory.

    ``answer`` decides per target; ``before`` runs inside every send and may hang, raise or look around;
    ``lose`` drops that many outcomes from the answer, as a broken channel would.
    """

    def __init__(self, name: str, capabilities: ChannelCapabilities) -> None:
        self.name = name
        self.label = name.capitalize()
        self.capabilities = capabilities
        self.unavailable_reason = ""
        self.answer: Answer = accept
        self.before: Callable[[Message, Sequence[Target]], None] | None = None
        self.hanging: frozenset[str] = frozenset()
        self.let_go = asyncio.Event()
        self.lose = 0
        self.sent: list[Sent] = []
        self.in_flight = 0

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Write down, then answer as told."""
        self.in_flight += 1
        try:
            if self.before is not None:
                self.before(message, targets)
            if {target.origin for target in targets} & self.hanging:
                await self.let_go.wait()
            self.sent += [Sent(message, target) for target in targets]
            outcomes = [self.answer(message, target) for target in targets]
        finally:
            self.in_flight -= 1
        return outcomes[: len(outcomes) - self.lose]

    async def close(self) -> None:
        """Nothing to give back."""

    def revisions(self, target_id: int) -> list[int]:
        """Which revisions reached a target, in order."""
        return [sent.message.revision for sent in self.sent if sent.target.id == target_id]

    def kinds(self, target_id: int) -> list[str]:
        """Which kinds of message reached a target, in order."""
        return [sent.message.kind.value for sent in self.sent if sent.target.id == target_id]
