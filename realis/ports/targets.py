"""The ports of targets and their confirmations, with frozen data. Addresses are stored, never returned."""

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
        fingerprint: a keyed hash of the address, to find it again without decrypting (promise 14).
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
    """The store of subscriptions, screens and accounts."""

    async def put(self, new: NewTarget) -> int:
        """Store or, with the same channel and fingerprint, replace and reactivate a target; returns its id.

        A new target is also planned for the warnings in force at its places, so that it gets the ending (promise 4).
        """
        ...

    async def find(self, channel: str, fingerprint: str) -> TargetRecord | None:
        """The active target with this fingerprint, or None."""
        ...

    async def get(self, target_id: int) -> TargetRecord | None:
        """The active target with this id, or None."""
        ...

    async def remove(self, target_id: int) -> None:
        """Delete a target with its address, places and confirmations; irreversible (promise 14)."""
        ...

    async def list(self, channel: str) -> Sequence[TargetRecord]:
        """All active targets of a channel, for small channels such as screens."""
        ...

    async def seen(self, target_id: int, at: datetime) -> None:
        """Record when the target last sent something."""
        ...

    async def count(self, channel: str) -> int:
        """Return the number of active targets of a channel."""
        ...


@dataclass(frozen=True, slots=True)
class DisplayReport:
    """A target's report that it showed this revision at this time."""

    target_id: int
    incident: UUID
    revision: int
    at: datetime


class Confirmations(Protocol):
    """The store of confirmations: shown, opened, done by hand."""

    async def confirm(self, channel: str, reports: Sequence[DisplayReport]) -> frozenset[DisplayReport]:
        """Record what targets showed and when they were last seen, in one transaction. Idempotent.

        Returns:
            The reports of targets that were planned for the revision; the others are ignored.
        """
        ...
