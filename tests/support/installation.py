"""A whole installation for a small invented city: the real wiring on free ports, and what a test needs to drive it.

Nothing is replaced but the doors: phones live at a push service on loopback. Used in the test's own process
(``installation``) and, through ``tests.acceptance.child``, in a process that can be killed.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher

from channels.webpush.subscription import parse_subscription
from realis.app.channel_registry import EgressPolicies
from realis.app.clock import SystemClock
from realis.app.container import Services
from realis.app.pairing import pair_screen, screen_target
from realis.app.settings import CapSettings, CitySettings, PlaceSettings, Settings
from realis.app.wiring import App, BuildOptions, build, open_database
from realis.egress.policy import LoopbackOnly
from realis.keystore.keys import Keys
from realis.model.alert import Category, Level, Occasion
from realis.model.area import Area, Circle, cells
from realis.model.delivery import OPEN_STATES
from realis.model.draft import Content, Draft, DraftKind, LanguageText
from realis.policy.approval import IssuePolicy, Role
from realis.ports.accounts import TokenKind, User
from realis.ports.clock import Clock
from realis.ports.installation import City
from realis.ports.read_models import ChannelCount
from realis.ports.targets import NewTarget
from realis.storage.addresses import AddressBook
from realis.storage.targets import SqlTargets
from realis.web.sessions import hash_bearer_token, new_token
from tests.fakes.push_service import Phone

BOUND_S = 40.0
"""How long anything may take that a test waits for, unless it says otherwise."""

PASSWORD = "fünf Gänse am Wehr"
ORIGIN = "http://localhost:18080"
"""What the installation believes its public address to be; screens name it as their origin."""

PLACES = (
    PlaceSettings(id="altstadt", name="Altstadt", lat=51.400, lon=9.200, radius_km=1.0),
    PlaceSettings(id="hafen", name="Hafen", lat=51.450, lon=9.280, radius_km=1.0),
    PlaceSettings(id="nordfeld", name="Nordfeld", lat=51.500, lon=9.120, radius_km=1.0),
)
ANNA, BERND, CARLA, DORA = "anna", "bernd", "carla", "dora"
ROLES = {
    ANNA: frozenset({Role.CAPTURE}),
    BERND: frozenset({Role.RELEASE}),
    CARLA: frozenset({Role.ADMIN}),
    DORA: frozenset({Role.CAPTURE, Role.RELEASE}),
}
LOOPBACK = BuildOptions(policy=IssuePolicy(), doors=EgressPolicies.loopback())
"""A real installation but for its doors: any occasion, no address beyond this machine.

A push service on loopback is a stranger to it, whose pushes go one by one and not through child processes.
"""


def _everyone(_host: str) -> bool:
    return True


KNOWN_SERVICES = replace(LOOPBACK, doors=replace(EgressPolicies.loopback(), known_push=_everyone))
"""The same, but push services on loopback count as known ones: their pushes go through child processes."""


def settings(folder: Path, **changes: Any) -> Settings:  # noqa: ANN401 - the caller names fields of Settings
    """Settings for Lindenbrück on free ports, without credentials for any account and without a pause."""
    plain: dict[str, Any] = {
        "city": CitySettings(
            name="Lindenbrück",
            authority="Stadt Lindenbrück, Feuerwehr",
            languages=("de", "en", "tr", "ar"),
            places=PLACES,
        ),
        "cap": CapSettings(sender="warnung@lindenbrueck.example", identifier_prefix="lindenbrueck"),
        "data_dir": folder / "data",
        "host": "127.0.0.1",
        "port": 0,
        "gateway_host": "127.0.0.1",
        "gateway_port": 0,
        "public_url": ORIGIN,
        "gateway_url": "ws://localhost:18081",
        "push_contact": "mailto:warnung@lindenbrueck.example",
        "pause_s": 0.0,
    }
    return Settings(**(plain | changes))


def area(*names: str) -> Area:
    """The named places as an operator would choose them."""
    chosen = [place for place in PLACES if place.id in names]
    circles = tuple(Circle(place.lat, place.lon, place.radius_km) for place in chosen)
    return Area(", ".join(place.name for place in chosen), circles=circles)


def content(now: datetime, *places: str, **changes: Any) -> Content:  # noqa: ANN401 - fields of Content
    """A complete real warning about smoke in these places, in three languages, on phones, screens and the feed."""
    plain: dict[str, Any] = {
        "occasion": Occasion.ERNSTFALL,
        "kind": DraftKind.ALERT,
        "level": Level.EXTREME,
        "event": "Großbrand",
        "event_code": "BBK-EVC-034",
        "categories": (Category.FIRE,),
        "texts": (
            LanguageText("de", "Giftiger Rauch zieht über die Stadt", "Eine Halle brennt.", "Schließen Sie Fenster."),
            LanguageText("en", "Toxic smoke drifts over the city", "A hall is burning.", "Close your windows."),
            LanguageText("ar", "دخان سام فوق المدينة", "قاعة تحترق.", "أغلقوا النوافذ."),
        ),
        "areas": (area(*(places or ("altstadt",))),),
        "channels": ("webpush", "display", "feeds"),
        "expires": now + timedelta(hours=2),
        "source_name": "Stadt Lindenbrück, Feuerwehr",
    }
    return Content(**(plain | changes))


def phone_target(phone: Phone, keys: Keys, *places: str, language: str = "de", joined: bool = False) -> NewTarget:
    """A phone as its subscription is stored; no place means the whole city."""
    address, origin = parse_subscription(phone.subscription, LoopbackOnly())
    return NewTarget(
        channel="webpush",
        address=address,
        fingerprint=keys.fingerprint(phone.endpoint),
        language=language,
        origin=origin,
        places=cells([area(*places)]) if places else frozenset(),
        everywhere=not places,
        joined=joined,
    )


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A phone, where it lives and what it reads."""

    phone: Phone
    places: tuple[str, ...]
    language: str = "de"


async def seed(config: Settings, subscribers: Sequence[Subscriber]) -> None:
    """Make the data directory and store many phones in it, while no program runs on it."""
    database = await open_database(config, demo=False)
    try:
        keys = Keys.open(config.data_dir / "keys")
        known = [phone_target(one.phone, keys, *one.places, language=one.language) for one in subscribers]
        await SqlTargets(database, AddressBook(keys), SystemClock()).put_many(known)
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Installation:
    """A running REALIS with four people at its desk and one authority."""

    app: App
    serving: asyncio.Task[None]
    authority_token: str
    people: dict[str, User] = field(default_factory=dict)

    @property
    def core(self) -> Services:
        """The parts."""
        return self.app.core

    @property
    def city(self) -> City:
        """Lindenbrück."""
        return self.core.city

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.app.http_port}"

    @property
    def gateway_url(self) -> str:
        """Where its screens connect."""
        return f"ws://127.0.0.1:{self.app.gateway.port}/ws"

    def content(self, *places: str, **changes: Any) -> Content:  # noqa: ANN401 - fields of Content
        """A complete warning, as of now."""
        return content(self.core.clock.now(), *places, **changes)

    async def subscribe(self, phone: Phone, *places: str, language: str = "de", joined: bool = False) -> int:
        """Store a phone; its target's id."""
        return await self.core.targets.put(
            phone_target(phone, self.core.keys, *places, language=language, joined=joined)
        )

    async def screen(self, name: str, place: str = "", *, joined: bool = False) -> str:
        """Pair a screen; its token."""
        new = screen_target(self.city, name, place, joined=joined)
        return await pair_screen(self.core.targets, self.core.tokens, new)

    async def submitted(self, wanted: Content) -> Draft:
        """A first warning by Anna, waiting for its release."""
        desk, anna = self.core.desk, self.people[ANNA].actor
        draft = await desk.authoring.create(anna, wanted)
        return await desk.authoring.submit(anna, draft.id, version=draft.version)

    async def issue(self, wanted: Content) -> UUID:
        """A first warning by Anna, released by Bernd and issued; its incident."""
        draft = await self.submitted(wanted)
        await self.release(draft)
        return draft.incident

    async def release(self, draft: Draft, by: str = BERND) -> None:
        """Release what was submitted and wait until it is issued."""
        before = len(await self.core.desk.overview.chain(draft.incident))
        await self.core.desk.approval.release(self.people[by].actor, draft.id, digest=draft.digest)

        async def issued() -> bool:
            return len(await self.core.desk.overview.chain(draft.incident)) > before

        await self.until(issued)

    async def follow_up(self, incident: UUID, kind: DraftKind, **changes: Any) -> Draft:  # noqa: ANN401
        """An update or ending by Anna with these changes, submitted."""
        desk, anna = self.core.desk, self.people[ANNA].actor
        draft = await desk.authoring.follow_up(anna, incident, kind=kind)
        if changes:
            draft = await desk.authoring.save(
                anna, draft.id, version=draft.version, content=replace(draft.content, **changes)
            )
        return await desk.authoring.submit(anna, draft.id, version=draft.version)

    async def finished(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """Wait until every target of the newest revision ended in a state; the figures."""
        counts: tuple[ChannelCount, ...] = ()

        async def done() -> bool:
            nonlocal counts
            counts = await self.core.desk.overview.counts(incident)
            return bool(counts) and all(is_finished(count) for count in counts)

        await self.until(done)
        return counts

    async def until(self, holds: Callable[[], Awaitable[bool]], bound_s: float = BOUND_S) -> None:
        """Poll until something holds; what the program died of, if it did."""
        async with asyncio.timeout(bound_s):
            while not await holds():
                if self.serving.done():
                    self.serving.result()
                    raise AssertionError("the program ended by itself")
                await asyncio.sleep(0.02)

    def rows(self, *tables: str) -> dict[str, int]:
        """How many rows each table has."""
        with closing(sqlite3.connect(self.core.settings.data_dir / "realis.db")) as database:
            return {
                table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
                for table in tables
            }


def is_finished(count: ChannelCount) -> bool:
    """Whether planning is over and every planned target reached a terminal state."""
    ended = sum(number for state, number in count.states.items() if state not in OPEN_STATES)
    return count.planning_done and ended == count.planned == sum(count.states.values())


@asynccontextmanager
async def installation(
    folder: Path, *, variation: BuildOptions = LOOPBACK, clock: Clock | None = None, config: Settings | None = None
) -> AsyncIterator[Installation]:
    """The whole program in this process, serving; stopped cleanly at the end, and its errors raised."""
    async with build(config or settings(folder), variation=variation, clock=clock) as app:
        stop = asyncio.Event()
        serving = asyncio.create_task(app.run(stop), name="installation")
        try:
            token = new_token()
            await app.core.tokens.add(TokenKind.AUTHORITY, "Kreisleitstelle", token_hash=hash_bearer_token(token))
            yield Installation(app, serving, token, await staff(app.core))
        finally:
            stop.set()
            async with asyncio.timeout(40):
                await serving


async def staff(core: Services) -> dict[str, User]:
    """The desk's four people, made where they are missing; all have ``PASSWORD``."""
    hashed = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    people = {}
    for name, roles in ROLES.items():
        known = await core.users.credentials(name)
        people[name] = known[0] if known else await core.users.add(name, roles, password_hash=hashed, must_change=False)
    return people


def ledger(database: Path) -> list[tuple[int, str, str, int, int, int]]:
    """Every dispatch that began: revision, channel, state, planned, ended, still open; straight from the file."""
    query = """
        SELECT d.revision, d.channel, d.state, d.planned,
               (SELECT coalesce(sum(number), 0) FROM tallies WHERE dispatch_id = d.id),
               (SELECT coalesce(sum(size), 0) FROM batches WHERE dispatch_id = d.id AND state IN ('open', 'claimed'))
        FROM dispatches d WHERE d.state NOT IN ('waiting', 'voided') ORDER BY d.id
    """
    with closing(sqlite3.connect(database)) as opened:
        return list(opened.execute(query))


def revisions(phone: Phone, bodies: Iterable[bytes]) -> list[int]:
    """Which revisions a phone was told, in the order they came."""
    return [int(json.loads(phone.read(body))["realis"]["revision"]) for body in bodies]
