"""REALIS's whole path for a push: release, issue, plan, claim, encrypt, post, commit, until the last is recorded."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from realis.alert import Level, Occasion
from realis.area import Area, Circle, cell_of
from realis.core import Core
from realis.delivery import State
from realis.draft import Content, DraftKind, LanguageText
from realis.egress_policy import LoopbackOnly
from realis.ports import NewTarget
from realis.release import Actor, IssuePolicy, Role
from realis.settings import CapSettings, CitySettings, Settings
from realis.ways_out import Doors
from realis.wiring import Variation, build
from tests.fakes.push_service import Phone

LAT, LON = 50.0, 9.0
WRITER = Actor("writer", "P-1", frozenset({Role.CAPTURE}))
SECOND = Actor("second", "P-2", frozenset({Role.RELEASE}))
TIMEOUT_S = 300.0


async def whole_path(subscriptions: Sequence[Phone]) -> float:
    """Seconds from the press on Freigeben to the last outcome on disk. Subscribing does not count."""
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(LoopbackOnly(), LoopbackOnly(), LoopbackOnly(), known_push=lambda host: host == "127.0.0.1")
        async with build(_settings(Path(folder)), variation=Variation(IssuePolicy(), doors)) as app:
            await app.core.targets.put_many([_target(phone, app.core) for phone in subscriptions])
            stop = asyncio.Event()
            running = asyncio.create_task(app.run(stop))
            seconds = await _warn(app.core, len(subscriptions))
            stop.set()
            await running
    return seconds


async def _warn(core: Core, expected: int) -> float:
    desk = core.desk
    content = Content(
        occasion=Occasion.ERNSTFALL,
        kind=DraftKind.ALERT,
        level=Level.EXTREME,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        texts=(LanguageText("de", "Messung", "Der Fluss tritt über die Ufer.", "Gehen Sie nach oben."),),
        areas=(Area("Messgebiet", circles=(Circle(LAT, LON, 5.0),)),),
        channels=("webpush",),
        expires=core.clock.now() + timedelta(hours=1),
    )
    draft = await desk.create(WRITER, content)
    submitted = await desk.submit(WRITER, draft.id, version=draft.version)
    started = time.perf_counter()
    await desk.release(SECOND, draft.id, digest=submitted.digest)
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            counts = await desk.counts(draft.incident)
            left = expected - sum(count.states.get(State.ACCEPTED, 0) for count in counts)
            if left == 0:
                return time.perf_counter() - started
            # Asking costs the measured program something, so it is asked often towards the end only.
            await asyncio.sleep(0.2 if left > expected * 0.05 else 0.01)


def _target(phone: Phone, core: Core) -> NewTarget:
    address, origin = core.ways.webpush.subscription(phone.subscription)
    return NewTarget(
        channel="webpush",
        address=address,
        fingerprint=core.keys.fingerprint(address),
        language="de",
        origin=origin,
        places=frozenset({cell_of(LAT, LON)}),
    )


def _settings(folder: Path) -> Settings:
    return Settings(
        city=CitySettings(name="Messstadt", authority="Stadt Messstadt"),
        cap=CapSettings(sender="bench@localhost", identifier_prefix="bench"),
        data_dir=folder,
        port=0,
        gateway_port=0,
        pause_s=0,
        push_contact="mailto:bench@example.org",
    )
