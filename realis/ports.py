"""What the core asks of the outside, as Protocols, and the frozen data that crosses those lines.

No implementation lives here. Times are aware datetimes in UTC; durations name their unit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from realis.alert import Category, Ending, Level, Occasion
from realis.area import Area
from realis.delivery import Outcome, State
from realis.draft import DraftKind, Rendered
from realis.incident import Viewer
from realis.release import Actor, Role

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
class Limits:
    """What a channel can carry; ``render`` shortens to it once.

    Args:
        length: most units one message may have.
        unit: how they are counted.
        url_length: what a link counts as, where it is not its own length (Mastodon: 23).
        edits: an update changes what is already shown, so targets come with their ``shown_ref``.
        per_language: False for public accounts, which post the source language with a link.
        lanes: how many batches of this channel may be in flight at once.
        batch: most targets in one batch.
        public: reaches people who did not join; such channels never carry an Übung.
        by_place: targets are matched by place; False for accounts and feeds, which always match.
        pace_s: seconds the service wants between two batches of one account; 0 where it sets no pace.
    """

    length: int
    unit: LengthUnit = LengthUnit.UTF16
    url_length: int | None = None
    edits: bool = False
    per_language: bool = True
    lanes: int = 1
    batch: int = 500
    public: bool = False
    by_place: bool = False
    pace_s: float = 0.0


class Kind(StrEnum):
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
    kind: Kind
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
    def limits(self) -> Limits:
        """What it can carry."""
        ...

    @property
    def problem(self) -> str:
        """Why it cannot send now ("nicht eingerichtet"), or empty."""
        ...

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Send to each target; one outcome per target, in order. Never raises for a target's failure."""
        ...

    async def close(self) -> None:
        """Give back sockets. Called once."""
        ...


# ---------------------------------------------------------------- what is in force (read side)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a warning's history."""

    revision: int
    kind: Kind
    sent: datetime
    headline: str


@dataclass(frozen=True, slots=True)
class WarningView:
    """A warning as every public face shows it; made in one place (``realis.situation``).

    Args:
        ending: None while in force.
        ended_at: when it ended, if it did.
        texts: by reader's language, for one channel; every supported language is there.
        history: oldest first.
    """

    incident: UUID
    revision: int
    identifier: str
    kind: Kind
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
    """What was in force at ``as_of``, gravest first, and what ended in the last 24 hours, newest first.

    ``version`` grows with every change a viewer could notice.
    """

    version: int
    as_of: datetime
    in_force: tuple[WarningView, ...] = ()
    ended: tuple[WarningView, ...] = ()


PAGE = "page"
"""Name of the unbounded texts that web pages, the API and feeds show."""


class Situation(Protocol):
    """The one read side for everything the public sees."""

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        """What is in force and what recently ended, with the texts made for ``channel``."""
        ...

    async def warning(self, incident: UUID, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        """One incident's latest state, in force or ended (however long ago), or None."""
        ...

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        """The signed CAP message with this identifier, byte for byte as issued, or None."""
        ...


# ---------------------------------------------------------------- targets and what people send back


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
class Report:
    """A target says that it showed this revision at this time."""

    target_id: int
    incident: UUID
    revision: int
    at: datetime


class Confirmations(Protocol):
    """What targets report back: shown, opened, ticked by hand."""

    async def confirm(self, channel: str, reports: Sequence[Report]) -> frozenset[Report]:
        """Note what targets showed, and that they were heard of, in one write. Idempotent.

        Returns:
            Those that were planned for what they showed; of the others nothing is noted.
        """
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


# ---------------------------------------------------------------- content


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event a city warns about.

    Args:
        code: BBK event code, for example BBK-EVC-038.
        labels: the event's name by language.
        course: slug of the course that belongs to it, or empty.
    """

    code: str
    categories: tuple[Category, ...]
    labels: Mapping[str, str]
    course: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Ready-made words for an event in one language, for an operator to start from."""

    headline: str
    description: str
    instruction: str
    checked_by: str = ""


class Phrases(Protocol):
    """The fixed words around a warning, by language; falls back to English, then German."""

    def phrase(self, key: str, language: str, /, **values: str) -> str:
        """One fixed phrase; raises KeyError for a key nobody wrote."""
        ...

    def events(self) -> Sequence[EventType]:
        """All event types, in the order operators see them."""
        ...

    def event(self, code: str) -> EventType | None:
        """One event type by its code."""
        ...

    def template(self, code: str, kind: DraftKind, language: str) -> Template | None:
        """Ready-made words, or None where there are none in this language."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A quiz question with one right answer (index into ``choices``) and why."""

    text: str
    choices: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """One page of a course: a heading and clean HTML."""

    heading: str
    html: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a course's facts come from."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Course:
    """A micro-course in one language. ``key_sentences`` are what an idle screen shows."""

    slug: str
    language: str
    title: str
    summary: str
    minutes: int
    event_codes: tuple[str, ...]
    cards: tuple[Card, ...]
    quiz: tuple[Question, ...]
    key_sentences: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    checked_by: str = ""


class CourseCatalogue(Protocol):
    """The courses there are."""

    def courses(self, language: str) -> Sequence[Course]:
        """All courses in this language, else English, else German."""
        ...

    def course(self, slug: str, language: str) -> Course | None:
        """One course, in this language, else English, else German."""
        ...

    def for_event(self, event_code: str, language: str) -> Course | None:
        """The course that belongs to an event code, or None."""
        ...


# ---------------------------------------------------------------- places


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the city people and operators choose by name.

    Args:
        approximate: True where the circle only roughly stands for the real outline; shown as such.
    """

    id: str
    name: str
    lat: float
    lon: float
    radius_km: float
    approximate: bool = True


@dataclass(frozen=True, slots=True)
class City:
    """The city this installation serves; nothing in the code knows which."""

    name: str
    authority: str
    time_zone: str
    public_url: str
    gateway_url: str
    languages: tuple[str, ...]
    places: tuple[Place, ...] = ()
    demo: bool = False
    contact: str = ""

    def place(self, place_id: str) -> Place | None:
        """One place by its id."""
        return next((place for place in self.places if place.id == place_id), None)


# ---------------------------------------------------------------- people and tokens


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who works at the desk. The audit trail knows the pseudonym only."""

    id: str
    name: str
    pseudonym: str
    roles: frozenset[Role]
    active: bool = True
    must_change_password: bool = False

    @property
    def actor(self) -> Actor:
        """This user as the desk's use cases see them."""
        return Actor(self.id, self.pseudonym, self.roles)


class Users(Protocol):
    """Where the desk's people are kept. Passwords arrive hashed (Argon2id)."""

    async def add(self, name: str, roles: frozenset[Role], *, password_hash: str, must_change: bool) -> User:
        """Store a new user. Raises ``Conflict`` if the name is taken."""
        ...

    async def get(self, user_id: str) -> User | None:
        """An active user by id."""
        ...

    async def credentials(self, name: str) -> tuple[User, str] | None:
        """An active user and their password hash by login name."""
        ...

    async def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None:
        """Replace the hash and end all of the user's sessions."""
        ...

    async def set_roles(self, user_id: str, roles: frozenset[Role]) -> None:
        """Replace the roles."""
        ...

    async def deactivate(self, user_id: str) -> None:
        """Bar the user and end all of their sessions; the pseudonym stays in the audit trail."""
        ...

    async def list(self) -> Sequence[User]:
        """All users, active or not, by name."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A browser's login. ``csrf`` is the token its forms must carry."""

    user: User
    csrf: str
    expires_at: datetime


class Sessions(Protocol):
    """Server-side sessions; only a hash of the cookie is stored."""

    async def create(self, token_hash: str, user_id: str, *, csrf: str, now: datetime, expires_at: datetime) -> None:
        """Store a new session, and forget those of everybody that have expired."""
        ...

    async def get(self, token_hash: str, now: datetime) -> SessionRecord | None:
        """A session that has not expired, of an active user."""
        ...

    async def delete(self, token_hash: str) -> None:
        """End one session."""
        ...


class TokenKind(StrEnum):
    """What a bearer token is for."""

    AUTHORITY = "authority"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A bearer token without its secret. ``label`` names the authority or screen."""

    id: int
    kind: TokenKind
    label: str
    target_id: int | None = None


class Tokens(Protocol):
    """Bearer tokens of authorities and screens; only hashes are stored."""

    async def add(self, kind: TokenKind, label: str, *, token_hash: str, target_id: int | None = None) -> TokenRecord:
        """Store a new token."""
        ...

    async def find(self, kind: TokenKind, token_hash: str) -> TokenRecord | None:
        """The token with this hash, unless revoked."""
        ...

    async def revoke(self, token_id: int) -> None:
        """Make a token useless for good."""
        ...


# ---------------------------------------------------------------- delivery figures


@dataclass(frozen=True, slots=True)
class ChannelCount:
    """How one channel stands for one revision. Sums of ``states`` equal ``planned`` once planning is done.

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
    kind: Kind
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
