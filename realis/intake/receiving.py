"""What an intake hands on and what it gets back. Storing is somebody else's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message that came in.

    Args:
        draft: what operators will review; None where the message asks for none (Ack, Error).
        problems: what was wrong with it, one line each.
        repeated: True if the same bytes had come in before; then nothing was changed.
    """

    incident: UUID
    draft: UUID | None
    problems: tuple[str, ...] = ()
    repeated: bool = False


class ReceiveCap(Protocol):
    """Takes a CAP message in: one transaction, idempotent by authority, sender and identifier."""

    async def __call__(self, raw: bytes, authority: str) -> Receipt:
        """Store the message as a witness of its incident, with a draft.

        Raises:
            UnreadableMessage: it cannot be read, or not safely.
            Conflict: other bytes came in before under the same sender and identifier.
        """
        ...
