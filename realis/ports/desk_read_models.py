"""The read models of the desk: frozen views of incidents, releases and the audit trail. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from realis.model.alert import Ending, Level, Occasion
from realis.model.draft import Draft, DraftKind
from realis.model.incident import Revision
from realis.ports.read_models import ChannelCount


class IncidentStage(StrEnum):
    """The stage of an incident, most urgent first for the board."""

    SUBMITTED = "submitted"
    PAUSE = "pause"
    DRAFT = "draft"
    IN_FORCE = "in_force"
    ENDED = "ended"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """One incident on the operators' overview.

    Args:
        draft: the open, submitted or pausing draft, if any.
        revision: the newest issued revision, 0 if none.
        expires: when the newest revision ends, if one is in force.
    """

    incident: UUID
    title: str
    occasion: Occasion
    level: Level
    stage: IncidentStage
    source: str
    updated_at: datetime
    draft: UUID | None = None
    draft_kind: DraftKind | None = None
    revision: int = 0
    expires: datetime | None = None
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One link of the audit chain, for reading. ``actor`` is a pseudonym or the name of a rule."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message received for this incident."""

    authority: str
    sender: str
    identifier: str
    received_at: datetime
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandTask:
    """A text to be carried out by hand, or confirmed with user and time."""

    target_id: int
    incident: UUID
    revision: int
    text: str
    ticked_by: str = ""
    ticked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as the console lists it. ``held_since`` is set while it is on hold (wrong credentials)."""

    name: str
    label: str
    problem: str
    targets: int
    public: bool
    held_since: datetime | None = None
    held_reason: str = ""


@dataclass(frozen=True, slots=True)
class IncidentFile:
    """Everything about one incident, for its page.

    Args:
        drafts: newest first.
        chain: issued revisions, oldest first.
        pending: the release whose pause is running, if any.
    """

    entry: BoardEntry
    drafts: tuple[Draft, ...]
    chain: tuple[Revision, ...]
    counts: tuple[ChannelCount, ...]
    received: tuple[ReceivedMessage, ...]
    hand: tuple[HandTask, ...]
    trail: tuple[AuditLine, ...]
    pending: Release | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A decision to issue: it takes effect at ``due`` unless it is stopped before."""

    draft: UUID
    incident: UUID
    digest: str
    released_by: str
    decided_at: datetime
    due: datetime
