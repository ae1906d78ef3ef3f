"""The composition root: builds every part, joins them, runs them, takes them down. Decides nothing about warnings."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from aiohttp import web

from content.courses import CourseLibrary
from content.messages import Messages
from content.phrases import PhraseBook
from displays.gateway import Gateway
from realis.app import channel_registry, web_application
from realis.app.channel_registry import EgressPolicies
from realis.app.clock import SystemClock
from realis.app.container import ProcessRole, Services
from realis.app.file_access import make_data_dir
from realis.app.metrics import Metrics
from realis.app.settings import Settings
from realis.backplane.memory import MemoryEvents
from realis.backplane.redis import RedisEvents
from realis.dispatch.dispatcher import Dispatcher, Lease
from realis.dispatch.planner import Planner
from realis.dispatch.release_timer import ReleaseTimer
from realis.keystore.keys import Keys
from realis.model.errors import ConfigurationError
from realis.policy.approval import IssuePolicy
from realis.ports.clock import Clock
from realis.services.active_alerts import ActiveAlertsReader
from realis.services.desk import Desk, DeskPorts
from realis.services.issuing import Identity
from realis.services.rendering import Renderer
from realis.storage import migrate
from realis.storage.addresses import AddressBook
from realis.storage.alerts import SqlAlerts
from realis.storage.database import Database
from realis.storage.database_identity import check_mark, has_subscriptions, refuse_foreign
from realis.storage.drafts import SqlDesk
from realis.storage.figures import read_figures
from realis.storage.leases import SqlLeases
from realis.storage.ledger.batches import SqlBatches
from realis.storage.people import SqlSessions, SqlTokens, SqlUsers
from realis.storage.targets import SqlConfirmations, SqlTargets
from realis.web.sessions import hash_bearer_token

log = structlog.get_logger(__name__)

SHUTDOWN_S = 20.0
"""How long what is in flight may take to finish at the end."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What an installation is allowed beyond its settings. The default is a real one.

    Args:
        demo: this is the demo: its database is marked, every target counts as joined.
    """

    policy: IssuePolicy
    doors: EgressPolicies
    demo: bool = False


@dataclass(frozen=True, slots=True)
class App:
    """Everything this process plays, joined. ``run`` serves until it is told to stop."""

    core: Services
    part: ProcessRole
    dispatcher: Dispatcher | None
    screens: Gateway | None
    runner: web.AppRunner | None

    @property
    def http_port(self) -> int:
        """The port in use, also when 0 was asked for; 0 where nothing is served over HTTP."""
        return int(self.runner.addresses[0][1]) if self.runner else 0

    @property
    def gateway(self) -> Gateway:
        """The screens' gateway, where this process plays it."""
        if self.screens is None:
            raise ConfigurationError(f"Der Teil „{self.part}“ bedient keine Bildschirme.")
        return self.screens

    async def run(self, stop: asyncio.Event) -> None:
        """Run the side tasks until ``stop``; if one dies, everything stops and its error is raised."""
        if self.dispatcher:
            await self.core.ways.start()
        # What is loaded by now stays: looking through all of it again and again would hold up a warning.
        gc.collect()
        gc.freeze()
        async with asyncio.TaskGroup() as group:
            issuing = group.create_task(self._releases().run(), name="releases") if self.part.issues else None
            dispatching = group.create_task(self.dispatcher.run(), name="dispatcher") if self.dispatcher else None
            await stop.wait()
            if issuing:
                issuing.cancel()
            if self.dispatcher and dispatching:
                self.dispatcher.stop()
                await asyncio.wait({dispatching}, timeout=SHUTDOWN_S)
                # What is cut off here stays claimed on disk; the next start, or another worker, finishes it.
                dispatching.cancel()

    def _releases(self) -> ReleaseTimer:
        return ReleaseTimer(self.core.desk.issuer.issue_due, self.core.events, self.core.clock)


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    variation: BuildOptions | None = None,
    clock: Clock | None = None,
    part: ProcessRole = ProcessRole.ALL,
) -> AsyncIterator[App]:
    """The program or one of its parts, answering but not yet sending; all is given back at the end, last first.

    Raises:
        ConfigurationError: another `serve` uses this data, or the database is (not) a demo's, or cannot be shared.
    """
    variation, clock = (
        variation or BuildOptions(IssuePolicy(), EgressPolicies.for_settings(settings)),
        clock or SystemClock(),
    )
    async with contextlib.AsyncExitStack() as stack:
        make_data_dir(settings.data_dir)
        if settings.alone:
            _refuse_parts(part)
            stack.enter_context(only_one(settings.data_dir))
        database = await open_database(settings, demo=variation.demo)
        stack.push_async_callback(database.close)
        events = await stack.enter_async_context(_events(settings, part, clock))
        core = await assemble(settings, variation, database, clock, events=events)
        stack.push_async_callback(core.ways.close)
        if settings.alone:
            # Nobody else can be sending: whatever a killed process had claimed is free again.
            await core.batches.reclaim()
        screens = await _serve_screens(core, stack) if part.serves_screens else None
        runner = None if part is ProcessRole.GATEWAY else await _serve_http(core, part, stack)
        dispatcher = _dispatcher(core) if part.sends else None
        core.metrics.watch(sending=dispatcher, screens=screens)
        app = App(core, part, dispatcher, screens, runner)
        log.info("serving", part=part.value, http=app.http_port, gateway=screens.port if screens else 0)
        yield app


def _refuse_parts(part: ProcessRole) -> None:
    if part is not ProcessRole.ALL:
        raise ConfigurationError(
            f"Der Teil „{part.value}“ allein braucht eine Datenbank, die sich mehrere teilen können.",
            where="database_url",
            remedy="Stellen Sie PostgreSQL ein (postgresql+asyncpg://…) oder lassen Sie --role weg.",
        )


@asynccontextmanager
async def _events(settings: Settings, part: ProcessRole, clock: Clock) -> AsyncIterator[MemoryEvents | RedisEvents]:
    """Hints within this process, and across processes where Redis is set."""
    if not settings.redis_url:
        if part is not ProcessRole.ALL:
            log.warning("no_redis", remedy="redis_url: without it, other processes notice changes seconds later")
        yield MemoryEvents()
        return
    async with RedisEvents(settings.redis_url, role=part.value, since=clock.now()) as events:
        yield events


async def _serve_screens(core: Services, stack: contextlib.AsyncExitStack) -> Gateway:
    with listening(core.settings.gateway_host, core.settings.gateway_port, "gateway_port"):
        return await stack.enter_async_context(_gateway(core))


async def _serve_http(core: Services, part: ProcessRole, stack: contextlib.AsyncExitStack) -> web.AppRunner:
    faced = web_application.application(core) if part.serves_pages else web_application.health_only(core)
    runner = web.AppRunner(faced, access_log=None, shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    with listening(core.settings.host, core.settings.port, "port"):
        await web.TCPSite(runner, core.settings.host, core.settings.port, backlog=1024).start()
    return runner


@contextlib.contextmanager
def listening(host: str, port: int, setting: str) -> Iterator[None]:
    """Say in plain words why nobody can listen there."""
    try:
        yield
    except OSError as error:
        why = "ist schon belegt" if error.errno == errno.EADDRINUSE else f"ist nicht zu öffnen ({error.strerror})"
        raise ConfigurationError(
            f"Der Port {port} auf {host} {why}.",
            where=setting,
            remedy="Beenden Sie das Programm, das ihn benutzt, oder wählen Sie einen anderen Port.",
        ) from error


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the lock that lets one `serve` at a time use this data."""
    with (data_dir / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"In {data_dir} läuft schon ein `realis serve`.", remedy="Beenden Sie es zuerst."
            ) from error
        yield


async def open_database(settings: Settings, *, demo: bool) -> Database:
    """The database, migrated, and known to be of the right sort."""
    make_data_dir(settings.data_dir)
    database = Database(settings.database_url)
    try:
        await refuse_foreign(database, demo=demo)
        await migrate.upgrade(database)
        await check_mark(database, demo=demo)
    except BaseException:
        await database.close()
        raise
    return database


async def assemble(
    settings: Settings,
    variation: BuildOptions,
    database: Database,
    clock: Clock,
    *,
    events: MemoryEvents | RedisEvents,
) -> Services:
    """The parts under all faces, over an open database."""
    city = settings.as_city(demo=variation.demo)
    alerts = SqlAlerts(database)
    keys = Keys.open(settings.data_dir / "keys", expect_existing=await has_subscriptions(database))
    book = AddressBook(keys)
    metrics = Metrics(lambda: read_figures(database, clock.now()), database, clock)
    situation, batches = ActiveAlertsReader(alerts, clock), SqlBatches(database, book, metrics)
    targets = SqlTargets(database, book, clock)
    ways = channel_registry.build(
        settings,
        variation.doors,
        city=city,
        situation=situation,
        events=events,
        vapid=keys.vapid(settings.push_contact),
        clock=clock,
    )
    connected = (lambda: events.connected) if isinstance(events, RedisEvents) else None
    metrics.watch(channels=ways.channels, redis_connected=connected)
    for target in channel_registry.account_targets(settings, demo=variation.demo):
        await targets.put(target)
    desk = Desk.over(
        DeskPorts(
            store=SqlDesk(database, clock),
            alerts=alerts,
            ledger=batches,
            targets=targets,
            renderer=Renderer(PhraseBook.load(), city, ways.capabilities),
            signer=keys.cap_signer(),
            events=events,
            clock=clock,
            identity=Identity(settings.cap.sender, settings.cap.identifier_prefix),
            messages=Messages.load(),
            policy=variation.policy,
            channels=ways.channels,
            pause=timedelta(seconds=settings.pause_s),
        )
    )
    return Services(
        settings=settings,
        city=city,
        clock=clock,
        database=database,
        keys=keys,
        events=events,
        desk=desk,
        users=SqlUsers(database, clock),
        sessions=SqlSessions(database),
        tokens=SqlTokens(database),
        targets=targets,
        batches=batches,
        situation=situation,
        courses=CourseLibrary.load(),
        ways=ways,
        metrics=metrics,
    )


def _dispatcher(core: Services) -> Dispatcher:
    planner = Planner(core.batches, core.events, core.clock, core.ways.capabilities)
    shared = not core.settings.alone
    return Dispatcher(
        core.batches,
        planner,
        core.ways.channels,
        events=core.events,
        clock=core.clock,
        lease=Lease(length_s=core.settings.lease_s) if shared else None,
        leases=SqlLeases(core.database) if shared else None,
    )


def _gateway(core: Services) -> Gateway:
    return Gateway(
        situation=core.situation,
        events=core.events,
        tokens=core.tokens,
        targets=core.targets,
        confirmations=SqlConfirmations(core.database),
        signer=core.keys.frame_signer(),
        clock=core.clock,
        city=core.city,
        courses=core.courses,
        phrases=core.desk.phrases,
        host=core.settings.gateway_host,
        port=core.settings.gateway_port,
        hash_token=hash_bearer_token,
        metrics=core.metrics,
    )
