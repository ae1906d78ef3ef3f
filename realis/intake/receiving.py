"""The port of the intake: receiving a message, and the receipt. No implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of receiving a message.

    Args:
        draft: the draft for operators to review; None for a message without one (Ack, Error).
        problems: the findings, one line each.
        repeated: True if the same bytes were received before; then nothing was changed.
    """

    incident: UUID
    draft: UUID | None
    problems: tuple[str, ...] = ()
    repeated: bool = False


class ReceiveCap(Protocol):
    """Receives a CAP message: one transaction, idempotent by authority, sender and identifier."""

    async def __call__(self, raw: bytes, authority: str) -> Receipt:
        """Store the message with its incident and a draft for it.

        Raises:
            UnreadableMessage: it cannot be read, or not safely.
            Conflict: other bytes were received before under the same sender and identifier.
        """
        ...
