"""The phone's face on in-memory ports: a situation one can change, targets in a dict, everything else real."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

import mobile_api
from channels.webpush.subscription import parse_subscription
from content.courses import CourseLibrary
from content.messages import Messages
from content.phrases import PhraseBook
from realis.egress.policy import PublicOnly
from realis.model.alert import Ending, Level, Occasion
from realis.model.area import Area, Circle
from realis.model.draft import Content, DraftKind, LanguageText, Variant
from realis.model.incident import Viewer
from realis.model.languages import INTERFACE_LANGUAGES as LANGUAGES
from realis.ports.channel import MessageKind
from realis.ports.installation import City, Place
from realis.ports.read_models import PAGE, Snapshot, Step, WarningView
from realis.ports.targets import NewTarget, TargetRecord
from realis.services.rendering import Renderer
from realis.web import compression, problem, security
from realis.web.assets import Assets, package_root
from realis.web.pages import Pages

VAPID_KEY = "BKp1MpvxoeepLy4UfV-szdZLGzzSM6ZDjHhrcxKqwo8ap8FmO1yZi4R8BSMQ83V8OpnV2v4uJZKiz__w03pWWjY"
INCIDENT = UUID("01930000-0000-7000-8000-000000000001")
PLACES = (
    Place("mitte", "Siegen-Mitte", 50.8749, 8.0243, 1.4),
    Place("weidenau", "Weidenau", 50.8936, 8.0285, 1.3),
    Place("geisweid", "Geisweid", 50.9170, 8.0240, 1.5),
    Place("eiserfeld", "Eiserfeld", 50.8440, 7.9920, 1.5),
    Place("kaan", "Kaan-Marienborn", 50.8700, 8.0600, 1.4),
)
CITY = City(
    name="Siegen",
    authority="Universitätsstadt Siegen, Feuerwehr und Bevölkerungsschutz",
    time_zone="Europe/Berlin",
    public_url="https://warnung.example",
    gateway_url="wss://warnung.example/ws",
    languages=LANGUAGES,
    places=PLACES,
    contact="barrierefrei@warnung.example",
)


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        """Where the hands stand."""
        return self.time


@dataclass
class SituationInMemory:
    """What is in force, set by the test. ``uebung`` warnings are for viewers who joined only."""

    as_of: datetime
    version: int = 1
    in_force: tuple[WarningView, ...] = ()
    ended: tuple[WarningView, ...] = ()

    def show(self, in_force: Sequence[WarningView] = (), ended: Sequence[WarningView] = ()) -> None:
        """Replace everything, as a new version."""
        self.version += 1
        self.in_force, self.ended = tuple(in_force), tuple(ended)

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        """What this viewer may see."""
        return Snapshot(self.version, self.as_of, _seen(self.in_force, viewer), _seen(self.ended, viewer))

    async def warning(self, incident: UUID, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        """One incident, in force or ended."""
        seen = _seen((*self.in_force, *self.ended), viewer)
        return next((view for view in seen if view.incident == incident), None)

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        """None: these tests read no CAP."""
        return None


def _seen(views: tuple[WarningView, ...], viewer: Viewer) -> tuple[WarningView, ...]:
    return tuple(view for view in views if viewer.joined or view.occasion is not Occasion.UEBUNG)


@dataclass
class TargetsInMemory:
    """Targets by id, as the store would keep them."""

    stored: dict[int, NewTarget] = field(default_factory=dict)
    last_id: int = 0

    async def put(self, new: NewTarget) -> int:
        """Store or replace by fingerprint."""
        for target_id, old in self.stored.items():
            if (old.channel, old.fingerprint) == (new.channel, new.fingerprint):
                self.stored[target_id] = new
                return target_id
        self.last_id += 1
        self.stored[self.last_id] = new
        return self.last_id

    async def find(self, channel: str, fingerprint: str) -> TargetRecord | None:
        """By channel and fingerprint."""
        for target_id, target in self.stored.items():
            if (target.channel, target.fingerprint) == (channel, fingerprint):
                return _record(target_id, target)
        return None

    async def get(self, target_id: int) -> TargetRecord | None:
        """By id."""
        return _record(target_id, self.stored[target_id]) if target_id in self.stored else None

    async def remove(self, target_id: int) -> None:
        """Forget it."""
        self.stored.pop(target_id, None)

    async def list(self, channel: str) -> Sequence[TargetRecord]:
        """All of a channel."""
        return [_record(key, target) for key, target in self.stored.items() if target.channel == channel]

    async def seen(self, target_id: int, at: datetime) -> None:
        """Not needed here."""

    async def count(self, channel: str) -> int:
        """How many."""
        return len(await self.list(channel))


def _record(target_id: int, target: NewTarget) -> TargetRecord:
    return TargetRecord(
        target_id,
        target.channel,
        target.language,
        joined=target.joined,
        active=True,
        places=target.places,
        everywhere=target.everywhere,
        label=target.label,
    )


def keyed_hash(value: str) -> str:
    """Stands for the key store's keyed hash."""
    return hashlib.sha256(f"test key {value}".encode()).hexdigest()


def strict_subscription(data: Mapping[str, object]) -> tuple[str, str]:
    """The channel's own check, as in a real installation."""
    return parse_subscription(data, PublicOnly())


def any_subscription(data: Mapping[str, object]) -> tuple[str, str]:
    """Takes everything, for browsers whose push service is a test's."""
    return json.dumps(data), "https://push.example"


@dataclass(frozen=True)
class Phone:
    """The running parts a test looks into."""

    app: web.Application
    situation: SituationInMemory
    targets: TargetsInMemory


def phone(now: datetime, *, demo: bool = False, known_services_only: bool = True, contact: str = CITY.contact) -> Phone:
    """The phone's face as the wiring would set it up, with errors and security headers."""
    city = replace(CITY, demo=demo, contact=contact)
    assets = Assets([package_root("mobile_api")])
    pages = Pages.build(
        ["realis.web", "mobile_api"],
        zone=ZoneInfo(city.time_zone),
        asset=assets.url,
        messages=Messages.load(),
    )
    errors = problem.middleware(mobile_api.error_page(pages, city), pages.messages)
    app = web.Application(middlewares=[errors, compression.middleware()])
    security.install(app, "ws://127.0.0.1:1", https=False)
    assets.register(app)
    parts = Phone(app, SituationInMemory(now), TargetsInMemory())
    mobile_api.register(
        app,
        mobile_api.Deps(
            situation=parts.situation,
            targets=parts.targets,
            courses=CourseLibrary.load(),
            phrases=PhraseBook.load(),
            pages=pages,
            city=city,
            clock=FixedClock(now),
            vapid_public_key=VAPID_KEY,
            parse_subscription=strict_subscription if known_services_only else any_subscription,
            keyed_hash=keyed_hash,
        ),
    )
    return parts


_TEXTS = (
    LanguageText(
        "de",
        "Hochwasser an der Sieg zwischen Weidenau und Siegen-Mitte",
        "Der Pegel Weidenau steigt schnell. Unterführungen und Keller nahe der Sieg laufen voll.\n"
        "Die Feuerwehr ist im Einsatz.",
        "Gehen Sie sofort in höhere Stockwerke. Betreten Sie keine Keller und keine Unterführungen.\n"
        "Schalten Sie in gefährdeten Räumen den Strom ab, wenn Sie es ohne Gefahr können.",
    ),
    LanguageText(
        "en",
        "Flooding along the Sieg between Weidenau and Siegen-Mitte",
        "The river is rising fast. Underpasses and cellars near the Sieg are filling with water.",
        "Go to a higher floor now. Do not enter cellars or underpasses.",
    ),
    LanguageText(
        "ar",
        "فيضان على نهر زيغ بين فايدناو ووسط زيغن",
        "منسوب المياه يرتفع بسرعة.",
        "انتقلوا فورًا إلى الطوابق العليا. لا تدخلوا الأقبية ولا الأنفاق.",
    ),
)
_AREAS = (
    Area(
        "Sieg-Ufer von Weidenau bis Siegen-Mitte",
        polygons=(
            (
                (50.905, 8.014),
                (50.902, 8.036),
                (50.885, 8.034),
                (50.868, 8.028),
                (50.866, 8.012),
                (50.884, 8.015),
                (50.905, 8.014),
            ),
        ),
        circles=(Circle(50.87, 8.02, 0.9),),
    ),
)


def warning(
    now: datetime,
    *,
    level: Level = Level.DANGER,
    occasion: Occasion = Occasion.ERNSTFALL,
    ending: Ending | None = None,
    incident: UUID = INCIDENT,
    revision: int = 1,
    expires: datetime | None = None,
    areas: tuple[Area, ...] | None = None,
    texts: tuple[LanguageText, ...] | None = None,
) -> WarningView:
    """A flood warning as the situation would show it, with texts from the real renderer."""
    kinds = {None: DraftKind.ALERT, Ending.ALL_CLEAR: DraftKind.ALL_CLEAR, Ending.RETRACTED: DraftKind.RETRACTION}
    content = Content(
        occasion=occasion,
        kind=DraftKind.ALERT,
        level=level,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        texts=texts or _TEXTS,
        areas=areas or _AREAS,
        expires=expires or now + timedelta(hours=5),
    )
    renderer = Renderer(PhraseBook.load(), CITY, {})
    drafted = kinds.get(ending, DraftKind.ALERT)
    content = content if drafted is DraftKind.ALERT else renderer.for_follow_up(content, drafted)
    variant = Variant.EXPIRY if ending is Ending.EXPIRED else Variant.MESSAGE
    link = f"{CITY.public_url}/alerts/{incident}"
    sent = now - timedelta(minutes=12)
    kind = {Ending.EXPIRED: MessageKind.EXPIRY}.get(ending, MessageKind(drafted.value)) if ending else MessageKind.ALERT
    return WarningView(
        incident=incident,
        revision=revision,
        identifier=f"realis.{incident}.{revision}",
        kind=kind,
        occasion=occasion,
        level=level,
        event=content.event,
        event_code=content.event_code,
        sent=sent,
        onset=None,
        expires=content.expires or now,
        source=CITY.authority,
        areas=areas or _AREAS,
        texts={tag: renderer.one(content, PAGE, tag, variant=variant, link=link) for tag in LANGUAGES},
        ending=ending,
        ended_at=sent if ending else None,
        history=(Step(1, MessageKind.ALERT, sent - timedelta(hours=1), _TEXTS[0].headline), *_last(kind, sent)),
    )


def _last(kind: MessageKind, sent: datetime) -> tuple[Step, ...]:
    return () if kind is MessageKind.ALERT else (Step(2, kind, sent, _TEXTS[0].headline),)


NOW = datetime(2026, 3, 3, 9, 20, tzinfo=UTC)
"""An ordinary Tuesday for tests that need no browser's clock."""
