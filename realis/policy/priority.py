"""The order in which dispatches are sent, and the deadline of each. Pure decisions."""

from __future__ import annotations

from datetime import datetime, timedelta

from realis.model.alert import Level, Occasion
from realis.model.draft import Content, DraftKind

ENDING_DEADLINE = timedelta(hours=24)
"""How long endings are tried, whatever the warning's own end was."""


def gravity(content: Content) -> int:
    """Return the rank of a dispatch; lower is sent first. A Fehlalarm precedes all, real ones precede exercises."""
    if content.kind is DraftKind.RETRACTION:
        return 0
    rank = 10 * content.level
    if content.kind is DraftKind.ALL_CLEAR:
        rank = 10 * Level.DANGER + 5
    return rank + (0 if content.occasion is Occasion.ERNSTFALL else 100)


EXPIRY_GRAVITY = 400


def deadline(content: Content, now: datetime) -> datetime:
    """Return until when a dispatch of this content is tried (promise 11)."""
    if content.kind.ending is not None or content.expires is None:
        return now + ENDING_DEADLINE
    return content.expires
