"""In-memory ports for the screens' tests, and a real gateway with the screen's real page around them.

The signer, phrases, courses, sockets and web server are the real ones; only the stores are not.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from content.courses import CourseLibrary
from content.messages import Messages
from content.phrases import PhraseBook
from displays import pages as display_pages
from displays.connection import ConnectionLimits
from displays.gateway import Gateway
from realis.keystore.keys import Keys
from realis.model.alert import Ending, Level, Occasion
from realis.model.area import Area, Circle, cell_of
from realis.model.draft import Rendered
from realis.model.errors import StoreUnavailable
from realis.model.incident import Viewer
from realis.ports.accounts import TokenKind, TokenRecord
from realis.ports.channel import MessageKind
from realis.ports.events import Topic
from realis.ports.installation import City
from realis.ports.read_models import PAGE, Snapshot, WarningView
from realis.ports.signing import FrameSigner
from realis.ports.targets import DisplayReport, NewTarget, TargetRecord
from realis.web import security
from realis.web.assets import Assets, package_root
from realis.web.pages import Pages
from tests.support.ports import free_port

INCIDENT = UUID("01930000-0000-7000-8000-00000000000a")
TOKEN = "screen-token-for-tests-0001"
WEIDENAU = (50.894, 8.026)
FLOODED = Area("Weidenau und Siegufer", circles=(Circle(*WEIDENAU, 1.5),))
ELSEWHERE = Area("Eiserfeld", circles=(Circle(50.842, 7.985, 0.5),))


def hash_token(token: str) -> str:
    """A stand-in for the keyed hash."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class ShiftedClock:
    """The real time, moved by ``shift``."""

    shift: timedelta = timedelta()

    def now(self) -> datetime:
        """The present instant plus the shift."""
        return datetime.now(UTC) + self.shift  # noqa: TID251 - this is a clock


@dataclass(slots=True)
class FakeEvents:
    """Hints to whoever listens; ``silent`` loses them all."""

    silent: bool = False
    queues: list[tuple[frozenset[Topic], asyncio.Queue[tuple[Topic, str]]]] = field(default_factory=list)
    published: list[tuple[Topic, str]] = field(default_factory=list)

    async def publish(self, topic: Topic, key: str = "") -> None:
        """Tell the listeners of this topic."""
        self.published.append((topic, key))
        for topics, queue in self.queues:
            if topic in topics and not self.silent and not queue.full():
                queue.put_nowait((topic, key))

    async def listen(self, *topics: Topic) -> AsyncIterator[tuple[Topic, str]]:
        """Hints from now on."""
        queue: asyncio.Queue[tuple[Topic, str]] = asyncio.Queue(100)
        self.queues.append((frozenset(topics), queue))
        while True:
            yield await queue.get()


@dataclass(slots=True)
class FakeActiveAlerts:
    """Says what the test put in; ``broken`` fails every read."""

    clock: ShiftedClock
    version: int = 1
    in_force: tuple[WarningView, ...] = ()
    ended: tuple[WarningView, ...] = ()
    broken: bool = False
    reads: int = 0

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        """What is in force for this viewer; exercises only for those who joined."""
        self.reads += 1
        if self.broken:
            raise OSError("the database is away")
        return Snapshot(
            self.version, self.clock.now(), self._seen(self.in_force, viewer), self._seen(self.ended, viewer)
        )

    def _seen(self, views: tuple[WarningView, ...], viewer: Viewer) -> tuple[WarningView, ...]:
        return tuple(view for view in views if viewer.joined or view.occasion is not Occasion.UEBUNG)

    async def warning(self, incident: UUID, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        """One incident's state."""
        return next((view for view in (*self.in_force, *self.ended) if view.incident == incident), None)

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        """Not needed by screens."""
        return None


@dataclass(slots=True)
class FakeTokens:
    """Bearer tokens by hash."""

    records: dict[str, TokenRecord] = field(default_factory=dict)

    async def add(self, kind: TokenKind, label: str, *, token_hash: str, target_id: int | None = None) -> TokenRecord:
        """Store a new token."""
        record = TokenRecord(len(self.records) + 1, kind, label, target_id)
        self.records[token_hash] = record
        return record

    async def find(self, kind: TokenKind, token_hash: str) -> TokenRecord | None:
        """The token with this hash."""
        record = self.records.get(token_hash)
        return record if record is not None and record.kind is kind else None

    async def revoke(self, token_id: int) -> None:
        """Forget the token."""
        self.records = {key: record for key, record in self.records.items() if record.id != token_id}


@dataclass(slots=True)
class FakeTargets:
    """Screens and when they were heard of."""

    records: dict[int, TargetRecord] = field(default_factory=dict)
    heard: list[int] = field(default_factory=list)

    async def put(self, new: NewTarget) -> int:
        """Store a screen."""
        number = len(self.records) + 1
        self.records[number] = TargetRecord(
            number, new.channel, new.language, new.joined, True, new.places, new.everywhere, new.label
        )
        return number

    async def find(self, channel: str, fingerprint: str) -> TargetRecord | None:
        """Not needed by screens."""
        return None

    async def get(self, target_id: int) -> TargetRecord | None:
        """The screen with this number."""
        return self.records.get(target_id)

    async def remove(self, target_id: int) -> None:
        """Forget a screen."""
        self.records.pop(target_id, None)

    async def list(self, channel: str) -> Sequence[TargetRecord]:
        """All screens."""
        return tuple(self.records.values())

    async def seen(self, target_id: int, at: datetime) -> None:
        """Note a sign of life."""
        self.heard.append(target_id)

    async def count(self, channel: str) -> int:
        """How many screens there are."""
        return len(self.records)


@dataclass(slots=True)
class FakeConfirmations:
    """What screens said they showed; nothing counts before it is ``planned``."""

    planned: bool = True
    away: bool = False
    shown: list[tuple[str, int, UUID, int, datetime]] = field(default_factory=list)

    async def confirm(self, channel: str, reports: Sequence[DisplayReport]) -> frozenset[DisplayReport]:
        """Note it, if it was planned and the store can be reached."""
        if self.away:
            raise StoreUnavailable("store-not-answering")
        if not self.planned:
            return frozenset()
        self.shown += [(channel, one.target_id, one.incident, one.revision, one.at) for one in reports]
        return frozenset(reports)


def text(language: str, words: tuple[str, str, str], kind: str, *, notice: str, until: str) -> Rendered:
    """One rendered text: headline, what to do, what happened."""
    headline, instruction, description = words
    phrases = PhraseBook.load()
    return Rendered(
        language=language,
        written_in=language,
        notice=notice,
        kind=kind,
        headline=headline,
        description=description,
        instruction=instruction,
        until=until,
        source=phrases.phrase("source", language, source="Stadt Siegen, Feuerwehr"),
        labels=() if language == "de" else (phrases.phrase("label.unchecked", language),),
        link=f"https://warnung.siegen.example/alerts/{INCIDENT}",
    )


WORDS = {
    "de": (
        "Hochwasser an der Sieg: Keller und Ufer in Weidenau sofort verlassen",
        "Verlassen Sie Keller und Tiefgaragen. Gehen Sie in obere Stockwerke. Meiden Sie Ufer, Brücken und"
        " Unterführungen. Helfen Sie Nachbarn, die Hilfe brauchen. Notruf: 112.",
        "Die Sieg steigt nach Dauerregen schnell. Der Pegel Weidenau steht bei 3,10 m und steigt weiter. Straßen am"
        " Fluss sind gesperrt.",
    ),
    "en": (
        "Flood on the river Sieg: leave cellars and river banks in Weidenau now",
        "Leave cellars and underground car parks. Go to upper floors. Keep away from river banks, bridges and"
        " underpasses. Help neighbours who need help. Emergency number: 112.",
        "The Sieg is rising fast after lasting rain. The gauge at Weidenau stands at 3.10 m. Roads along the river are"
        " closed.",
    ),
    "ar": (
        "فيضان على نهر زيغ: غادروا الأقبية وضفاف النهر في فايدناو فورًا",
        "غادروا الأقبية ومرائب السيارات تحت الأرض. اصعدوا إلى الطوابق العليا. ابتعدوا عن ضفاف النهر والجسور"
        " والأنفاق. ساعدوا الجيران المحتاجين. رقم الطوارئ: 112.",
        "يرتفع منسوب نهر زيغ بسرعة بعد أمطار متواصلة. بلغ المقياس في فايدناو 3.10 أمتار. الطرق على ضفة النهر مغلقة.",
    ),
}


def warning(
    clock: ShiftedClock,
    *,
    occasion: Occasion = Occasion.UEBUNG,
    level: Level = Level.EXTREME,
    revision: int = 1,
    lasts: timedelta = timedelta(hours=6),
    incident: UUID = INCIDENT,
    areas: tuple[Area, ...] = (FLOODED,),
    languages: tuple[str, ...] = ("de", "en", "ar"),
) -> WarningView:
    """A flood warning in force, issued now."""
    phrases, now = PhraseBook.load(), clock.now()
    ends = (now + lasts).astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M")

    def made(language: str) -> Rendered:
        notice = "" if occasion is Occasion.ERNSTFALL else phrases.phrase(f"notice.{occasion.value}", language)
        kind = phrases.phrase(f"level.{int(level)}", language)
        return text(language, WORDS[language], kind, notice=notice, until=phrases.phrase("until", language, time=ends))

    return WarningView(
        incident=incident,
        revision=revision,
        identifier=f"test.{incident}.{revision}",
        kind=MessageKind.ALERT if revision == 1 else MessageKind.UPDATE,
        occasion=occasion,
        level=level,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        sent=now,
        onset=None,
        expires=now + lasts,
        source="Stadt Siegen",
        areas=areas,
        texts={language: made(language) for language in languages},
    )


def ended(view: WarningView, ending: Ending, at: datetime) -> WarningView:
    """The warning after its end, in its own words; a run-out keeps its revision."""
    phrases = PhraseBook.load()
    name = {Ending.ALL_CLEAR: "all_clear", Ending.RETRACTED: "retraction", Ending.EXPIRED: "expiry"}[ending]
    texts = {
        language: replace(
            text,
            kind=phrases.phrase(f"kind.{name}", language),
            description=phrases.phrase(f"{name}.body", language),
            instruction="",
            until="",
        )
        for language, text in view.texts.items()
    }
    revision = view.revision if ending is Ending.EXPIRED else view.revision + 1
    kind = {
        Ending.ALL_CLEAR: MessageKind.ALL_CLEAR,
        Ending.RETRACTED: MessageKind.RETRACTION,
        Ending.EXPIRED: MessageKind.EXPIRY,
    }[ending]
    return replace(view, texts=texts, ending=ending, ended_at=at, revision=revision, kind=kind)


@dataclass(slots=True)
class Stage:
    """A city with one screen in Weidenau: its gateway, its web server, its memory."""

    city: City
    signer: FrameSigner
    clock: ShiftedClock
    situation: FakeActiveAlerts
    events: FakeEvents
    tokens: FakeTokens
    targets: FakeTargets
    confirmations: FakeConfirmations
    bounds: ConnectionLimits
    gateway_port: int
    screen: int = 0

    def gateway(self) -> Gateway:
        """A gateway over this stage; enter it to serve."""
        return Gateway(
            situation=self.situation,
            events=self.events,
            tokens=self.tokens,
            targets=self.targets,
            confirmations=self.confirmations,
            signer=self.signer,
            clock=self.clock,
            city=self.city,
            courses=CourseLibrary.load(),
            phrases=PhraseBook.load(),
            host="127.0.0.1",
            port=self.gateway_port,
            hash_token=hash_token,
            bounds=self.bounds,
        )

    async def pair(self, token: str, *, joined: bool = True, language: str = "de en ar", place: bool = True) -> int:
        """One more screen, in Weidenau or in no place at all."""
        places = frozenset({cell_of(*WEIDENAU)}) if place else frozenset()
        new = NewTarget("display", "{}", token, language, places=places, joined=joined, label="Marktplatz")
        number = await self.targets.put(new)
        await self.tokens.add(TokenKind.SCREEN, "Marktplatz", token_hash=hash_token(token), target_id=number)
        return number

    async def say(self, *in_force: WarningView, ended: Sequence[WarningView] = ()) -> None:
        """Change what is in force, as the issue transaction does, and hint at it."""
        self.situation.version += 1
        self.situation.in_force, self.situation.ended = in_force, tuple(ended)
        await self.events.publish(Topic.SITUATION)

    @asynccontextmanager
    async def website(self) -> AsyncIterator[str]:
        """The screen's page on its own port; its address."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        port = int(self.city.public_url.rpartition(":")[2])
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"{self.city.public_url}/display/"
        finally:
            await runner.cleanup()

    def app(self) -> web.Application:
        """The web application with the screen's page."""
        app = web.Application()
        assets = Assets([package_root("displays")])
        assets.register(app)
        zone = ZoneInfo(self.city.time_zone)
        pages = Pages.build(
            ["realis.web", "displays"],
            zone=zone,
            asset=assets.url,
            messages=Messages.load(),
            shared={"city": self.city, "demo": True},
        )
        display_pages.register(app, pages=pages, city=self.city, signer=self.signer, courses=CourseLibrary.load())
        security.install(app, self.city.gateway_url, https=False)
        return app


async def make_stage(folder: Path, bounds: ConnectionLimits | None = None) -> Stage:
    """A stage with one paired screen; nothing serves yet."""
    clock = ShiftedClock()
    gateway_port, web_port = free_port(), free_port()
    city = City(
        name="Siegen",
        authority="Universitätsstadt Siegen",
        time_zone="Europe/Berlin",
        public_url=f"http://127.0.0.1:{web_port}",
        gateway_url=f"ws://127.0.0.1:{gateway_port}/ws",
        languages=("de", "en", "ar"),
        demo=True,
    )
    signer = (await asyncio.to_thread(Keys.open, folder)).frame_signer()
    stage = Stage(
        city=city,
        signer=signer,
        clock=clock,
        situation=FakeActiveAlerts(clock),
        events=FakeEvents(),
        tokens=FakeTokens(),
        targets=FakeTargets(),
        confirmations=FakeConfirmations(),
        bounds=bounds or ConnectionLimits(),
        gateway_port=gateway_port,
    )
    stage.screen = await stage.pair(TOKEN)
    return stage
