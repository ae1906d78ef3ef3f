"""A small town for tests of the core: the real desk, planner and dispatcher over a real SQLite file.

Only the channels, the clock and the signature are stand-ins. Nothing here checks anything.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from content.messages import Messages
from content.phrases import PhraseBook
from realis.backplane.memory import MemoryEvents
from realis.dispatch.dispatcher import Dispatcher, Lease, judge
from realis.dispatch.planner import Planner
from realis.model.alert import Level, Occasion
from realis.model.area import Area, Circle, cell_of
from realis.model.delivery import Accepted, Outcome, State
from realis.model.draft import Content, Draft, DraftKind, LanguageText
from realis.model.errors import InvalidInput, SigningFailed
from realis.policy.approval import Actor, IssuePolicy, Role
from realis.ports.channel import ChannelCapabilities, LengthUnit
from realis.ports.clock import Clock
from realis.ports.events import Topic
from realis.ports.installation import City
from realis.ports.stores import Claim
from realis.ports.targets import NewTarget
from realis.services.active_alerts import ActiveAlertsReader
from realis.services.desk import Desk, DeskPorts
from realis.services.issuing import Identity
from realis.services.rendering import Renderer
from realis.storage import migrate
from realis.storage.addresses import AddressBook
from realis.storage.alerts import SqlAlerts
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.ledger.batches import SqlBatches
from realis.storage.ledger.delivery_statistics import count_dispatch
from realis.storage.schema import dispatches, targets
from realis.storage.targets import SqlConfirmations, SqlTargets
from tests.fakes.clock import SettableClock
from tests.fakes.recording_channel import RecordingChannel

ANNA = Actor("u-anna", "P-anna", frozenset({Role.CAPTURE}))
BERND = Actor("u-bernd", "P-bernd", frozenset({Role.RELEASE}))
CARLA = Actor("u-carla", "P-carla", frozenset({Role.CAPTURE, Role.RELEASE}))
DORA = Actor("u-dora", "P-dora", frozenset({Role.TRAINER}))

WEIDENAU = Area("Weidenau", circles=(Circle(50.893, 8.027, 0.4),))
EISERFELD = Area("Eiserfeld", circles=(Circle(50.836, 7.987, 0.4),))
IN_WEIDENAU = cell_of(50.893, 8.027)
IN_EISERFELD = cell_of(50.836, 7.987)

PUSH_LIMITS = ChannelCapabilities(length=1700, unit=LengthUnit.BYTES, concurrency=3, batch=2, geo_targeted=True)
POST_LIMITS = ChannelCapabilities(length=500, edits=True, per_language=False, batch=1, public=True)
BOUND_S = 30.0


class PlainSealer:
    """Seals nothing, but knows which row a text belongs to."""

    def seal(self, plain: str, context: str) -> bytes:
        """The address beside its row's name."""
        return f"{context}|{plain}".encode()

    def open_sealed(self, blob: bytes, context: str) -> str:
        """The address again. Raises ``InvalidInput`` for another row's or a damaged one."""
        owner, _, plain = blob.decode(errors="replace").partition("|")
        if owner != context:
            raise InvalidInput("sealed-damaged")
        return plain


@dataclass(slots=True)
class Signer:
    """Signs nothing, or fails as a broken key would."""

    broken: bool = False
    seen: io.BytesIO = field(default_factory=io.BytesIO)

    def sign(self, xml: bytes) -> bytes:
        """The message as it is."""
        if self.broken:
            raise SigningFailed("message-not-signed")
        return xml


@dataclass(frozen=True, slots=True)
class Line:
    """How one dispatch stands in the ledger."""

    id: int
    channel: str
    revision: int
    variant: str
    state: str
    planned: int
    states: Mapping[State, int]

    @property
    def balanced(self) -> bool:
        """Whether every planned target is in exactly one state."""
        return self.planned == sum(self.states.values())

    @property
    def finished(self) -> bool:
        """Whether all of those states are terminal."""
        return not set(self.states) & {State.PLANNED, State.RETRYING, State.HELD}


def flood(now: datetime, **changes: object) -> Content:
    """A complete warning of a flood in Weidenau until six hours from now, on push and post."""
    content = Content(
        Occasion.ERNSTFALL,
        DraftKind.ALERT,
        Level.DANGER,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        texts=(
            LanguageText("de", "Hochwasser in Weidenau", "Die Sieg steigt schnell.", "Gehen Sie nicht in Keller."),
            LanguageText("en", "Flooding in Weidenau", "The river is rising fast.", "Stay out of cellars."),
            LanguageText("ar", "فيضان في فايدناو", "منسوب المياه يرتفع.", "ابتعدوا عن الأقبية."),
        ),
        areas=(WEIDENAU,),
        channels=("push", "post"),
        expires=now + timedelta(hours=6),
        source_name="Stadt Siegen",
    )
    return replace(content, **changes)  # type: ignore[arg-type] # the caller names Content's own fields


@dataclass(frozen=True, slots=True)
class Town:
    """Everything a test of the core touches."""

    database: Database
    clock: SettableClock
    events: MemoryEvents
    signer: Signer
    targets: SqlTargets
    batches: SqlBatches
    alerts: SqlAlerts
    store: SqlDesk
    confirmations: SqlConfirmations
    situation: ActiveAlertsReader
    desk: Desk
    push: RecordingChannel
    post: RecordingChannel

    # ---- people

    async def subscribe(self, name: str, *places: str, **changes: object) -> int:
        """A phone in these places (Weidenau if none is named); its id."""
        new = NewTarget("push", name, name, "de", origin="https://push.example", places=frozenset(places))
        if not places and not changes.get("everywhere"):
            new = replace(new, places=frozenset({IN_WEIDENAU}))
        return await self.targets.put(replace(new, **changes))  # type: ignore[arg-type]

    async def account(self, *, joined: bool = False) -> int:
        """The public account behind ``post``."""
        return await self.targets.put(
            NewTarget("post", "account", "account", "de", origin="post", everywhere=True, joined=joined)
        )

    async def active(self, target_id: int) -> bool:
        """Whether a target is there and active."""
        return await self.targets.get(target_id) is not None

    async def ids(self) -> list[int]:
        """All targets that ever were and were not deleted."""
        async with self.database.read() as connection:
            return list((await connection.execute(select(targets.c.id).order_by(targets.c.id))).scalars())

    # ---- warnings

    async def submit(self, content: Content) -> Draft:
        """A draft of Anna's that waits for its release."""
        draft = await self.desk.authoring.create(ANNA, content)
        return await self.desk.authoring.submit(ANNA, draft.id, version=draft.version)

    async def warn(self, **changes: object) -> UUID:
        """A warning in force; its incident."""
        draft = await self.submit(flood(self.clock.now(), **changes))
        await self.issue(draft)
        return draft.incident

    async def follow(self, incident: UUID, kind: DraftKind, **changes: object) -> None:
        """An update or ending of it, issued."""
        await self.issue(await self.prepare(incident, kind, **changes))

    async def prepare(self, incident: UUID, kind: DraftKind, **changes: object) -> Draft:
        """An update or ending of it that waits for its release."""
        draft = await self.desk.authoring.follow_up(ANNA, incident, kind=kind)
        if changes:
            content = replace(draft.content, **changes)  # type: ignore[arg-type]
            draft = await self.desk.authoring.save(ANNA, draft.id, version=draft.version, content=content)
        return await self.desk.authoring.submit(ANNA, draft.id, version=draft.version)

    async def issue(self, draft: Draft) -> None:
        """Release and issue a submitted draft; nothing is sent yet."""
        await self.desk.approval.release(BERND, draft.id, digest=draft.digest)
        await self.desk.issuer.issue_due()

    # ---- sending, step by step

    def planner(self) -> Planner:
        """The planner over this town's ledger."""
        return Planner(self.batches, self.events, self.clock, self.limits)

    @property
    def limits(self) -> Mapping[str, ChannelCapabilities]:
        """What the channels can carry."""
        return {name: channel.capabilities for name, channel in self.channels.items()}

    @property
    def channels(self) -> Mapping[str, RecordingChannel]:
        """The ways out by name."""
        return {"push": self.push, "post": self.post}

    async def plan(self) -> None:
        """Plan all there is to plan."""
        await self.planner().run_once()

    async def claim(self, channel: str = "push", *, busy: Sequence[str] = ()) -> Claim | None:
        """Take the next batch as a worker would."""
        return await self.batches.claim(
            channel, "worker", now=self.clock.now(), lease_s=120, busy_origins=frozenset(busy)
        )

    async def taken(self, channel: str = "push") -> Claim:
        """Take the next batch, which must be there."""
        claim = await self.claim(channel)
        assert claim is not None
        return claim

    async def commit(self, claim: Claim, *outcomes: Outcome, jitter: float = 0.5) -> bool:
        """Commit these outcomes; one stands for all, none for acceptance."""
        given = list(outcomes or (Accepted(),))
        full = given * len(claim.targets) if len(given) == 1 else given
        return await self.batches.commit(claim, judge(claim, full, self.clock.now(), jitter), now=self.clock.now())

    # ---- sending, with the real dispatcher

    def dispatcher(self, lease: Lease | None = None) -> Dispatcher:
        """A worker over this town's channels."""
        return Dispatcher(
            self.batches, self.planner(), self.channels, events=self.events, clock=self.clock, lease=lease
        )

    async def deliver(self, lease: Lease | None = None) -> None:
        """Let a worker run until nothing more can be done now."""
        async with self.working(lease):
            await self.until_idle()

    @asynccontextmanager
    async def working(self, lease: Lease | None = None) -> AsyncIterator[Dispatcher]:
        """A worker that runs for the length of the block."""
        dispatcher = self.dispatcher(lease)
        running = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            dispatcher.stop()
            await asyncio.wait_for(running, BOUND_S)

    async def until_idle(self) -> None:
        """Wait until nothing is due, planned or in flight."""
        await self.plan()
        await self.until(self._idle)

    async def _idle(self) -> bool:
        if any(channel.in_flight for channel in self.channels.values()):
            return False
        lines = await self.ledger()
        now = self.clock.now()
        ready = await self.batches.ready_channels(now)
        return not ready and not any(line.state == "planning" for line in lines) and not await self._claimed()

    async def _claimed(self) -> bool:
        from realis.storage.schema import batches

        async with self.database.read() as connection:
            query = select(batches.c.id).where(batches.c.state == "claimed").limit(1)
            return (await connection.execute(query)).first() is not None

    async def until(self, done: Callable[[], object]) -> None:
        """Poll until it holds; a bound makes sure the test ends."""
        async with asyncio.timeout(BOUND_S):
            while True:
                found = done()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return
                await self.events.publish(Topic.WORK)
                await asyncio.sleep(0.01)

    # ---- the ledger

    async def ledger(self) -> list[Line]:
        """Every dispatch ever, oldest first."""
        async with self.database.read() as connection:
            rows = (await connection.execute(select(dispatches).order_by(dispatches.c.id))).all()
            counts = [await count_dispatch(connection, row) for row in rows]
        return [
            Line(row.id, row.channel, row.revision, row.variant, row.state, row.planned, count.states)
            for row, count in zip(rows, counts, strict=True)
        ]

    async def line(self, channel: str, revision: int, variant: str = "message") -> Line:
        """One dispatch."""
        found = [
            line
            for line in await self.ledger()
            if (line.channel, line.revision, line.variant) == (channel, revision, variant)
        ]
        assert len(found) == 1
        return found[0]

    async def states(self, channel: str, revision: int, variant: str = "message") -> dict[str, int]:
        """One dispatch's states by name, without zeroes."""
        line = await self.line(channel, revision, variant)
        assert line.balanced, line
        return {state.value: number for state, number in line.states.items() if number}

    async def balanced(self) -> bool:
        """Whether every dispatch's sums equal its plan."""
        return all(line.balanced for line in await self.ledger())


def total(lines: Sequence[Line]) -> Counter[State]:
    """All states of several dispatches together."""
    found: Counter[State] = Counter()
    for line in lines:
        found.update(line.states)
    return found


def build(database: Database, clock: SettableClock, policy: IssuePolicy | None = None) -> Town:
    """The parts over an open database."""
    events, signer, book = MemoryEvents(), Signer(), AddressBook(PlainSealer())
    push, post = RecordingChannel("push", PUSH_LIMITS), RecordingChannel("post", POST_LIMITS)
    city = City(
        name="Siegen",
        authority="Stadt Siegen",
        time_zone="Europe/Berlin",
        public_url="https://warnung.example",
        gateway_url="wss://warnung.example/ws",
        languages=("de", "en", "ar"),
    )
    ways = {"push": push, "post": post}
    alerts, batches = SqlAlerts(database), SqlBatches(database, book)
    members, store = SqlTargets(database, book, clock), SqlDesk(database, clock)
    desk = Desk.over(
        DeskPorts(
            store=store,
            alerts=alerts,
            ledger=batches,
            targets=members,
            renderer=Renderer(_phrases(), city, {name: way.capabilities for name, way in ways.items()}),
            signer=signer,
            events=events,
            clock=clock,
            messages=Messages.load(),
            identity=Identity("realis@example.org", "DE-TEST"),
            policy=policy or IssuePolicy(),
            channels=ways,
            pause=timedelta(),
        )
    )
    return Town(
        database=database,
        clock=clock,
        events=events,
        signer=signer,
        targets=members,
        batches=batches,
        alerts=alerts,
        store=store,
        confirmations=SqlConfirmations(database),
        situation=ActiveAlertsReader(alerts, clock),
        desk=desk,
        push=push,
        post=post,
    )


_PHRASES: list[PhraseBook] = []


def _phrases() -> PhraseBook:
    if not _PHRASES:
        _PHRASES.append(PhraseBook.load())
    return _PHRASES[0]


@asynccontextmanager
async def town(folder: Path, policy: IssuePolicy | None = None) -> AsyncIterator[Town]:
    """A town over a new SQLite file in the folder."""
    async with town_over(f"sqlite+aiosqlite:///{folder / 'town.sqlite'}", policy) as made:
        yield made


@asynccontextmanager
async def town_over(url: str, policy: IssuePolicy | None = None, clock: Clock | None = None) -> AsyncIterator[Town]:
    """A town over a database, migrated first."""
    database = Database(url)
    try:
        await migrate.upgrade(database)
        yield build(database, clock if isinstance(clock, SettableClock) else SettableClock(), policy)
    finally:
        await database.close()
