"""What the core asks of the outside to work and to send, as Protocols, and the frozen data that crosses those lines.

No implementation lives here. Times are aware datetimes in UTC; durations name their unit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from realis.model.alert import Ending, Level, Occasion
from realis.model.delivery import Outcome
from realis.model.draft import Rendered

# ---------------------------------------------------------------- time


class Clock(Protocol):
    """The only source of time for decisions."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


# ---------------------------------------------------------------- channels


class LengthUnit(StrEnum):
    """How a transport counts a text."""

    UTF16 = "utf16"
    BYTES = "bytes"
    GRAPHEMES = "graphemes"


@dataclass(frozen=True, slots=True)
class ChannelCapabilities:
    """What a channel can carry; ``render`` shortens to it once.

    Args:
        length: most units one message may have.
        unit: how they are counted.
        url_length: what a link counts as, where it is not its own length (Mastodon: 23).
        edits: an update changes what is already shown, so targets come with their ``shown_ref``.
        per_language: False for public accounts, which post the source language with a link.
        concurrency: how many batches of this channel may be in flight at once.
        batch: most targets in one batch.
        public: reaches people who did not join; such channels never carry an Übung.
        geo_targeted: targets are matched by place; False for accounts and feeds, which always match.
        min_interval_s: seconds the service wants between two batches of one account; 0 where it sets no pace.
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
    """What a message is for its reader. EXPIRY is sent when a warning runs out by itself."""

    ALERT = "alert"
    UPDATE = "update"
    ALL_CLEAR = "all_clear"
    RETRACTION = "retraction"
    EXPIRY = "expiry"

    @property
    def ending(self) -> Ending | None:
        """The ending it announces, or None."""
        return {
            "all_clear": Ending.ALL_CLEAR,
            "retraction": Ending.RETRACTED,
            "expiry": Ending.EXPIRED,
        }.get(self.value)


@dataclass(frozen=True, slots=True)
class Message:
    """One dispatch in one language, as a channel gets it. The words are final: channels never rewrite them.

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
        address: what the channel needs to reach it, in the channel's own form (often JSON).
        origin: what targets share that fail together: a push service's origin, an account.
        shown_ref: what the channel shows there now for this incident, where it can edit.
    """

    id: int
    address: str
    language: str
    origin: str = ""
    shown_ref: str | None = None


class Channel(Protocol):
    """A way out. It classifies what happened; it never retries, sleeps long, or reads any store."""

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
        """What it can carry."""
        ...

    @property
    def unavailable_reason(self) -> str:
        """Why it cannot send now ("nicht eingerichtet"), or empty."""
        ...

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Send to each target; one outcome per target, in order. Never raises for a target's failure."""
        ...

    async def close(self) -> None:
        """Give back sockets. Called once."""
        ...


# ---------------------------------------------------------------- live events and wake-ups


class Topic(StrEnum):
    """What can have changed. Events are hints: whoever hears one reads the truth from the store."""

    WORK = "work"
    SITUATION = "situation"
    DELIVERY = "delivery"
    DESK = "desk"
    SCREENS = "screens"


class Events(Protocol):
    """Hints between the parts, in one process or many. Losing all of them costs latency only."""

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Tell everyone who listens; never blocks on a slow listener."""
        ...

    def listen(self, *topics: Topic) -> AsyncIterator[tuple[Topic, str]]:
        """Hints from now on; repeated ones may be merged."""
        ...


# ---------------------------------------------------------------- keys and signatures


class FrameSigner(Protocol):
    """Signs what screens keep: JWS compact, ES256 (RFC 7515, RFC 7518)."""

    def sign(self, payload: bytes) -> str:
        """The payload as a compact JWS. Raises ``SigningFailed``."""
        ...

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """The public key as a JWK with ``kid``, for screens to pin."""
        ...


class CapSigner(Protocol):
    """Signs outgoing CAP XML (enveloped XML-DSig)."""

    def sign(self, xml: bytes) -> bytes:
        """The message with its signature. Raises ``SigningFailed``."""
        ...


class Vapid(Protocol):
    """The application server's identity towards push services (RFC 8292)."""

    @property
    def public_key(self) -> str:
        """The uncompressed P-256 point as base64url without padding, for ``subscribe()``."""
        ...

    def authorization(self, origin: str, now: datetime) -> str:
        """The Authorization header for a push service's origin; one token per origin and hour."""
        ...
