"""The real demo in this process, held at every step of its flood, so that its pages can be looked at.

Nothing is replaced: the program is built as ``realis serve --demo`` builds it, on free ports. Only the pauses of the
script become gates that whoever looks opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from realis.app.wiring import App, build
from realis.demo.flood import Flood
from realis.demo.seed import VARIATION, DemoData, data, seed, settings
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.model.alert import Category, Level, Occasion
from realis.model.area import Area, Circle
from realis.model.delivery import OPEN_STATES
from realis.model.draft import Content, Draft, DraftKind, LanguageText
from realis.policy.approval import Actor
from realis.services.desk import Desk
from tests.support.ports import free_port

STEP_S = 40.0
"""How long one step of the script may take."""

PASSWORD = "Ein-Kahn-auf-der-Sieg-7"


@dataclass(slots=True)
class Gates:
    """Where the script waits, and whether it does."""

    reached: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(1))
    opened: asyncio.Queue[None] = field(default_factory=lambda: asyncio.Queue(1))
    waiting: bool = False

    async def hold(self, name: str) -> None:
        """Say where the script is and wait."""
        await self.reached.put(name)
        await self.opened.get()

    async def next(self) -> str:
        """Open the gate the script waits at, if any; the name of the one it comes to then."""
        if self.waiting:
            await self.opened.put(None)
        reached = await self.reached.get()
        self.waiting = True
        return reached


@dataclass(frozen=True, slots=True)
class HeldFlood(Flood):
    """The demo's own script; it waits before and after each submission and after each issue."""

    gates: Gates = field(default_factory=Gates)
    drafts: list[Draft] = field(default_factory=list)

    async def _smoke(self, script: dict[str, object]) -> UUID | None:
        """No second warning: those who look begin one of their own."""

    async def _out(self, draft: Draft, line: str) -> None:
        desk = self.core.desk
        number = len(await desk.overview.chain(draft.incident))
        self.drafts.append(draft)
        await self.gates.hold(f"written-{number + 1}")
        submitted = await desk.authoring.submit(self._anna, draft.id, version=draft.version)
        await self.gates.hold(f"submitted-{number + 1}")
        await desk.approval.release(self._bernd, draft.id, digest=submitted.digest)
        await issued(desk, draft.incident, number + 1)
        await self.watch(draft.incident)
        await self.gates.hold(f"issued-{number + 1}")


@dataclass(frozen=True, slots=True)
class DemoStage:
    """The running demo and the hand on its script."""

    app: App
    demo_data: DemoData
    flood: HeldFlood
    playing: asyncio.Task[UUID]
    pages: dict[str, str]

    @property
    def url(self) -> str:
        """Where citizens and operators go."""
        return self.app.core.city.public_url

    @property
    def draft(self) -> Draft:
        """The draft the script works on."""
        return self.flood.drafts[-1]

    @property
    def screen(self) -> str:
        """The address of the first screen, with its token."""
        return next(iter(self.demo_data.screens.values()))

    @property
    def source(self) -> str:
        """The authority whose message the flood begins with."""
        return str(data("flood.toml")["authority"])

    def actor(self, name: str) -> Actor:
        """Anna or Bernd."""
        return self.demo_data.people[name].actor

    async def until(self, gate: str) -> None:
        """Let the script go on as far as this gate; what it died of, if it did."""
        async with asyncio.timeout(STEP_S):
            while True:
                coming = asyncio.create_task(self.flood.gates.next())
                await asyncio.wait({coming, self.playing}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    raise AssertionError(f"the script never came to {gate}: {self.playing}")
                if coming.result() == gate:
                    return

    async def another(self) -> Draft:
        """A second incident, submitted by Anna: smoke in Kaan-Marienborn."""
        desk = self.app.core.desk
        draft = await desk.authoring.create(self.actor("anna"), self._smoke())
        return await desk.authoring.submit(self.actor("anna"), draft.id, version=draft.version)

    async def finish(self, draft: Draft) -> None:
        """Release a submitted draft by Bernd and wait until it is out."""
        desk = self.app.core.desk
        before = len(await desk.overview.chain(draft.incident))
        await desk.approval.release(self.actor("bernd"), draft.id, digest=draft.digest)
        await issued(desk, draft.incident, before + 1)
        await sent(self.app, draft.incident)

    async def follow_up(self, incident: UUID, kind: DraftKind) -> None:
        """An update or ending of an incident, submitted and sent."""
        desk = self.app.core.desk
        draft = await desk.authoring.follow_up(self.actor("anna"), incident, kind=kind)
        await self.finish(await desk.authoring.submit(self.actor("anna"), draft.id, version=draft.version))

    def _smoke(self) -> Content:
        place = self.app.core.city.place("kaan-marienborn")
        assert place is not None
        return Content(
            occasion=Occasion.UEBUNG,
            kind=DraftKind.ALERT,
            level=Level.DANGER,
            event="Brandrauch",
            event_code="BBK-EVC-034",
            categories=(Category.FIRE,),
            texts=(
                LanguageText("de", "Rauch in Kaan-Marienborn", "Eine Halle brennt.", "Schließen Sie Fenster."),
                LanguageText("ar", "دخان في كان مارينبورن", "قاعة تحترق.", "أغلقوا النوافذ."),
            ),
            areas=(Area(place.name, circles=(Circle(place.lat, place.lon, place.radius_km),)),),
            channels=("webpush", "display", "feeds", "by_hand"),
            expires=self.app.core.clock.now() + timedelta(hours=2),
            source_name=self.source,
        )


async def issued(desk: Desk, incident: UUID, revision: int) -> None:
    """Wait until the incident has come to this revision."""
    async with asyncio.timeout(STEP_S):
        while len(await desk.overview.chain(incident)) < revision:  # noqa: ASYNC110 - the store is asked, as a page would
            await asyncio.sleep(0.05)


async def sent(app: App, incident: UUID) -> None:
    """Wait until the newest revision is planned and nothing of it is open."""
    async with asyncio.timeout(STEP_S):
        while True:
            counts = await app.core.desk.overview.counts(incident)
            still = sum(n for count in counts for state, n in count.states.items() if state in OPEN_STATES)
            if counts and not still and all(count.planning_done for count in counts):
                return
            await asyncio.sleep(0.05)


async def _play(flood: HeldFlood) -> UUID:
    await flood.gates.hold("idle")
    return await flood.play()


@asynccontextmanager
async def demo_stage(folder: Path, *, pause_s: float = 0.2) -> AsyncIterator[DemoStage]:
    """The demo, serving, its flood waiting at the first gate, ``idle``."""
    async with SimulatedTelegram() as telegram, SimulatedMastodon() as mastodon:
        config = settings(
            folder, port=free_port(), gateway_port=free_port(), telegram=telegram, mastodon=mastodon, pause_s=pause_s
        )
        async with build(config, variation=VARIATION) as app:
            stop = asyncio.Event()
            serving = asyncio.create_task(app.run(stop), name="demo")
            people = await seed(app.core, str(data("flood.toml")["authority"]), must_change=True)
            url = f"http://127.0.0.1:{app.http_port}"
            flood = HeldFlood(app.core, people, url, 0.0, lambda _: None, lambda incident: sent(app, incident))
            playing = asyncio.create_task(_play(flood), name="flood")
            pages = {"telegram": telegram.page_url, "mastodon": mastodon.page_url}
            try:
                yield DemoStage(app, people, flood, playing, pages)
            finally:
                playing.cancel()
                stop.set()
                async with asyncio.timeout(STEP_S):
                    await asyncio.gather(serving, playing, return_exceptions=True)
