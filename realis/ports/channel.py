"""The port to channels, as a Protocol, and the frozen data that crosses it.

No implementation. Times are aware datetimes in UTC; durations name their unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from realis.model.alert import Ending, Level, Occasion
from realis.model.delivery import Outcome
from realis.model.draft import Rendered


class LengthUnit(StrEnum):
    """The unit in which a transport counts the length of a text."""

    UTF16 = "utf16"
    BYTES = "bytes"
    GRAPHEMES = "graphemes"


@dataclass(frozen=True, slots=True)
class ChannelCapabilities:
    """What a channel can carry; ``realis.services.rendering`` shortens texts to it once.

    Args:
        length: units one message may have at most.
        unit: in which the length is counted.
        url_length: the length a link counts as, where it is not its own (Mastodon: 23).
        edits: an update changes what is already shown, so targets come with their ``shown_ref``.
        per_language: False for public accounts, which post the source language with a link.
        concurrency: how many batches of this channel may be in flight at once.
        batch: most targets in one batch.
        public: reaches people who did not join; such channels never carry an Übung.
        geo_targeted: targets are matched by place; False for accounts and feeds, which always match.
        min_interval_s: seconds the service requires between two batches of one account; 0 without a limit.
    """

    length: int
    unit: LengthUnit = LengthUnit.UTF16
    url_length: int | None = None
    edits: bool = False
    per_language: bool = True
    concurrency: int = 1
    batch: int = 500
    public: bool = False
    geo_targeted: bool = False
    min_interval_s: float = 0.0


class MessageKind(StrEnum):
    """The kind of a message for its reader. EXPIRY is sent when a warning ends by itself."""

    ALERT = "alert"
    UPDATE = "update"
    ALL_CLEAR = "all_clear"
    RETRACTION = "retraction"
    EXPIRY = "expiry"

    @property
    def ending(self) -> Ending | None:
        """The ending this kind announces, or None."""
        return {
            "all_clear": Ending.ALL_CLEAR,
            "retraction": Ending.RETRACTED,
            "expiry": Ending.EXPIRED,
        }.get(self.value)


@dataclass(frozen=True, slots=True)
class Message:
    """One dispatch in one language, as passed to a channel. The texts are final: channels never change them.

    Args:
        revision: of the incident's chain, from 1; an expiry carries the revision that ran out.
        sent: when it was issued.
        expires: when the warning ends; None for endings.
        deadline: after this instant nothing of it may be sent any more.
        realert: True may sound and vibrate; False replaces quietly.
        url: the incident's public page.
    """

    incident: UUID
    revision: int
    kind: MessageKind
    occasion: Occasion
    level: Level
    event_code: str
    text: Rendered
    sent: datetime
    expires: datetime | None
    deadline: datetime
    realert: bool
    url: str


@dataclass(frozen=True, slots=True)
class Target:
    """One address on a channel.

    Args:
        id: of the subscription, screen or account.
        address: in the channel's own form (often JSON).
        origin: common to targets that fail together: a push service's origin, an account.
        shown_ref: the reference of the post now shown for this incident, where the channel can edit.
    """

    id: int
    address: str
    language: str
    origin: str = ""
    shown_ref: str | None = None


class Channel(Protocol):
    """A channel. It classifies outcomes; it never retries, waits long, or reads any store."""

    @property
    def name(self) -> str:
        """The name in settings, texts and tables."""
        ...

    @property
    def label(self) -> str:
        """The name operators read, in German."""
        ...

    @property
    def capabilities(self) -> ChannelCapabilities:
        """The limits of its messages and sends."""
        ...

    @property
    def unavailable_reason(self) -> str:
        """Why it cannot send now ("nicht eingerichtet"), or an empty string."""
        ...

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Send to each target; one outcome per target, in order. Never raises for a target's failure."""
        ...

    async def close(self) -> None:
        """Close all sockets. Called once."""
        ...
