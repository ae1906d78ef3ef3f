"""Who can be reached, and what they send back: Protocols and their frozen data. Addresses go in, never out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewTarget:
    """A subscription, screen or account to be stored.

    Args:
        address: stored encrypted, in a table of its own.
        fingerprint: a keyed hash of what makes the address unique, to find it again without decrypting.
        places: H3 resolution-8 cells; empty with ``everywhere`` means it matches any area.
        joined: takes part in exercises.
    """

    channel: str
    address: str
    fingerprint: str
    language: str
    origin: str = ""
    places: frozenset[str] = frozenset()
    everywhere: bool = False
    joined: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A stored target without its address."""

    id: int
    channel: str
    language: str
    joined: bool
    active: bool
    places: frozenset[str] = frozenset()
    everywhere: bool = False
    label: str = ""
    last_seen: datetime | None = None


class Targets(Protocol):
    """Where subscriptions, screens and accounts are kept."""

    async def put(self, new: NewTarget) -> int:
        """Store or, with the same channel and fingerprint, replace a target and reactivate it; its id.

        A new target is also enrolled in what is in force for its places, so that it gets the ending.
        """
        ...

    async def find(self, channel: str, fingerprint: str) -> TargetRecord | None:
        """The active target with this fingerprint, or None."""
        ...

    async def get(self, target_id: int) -> TargetRecord | None:
        """The active target with this id, or None."""
        ...

    async def remove(self, target_id: int) -> None:
        """Delete a target with its address and places for good."""
        ...

    async def list(self, channel: str) -> Sequence[TargetRecord]:
        """All active targets of a channel, for small channels such as screens."""
        ...

    async def seen(self, target_id: int, at: datetime) -> None:
        """Note that the target was heard of."""
        ...

    async def count(self, channel: str) -> int:
        """How many active targets a channel has."""
        ...


@dataclass(frozen=True, slots=True)
class DisplayReport:
    """A target says that it showed this revision at this time."""

    target_id: int
    incident: UUID
    revision: int
    at: datetime


class Confirmations(Protocol):
    """What targets report back: shown, opened, ticked by hand."""

    async def confirm(self, channel: str, reports: Sequence[DisplayReport]) -> frozenset[DisplayReport]:
        """Note what targets showed, and that they were heard of, in one write. Idempotent.

        Returns:
            Those that were planned for what they showed; of the others nothing is noted.
        """
        ...
