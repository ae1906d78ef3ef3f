"""REALIS's whole path for a push: release, issue, plan, claim, encrypt, post, commit, until the last is recorded.

Phones live in districts a few kilometres apart, in turn, so that a warning can be for one of them or for all.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import and_

from realis.app.channel_registry import EgressPolicies
from realis.app.container import ProcessRole, Services
from realis.app.settings import CapSettings, CitySettings, Settings
from realis.app.wiring import App, BuildOptions, build
from realis.egress.policy import LoopbackOnly
from realis.model.alert import Level, Occasion
from realis.model.area import Area, Circle, cell_of
from realis.model.delivery import State
from realis.model.draft import Content, DraftKind, LanguageText
from realis.policy.approval import Actor, IssuePolicy, Role
from realis.ports.targets import NewTarget
from realis.storage.ledger.dispatch_rows import DispatchState
from realis.storage.schema import alerts, dispatches
from tests.benchmarks.processes import Bill, push_children, rested
from tests.fakes.push_service import Phone

LAT, LON = 50.0, 9.0
STEP_DEGREES = 0.02
SIDE = 10
DISTRICTS = SIDE * SIDE
CITY = Area("Messgebiet", circles=(Circle(LAT + SIDE * STEP_DEGREES / 2, LON + SIDE * STEP_DEGREES / 2, 20.0),))
WRITER = Actor("writer", "P-1", frozenset({Role.CAPTURE}))
SECOND = Actor("second", "P-2", frozenset({Role.RELEASE}))
TIMEOUT_S = 300.0
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Ready:
    """A warning that only waits for the second person."""

    draft: UUID
    incident: UUID
    digest: str


async def whole_path(subscriptions: Sequence[Phone], trust: str = "", *, bill: Bill | None = None) -> float:
    """Seconds from the press on Freigeben to the last outcome on disk. Subscribing does not count."""
    async with running(subscriptions, trust) as app:
        if bill:
            bill.open()
        taken = await warn_all(app.core, len(subscriptions))
        if bill:
            bill.close()
        return taken


async def warn_all(core: Services, targets: int) -> float:
    """Seconds from the press to the last outcome on disk, for everybody there is."""
    ready = await prepare(core, CITY)
    started = time.perf_counter()
    await release(core, ready)
    await recorded(core, ready, targets)
    return time.perf_counter() - started


@asynccontextmanager
async def running(
    subscriptions: Iterable[Phone],
    trust: str = "",
    *,
    config: Settings | None = None,
    part: ProcessRole = ProcessRole.ALL,
) -> AsyncIterator[App]:
    """An installation with these phones, at work; one of its own, unless settings say where it is."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            build(config or settings(Path(folder)), variation=variation(trust), part=part) as app,
            asyncio.TaskGroup() as group,  # a program that ends too soon ends the measurement
        ):
            await _subscribe(app.core, subscriptions)
            stop = asyncio.Event()
            group.create_task(app.run(stop))
            if part.sends:
                await app.core.ways.start()
                await rested(*push_children())
            yield app
            stop.set()


def variation(trust: str = "") -> BuildOptions:
    """A real installation, but that it reaches this machine only, and its push service counts as a known one."""
    doors = EgressPolicies(
        LoopbackOnly(),
        known_push=lambda host: host == "127.0.0.1",
        push_trust=trust,
    )
    return BuildOptions(IssuePolicy(), doors)


async def prepare(core: Services, area: Area, *channels: str, level: Level = Level.EXTREME) -> Ready:
    """A warning written and submitted."""
    content = Content(
        occasion=Occasion.ERNSTFALL,
        kind=DraftKind.ALERT,
        level=level,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        texts=(LanguageText("de", "Messung", "Der Fluss tritt über die Ufer.", "Gehen Sie nach oben."),),
        areas=(area,),
        channels=channels or ("webpush",),
        expires=core.clock.now() + timedelta(hours=1),
    )
    draft = await core.desk.authoring.create(WRITER, content)
    submitted = await core.desk.authoring.submit(WRITER, draft.id, version=draft.version)
    return Ready(draft.id, draft.incident, submitted.digest)


async def release(core: Services, ready: Ready) -> float:
    """The second person presses Freigeben; when the pause will be over (seconds of the epoch, as nginx writes)."""
    return (await core.desk.approval.release(SECOND, ready.draft, digest=ready.digest)).due.timestamp()


async def recorded(core: Services, ready: Ready, expected: int) -> None:
    """Wait until so many pushes are recorded as accepted."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            counts = await core.desk.overview.counts(ready.incident)
            left = expected - sum(one.states.get(State.ACCEPTED, 0) for one in counts if one.channel == "webpush")
            if left == 0:
                return
            # Asking costs the measured program something, so it is asked often towards the end only.
            await asyncio.sleep(0.2 if left > expected * 0.05 else 0.01)


async def forget(core: Services, ready: Ready) -> None:
    """Let a finished warning be days old: off all lists, no expiry to come. A city has not 500 in force at once."""
    past = core.clock.now() - timedelta(days=2)
    async with core.database.write() as connection:
        old = alerts.update().where(alerts.c.incident_id == ready.incident)
        await connection.execute(old.values(sent=past, ends_at=past))
        waiting = and_(dispatches.c.incident_id == ready.incident, dispatches.c.state == DispatchState.WAITING)
        await connection.execute(dispatches.update().where(waiting).values(state=DispatchState.VOIDED))


def district(number: int) -> Area:
    """One part of the city."""
    lat, lon = _place(number)
    return Area(f"Bezirk {number}", circles=(Circle(lat, lon, 0.2),))


def _place(number: int) -> tuple[float, float]:
    row, column = divmod(number % DISTRICTS, SIDE)
    return LAT + row * STEP_DEGREES, LON + column * STEP_DEGREES


async def _subscribe(core: Services, subscriptions: Iterable[Phone]) -> None:
    """Store them, a district after the other in turn, some at a time."""
    waiting, number = iter(subscriptions), 0
    while some := list(islice(waiting, _AT_ONCE)):
        await core.targets.put_many([_target(phone, core, number + at) for at, phone in enumerate(some)])
        number += len(some)


def _target(phone: Phone, core: Services, number: int) -> NewTarget:
    address, origin = core.ways.webpush.subscription(phone.subscription)
    return NewTarget(
        channel="webpush",
        address=address,
        fingerprint=core.keys.fingerprint(address),
        language="de",
        origin=origin,
        places=frozenset({cell_of(*_place(number))}),
    )


def settings(folder: Path, **changes: Any) -> Settings:  # noqa: ANN401 - the caller names fields of Settings
    """Of an installation in this folder, without a pause."""
    plain: dict[str, Any] = {
        "city": CitySettings(name="Messstadt", authority="Stadt Messstadt"),
        "cap": CapSettings(sender="bench@localhost", identifier_prefix="bench"),
        "data_dir": folder,
        "port": 0,
        "gateway_port": 0,
        "pause_s": 0,
        "push_contact": "mailto:bench@example.org",
    }
    return Settings(**(plain | changes))
