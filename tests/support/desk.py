"""A warning desk for page tests: the real desk over a real SQLite file, small channels, a clock one can move.

Only the signature is a stand-in. ``house`` yields everything; ``serve`` puts the console on a free port.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web
from argon2 import PasswordHasher

import realis.console
from channels.manual import ByHand
from channels.terminal import Terminal
from content.messages import Messages
from content.phrases import PhraseBook
from realis.backplane.memory import MemoryEvents
from realis.console.area_form import place_area
from realis.dispatch.dispatcher import Dispatcher
from realis.dispatch.planner import Planner
from realis.model.alert import Level, Occasion
from realis.model.area import Area
from realis.model.delivery import Accepted, Outcome
from realis.model.draft import Content, Draft, DraftKind, LanguageText
from realis.model.errors import RealisError
from realis.policy.approval import IssuePolicy, Role
from realis.ports.accounts import User
from realis.ports.channel import Channel, ChannelCapabilities, Message, Target
from realis.ports.installation import City, Place
from realis.ports.stores import NewReceivedMessage
from realis.ports.targets import NewTarget
from realis.services.desk import Desk, DeskPorts
from realis.services.issuing import Identity
from realis.services.rendering import Renderer
from realis.storage import migrate
from realis.storage.addresses import AddressBook
from realis.storage.alerts import SqlAlerts
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.ledger.batches import SqlBatches
from realis.storage.people import SqlSessions, SqlUsers
from realis.storage.targets import SqlTargets
from realis.web import problem, security
from realis.web.assets import Assets, package_root
from realis.web.pages import Pages

PASSWORD = "vier Wörter reichen völlig"
START = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
PLACES = (
    Place("weidenau", "Weidenau", 50.893, 8.027, 1.8),
    Place("geisweid", "Geisweid", 50.921, 8.014, 2.0),
    Place("kaan-marienborn", "Kaan-Marienborn", 50.866, 8.062, 1.6),
    Place("eiserfeld", "Eiserfeld", 50.836, 7.987, 1.9),
    Place("siegen-mitte", "Siegen-Mitte", 50.875, 8.017, 1.5),
)


class MovableClock:
    """Real seconds on top of a start that a test may move."""

    def __init__(self, start: datetime = START) -> None:
        self.instant = start

    def now(self) -> datetime:
        """The instant the test chose."""
        return self.instant

    def forward(self, **units: float) -> None:
        """Move on, for example ``forward(hours=1)``."""
        self.instant += timedelta(**units)


class PlainSigner:
    """Signs nothing."""

    def sign(self, xml: bytes) -> bytes:
        """The message as it is."""
        return xml


class PlainSealer:
    """Seals nothing."""

    def seal(self, plain: str, context: str) -> bytes:
        """The address as it is."""
        return plain.encode()

    def open_sealed(self, blob: bytes, context: str) -> str:
        """The address as it was."""
        return blob.decode()


@dataclass(frozen=True, slots=True)
class Quiet:
    """A channel that takes everything, or is not set up."""

    name: str
    label: str
    capabilities: ChannelCapabilities
    unavailable_reason: str = ""

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Accept all."""
        return [Accepted() for _ in targets]

    async def close(self) -> None:
        """Nothing to give back."""


def channels() -> Mapping[str, Channel]:
    """Four ways out: by hand, a terminal, a public account of 500 characters, one that is not set up."""
    ways: Sequence[Channel] = (
        ByHand(),
        Terminal(io.StringIO()),
        Quiet("short", "Kurznachrichten", ChannelCapabilities(length=300, per_language=False)),
        Quiet("public", "Öffentliches Konto", ChannelCapabilities(length=500, per_language=False, public=True)),
        Quiet(
            "unset", "Fax", ChannelCapabilities(length=500, per_language=False), unavailable_reason="nicht eingerichtet"
        ),
    )
    return {way.name: way for way in ways}


@dataclass(frozen=True, slots=True)
class House:
    """Everything a test of the console touches."""

    desk: Desk
    users: SqlUsers
    sessions: SqlSessions
    targets: SqlTargets
    batches: SqlBatches
    events: MemoryEvents
    clock: MovableClock
    pages: Pages
    assets: Assets
    people: dict[str, User] = field(default_factory=dict)

    async def person(self, name: str, *roles: Role, must_change: bool = False, password: str = PASSWORD) -> User:
        """A user with this name and these roles; the password is ``PASSWORD``."""
        user = await self.users.add(name, frozenset(roles), password_hash=_cheap(password), must_change=must_change)
        self.people[name] = user
        return user

    async def incoming(self, content: Content, *problems: str) -> Draft:
        """A draft as an authority's message makes it."""
        witness = NewReceivedMessage("Leitstelle", "kreis@example.org", "id-1", START, "0" * 64, b"<alert/>", problems)
        return await self.desk.authoring.receive(content, witness, incident=None)

    async def submitted(self, by: User, content: Content) -> Draft:
        """A draft by this person that waits for its release."""
        draft = await self.desk.authoring.create(by.actor, content)
        return await self.desk.authoring.submit(by.actor, draft.id, version=draft.version)

    async def issued(self, by: User, second: User, content: Content) -> Draft:
        """A warning in force."""
        draft = await self.submitted(by, content)
        await self.desk.approval.release(second.actor, draft.id, digest=draft.digest)
        self.clock.forward(seconds=11)
        await self.desk.issuer.issue_due()
        return draft

    def dispatcher(self) -> Dispatcher:
        """Sends what was issued; the test owns and stops it."""
        ways = self.desk.ports.channels
        limits = {name: way.capabilities for name, way in ways.items()}
        planner = Planner(self.batches, self.events, self.clock, limits)
        return Dispatcher(self.batches, planner, ways, events=self.events, clock=self.clock)


def content(occasion: Occasion = Occasion.UEBUNG, **changes: object) -> Content:
    """A complete warning about a flood, as an operator would have written it."""
    full = Content(
        occasion,
        DraftKind.ALERT,
        Level.DANGER,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        texts=(
            LanguageText(
                "de",
                "Hochwasser an der Sieg in Weidenau",
                "Die Sieg steigt schnell. In Weidenau stehen erste Keller unter Wasser.",
                "Gehen Sie nicht in Keller. Bleiben Sie vom Ufer fern.",
            ),
            LanguageText("en", "Flooding on the Sieg in Weidenau", "The river is rising.", "Stay out of cellars."),
            LanguageText("ar", "فيضان على نهر زيغ", "منسوب المياه يرتفع بسرعة.", "ابتعدوا عن الضفة.", "Dr. Amal N."),
        ),
        areas=(place_area(PLACES[0]),),
        channels=("by_hand", "terminal", "short"),
        expires=START + timedelta(hours=6),
        source_name="Stadt Siegen",
    )
    return replace(full, **changes)  # type: ignore[arg-type] # the caller names Content's own fields


def triangle(desc: str = "Siegtal zwischen Netphen und Weidenau") -> Area:
    """An area as a message brings it."""
    return Area(desc, polygons=(((50.90, 8.02), (50.93, 8.10), (50.88, 8.09), (50.90, 8.02)),))


@asynccontextmanager
async def house(folder: Path, *, policy: IssuePolicy | None = None, demo: bool = False) -> AsyncIterator[House]:
    """A desk with an empty database in the folder."""
    clock, events = MovableClock(), MemoryEvents()
    database = Database(f"sqlite+aiosqlite:///{folder / 'desk.sqlite'}")
    try:
        await migrate.upgrade(database)
        yield await _furnish(database, clock, events, policy or IssuePolicy(), demo=demo)
    finally:
        await database.close()


async def _furnish(
    database: Database, clock: MovableClock, events: MemoryEvents, policy: IssuePolicy, *, demo: bool
) -> House:
    city = City(
        name="Siegen",
        authority="Stadt Siegen, Feuerwehr",
        time_zone="Europe/Berlin",
        public_url="http://localhost:8080",
        gateway_url="ws://localhost:8081",
        languages=("de", "en", "tr", "ar", "uk", "ru", "pl", "fr"),
        places=PLACES,
        demo=demo,
    )
    ways = channels()
    targets = SqlTargets(database, AddressBook(PlainSealer()), clock)
    batches = SqlBatches(database, AddressBook(PlainSealer()))
    for name in ("by_hand", "terminal", "short", "public"):
        await targets.put(NewTarget(name, name, name, "de", everywhere=True, joined=True, label=name))
    desk = Desk.over(
        DeskPorts(
            store=SqlDesk(database, clock),
            alerts=SqlAlerts(database),
            ledger=batches,
            targets=targets,
            renderer=Renderer(PhraseBook.load(), city, {name: way.capabilities for name, way in ways.items()}),
            signer=PlainSigner(),
            events=events,
            clock=clock,
            messages=Messages.load(),
            identity=Identity("realis@example.org", "DE-TEST"),
            policy=policy,
            channels=ways,
        )
    )
    assets = Assets([package_root("realis.console")])
    pages = Pages.build(
        ["realis.web", "realis.console"],
        zone=ZoneInfo(city.time_zone),
        asset=assets.url,
        messages=Messages.load(),
        shared={"demo": demo},
    )
    users, sessions = SqlUsers(database, clock), SqlSessions(database)
    return House(desk, users, sessions, targets, batches, events, clock, pages, assets)


def application(here: House) -> web.Application:
    """The console as the wiring puts it up."""

    def page(_request: web.Request, status: int, error: RealisError | None) -> web.Response:
        return web.Response(status=status, text=str(error or status))

    app = web.Application(middlewares=[problem.middleware(page, here.pages.messages)])
    security.install(app, "ws://localhost:8081", https=False)
    here.assets.register(app)
    realis.console.register(
        app,
        desk=here.desk,
        users=here.users,
        sessions=here.sessions,
        pages=here.pages,
        clock=here.clock,
        https=False,
    )
    return app


@asynccontextmanager
async def serve(here: House) -> AsyncIterator[str]:
    """The console on a free port of this machine; its address."""
    runner = web.AppRunner(application(here), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _cheap(password: str) -> str:
    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(password)
