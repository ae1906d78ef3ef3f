"""The read models of active alerts and of their delivery, for public interfaces and operators. No implementation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from realis.model.alert import Ending, Level, Occasion
from realis.model.area import Area
from realis.model.delivery import State
from realis.model.draft import Rendered
from realis.model.incident import Viewer
from realis.ports.channel import MessageKind

# ---------------------------------------------------------------- what is in force (read side)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a warning's history."""

    revision: int
    kind: MessageKind
    sent: datetime
    headline: str


@dataclass(frozen=True, slots=True)
class WarningView:
    """A warning as every public interface shows it; made in one place (``realis.services.active_alerts``).

    Args:
        ending: None while in force.
        ended_at: when it ended, if it did.
        texts: by reader's language, for one channel; every supported language is there.
        history: oldest first.
    """

    incident: UUID
    revision: int
    identifier: str
    kind: MessageKind
    occasion: Occasion
    level: Level
    event: str
    event_code: str
    sent: datetime
    onset: datetime | None
    expires: datetime
    source: str
    areas: tuple[Area, ...]
    texts: Mapping[str, Rendered]
    ending: Ending | None = None
    ended_at: datetime | None = None
    history: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The warnings in force at ``as_of``, gravest first, and those ended in the last 24 hours, newest first.

    ``version`` grows with every visible change.
    """

    version: int
    as_of: datetime
    in_force: tuple[WarningView, ...] = ()
    ended: tuple[WarningView, ...] = ()


PAGE = "page"
"""Name of the unbounded texts that web pages, the API and feeds show."""


class ActiveAlerts(Protocol):
    """The only read side of public interfaces (promise 8)."""

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        """Return what is in force and what recently ended, with the texts made for ``channel``."""
        ...

    async def warning(self, incident: UUID, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        """One incident's latest state, in force or ended (however long ago), or None."""
        ...

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        """The signed CAP message with this identifier, byte for byte as issued, or None."""
        ...


# ---------------------------------------------------------------- delivery figures


@dataclass(frozen=True, slots=True)
class ChannelCount:
    """The counts of one channel for one revision. ``states`` add up to ``planned`` once planning is done.

    Args:
        failures: how many targets ended by each kind of failure.
        first_ms, p50_ms, p99_ms, last_ms: milliseconds from the issue until the first, half, 99 % and all of those
            accepted so far were recorded.
        retry_due: when the next of those that are retrying are tried again.
        deadline: until when anything is tried at all.
        problem: why the channel takes no part, or empty.
    """

    channel: str
    incident: UUID
    revision: int
    kind: MessageKind
    planned: int
    states: Mapping[State, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    confirmed: int = 0
    planning_done: bool = False
    first_ms: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    last_ms: float | None = None
    retry_due: datetime | None = None
    deadline: datetime | None = None
    problem: str = ""
