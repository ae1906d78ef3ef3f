"""The scripted flood on the Sieg: the authority's message, then what two people at the desk do with it.

Every step goes the real way: HTTP intake, desk, release by the second person, issue, planner, channels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from realis.app.container import Services
from realis.cap.writer import write
from realis.demo.seed import DemoData, data
from realis.intake.client import send
from realis.model.alert import (
    Alert,
    Category,
    Certainty,
    Info,
    Level,
    MsgType,
    Occasion,
    Severity,
    Status,
    Urgency,
)
from realis.model.area import Area, Circle, NamedValue
from realis.model.draft import EVENT_CODE_PROFILE, Content, Draft, DraftKind, LanguageText
from realis.model.errors import CommandError
from realis.policy.approval import Actor

VALID_FOR = timedelta(minutes=30)
ISSUE_TIMEOUT_S = 30.0

Say = Callable[[str], None]
"""Announces what happens now."""

Watch = Callable[[UUID], Awaitable[None]]
"""Shows how the incident's newest revision goes out, until it is out."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Plays the script against a running REALIS.

    Args:
        url: where it listens.
        pace_s: seconds between two steps, long enough to watch.
    """

    core: Services
    demo_data: DemoData
    url: str
    pace_s: float
    say: Say
    watch: Watch

    async def play(self) -> UUID:
        """The whole story; the incident of the flood it made."""
        script: dict[str, Any] = data("flood.toml")  # its shape is ours, checked by use
        self.say("Die Kreisleitstelle meldet Hochwasser (Übung).")
        draft = await self._receive(script)
        incident = draft.incident
        self.say("Anna liest die Meldung und legt sie zur Freigabe vor.")
        await self._out(draft, "Bernd gibt frei. Die Warnung geht hinaus.")
        self.say("Die Lage ändert sich: Das Gebiet wird größer.")
        await self._out(await self._update(incident, script), "Bernd gibt die Aktualisierung frei.")
        smoke = await self._smoke(script)
        self.say("Das Wasser sinkt. Anna bereitet die Entwarnung vor.")
        ending = await self.core.desk.authoring.follow_up(self._anna, incident, kind=DraftKind.ALL_CLEAR)
        await self._out(ending, "Bernd gibt die Entwarnung frei.")
        if smoke:
            self.say("Das Feuer ist gelöscht. Anna bereitet auch hier die Entwarnung vor.")
            ending = await self.core.desk.authoring.follow_up(self._anna, smoke, kind=DraftKind.ALL_CLEAR)
            await self._out(ending, "Bernd gibt die zweite Entwarnung frei.")
        return incident

    @property
    def _anna(self) -> Actor:
        return self.demo_data.people["anna"].actor

    @property
    def _bernd(self) -> Actor:
        return self.demo_data.people["bernd"].actor

    async def _receive(self, script: dict[str, Any]) -> Draft:
        status, answer = await send(write(self._message(script)), self.url, self.demo_data.authority_token)
        if status != 201:
            raise CommandError(f"Die Demo-Meldung wurde nicht angenommen: {answer}")
        draft = await self.core.desk.drafts.get(UUID(str(answer["draft"])))
        channels = tuple(row.name for row in await self.core.desk.overview.channel_rows() if not row.problem)
        content = replace(draft.content, channels=channels)
        return await self.core.desk.authoring.save(self._anna, draft.id, version=draft.version, content=content)

    async def _update(self, incident: UUID, script: dict[str, Any]) -> Draft:
        desk = self.core.desk
        draft = await desk.authoring.follow_up(self._anna, incident, kind=DraftKind.UPDATE)
        content = replace(
            draft.content,
            texts=_texts(script["update"], script["authority"]),
            areas=(self._area(script["more_places"]),),
            realert=True,
        )
        return await desk.authoring.save(self._anna, draft.id, version=draft.version, content=content)

    async def _smoke(self, script: dict[str, Any]) -> UUID | None:
        """A second warning while the first is in force; its incident."""
        self.say("Zugleich brennt in Weidenau eine Halle: eine zweite Warnung, während die erste gilt.")
        channels = tuple(row.name for row in await self.core.desk.overview.channel_rows() if not row.problem)
        content = Content(
            occasion=Occasion.UEBUNG,
            kind=DraftKind.ALERT,
            level=Level.DANGER,
            event=script["smoke_event"],
            event_code=script["smoke_event_code"],
            categories=(Category.FIRE,),
            texts=_texts(script["smoke"], script["authority"]),
            areas=(self._area(script["smoke_places"]),),
            channels=channels,
            expires=self.core.clock.now() + VALID_FOR,
            source_name=script["authority"],
        )
        draft = await self.core.desk.authoring.create(self._anna, content)
        await self._out(draft, "Bernd gibt die zweite Warnung frei.")
        return draft.incident

    async def _out(self, draft: Draft, line: str) -> None:
        """Submit, release by the second person, wait until it is issued, leave time to watch."""
        desk = self.core.desk
        before = len(await desk.overview.chain(draft.incident))
        submitted = await desk.authoring.submit(self._anna, draft.id, version=draft.version)
        await asyncio.sleep(self.pace_s / 2)
        self.say(line)
        await desk.approval.release(self._bernd, draft.id, digest=submitted.digest)
        async with asyncio.timeout(ISSUE_TIMEOUT_S + self.core.settings.pause_s):
            while len(await desk.overview.chain(draft.incident)) == before:
                if (await desk.drafts.get(draft.id)).return_reason:
                    raise CommandError("Die Demo-Freigabe wurde angehalten.")
                await asyncio.sleep(0.05)
        await self.watch(draft.incident)
        await asyncio.sleep(self.pace_s)

    def _message(self, script: dict[str, Any]) -> Alert:
        now = self.core.clock.now().replace(microsecond=0)
        base = Info(
            event=script["event"],
            urgency=Urgency.IMMEDIATE,
            severity=Severity.EXTREME,
            certainty=Certainty.OBSERVED,
            categories=(Category.MET,),
            event_codes=(NamedValue(EVENT_CODE_PROFILE, script["event_code"]),),
            expires=now + VALID_FOR,
            sender_name=script["authority"],
            areas=(self._area(script["first_places"]),),
        )
        infos = tuple(
            replace(
                base,
                language=text.language,
                headline=text.headline,
                description=text.description,
                instruction=text.instruction,
            )
            for text in _texts(script["warning"], "")
        )
        return Alert(
            identifier=f"demo-{uuid4()}",
            sender=script["sender"],
            sent=now,
            status=Status.EXERCISE,
            msg_type=MsgType.ALERT,
            note="Übung Hochwasser an der Sieg",
            infos=infos,
        )

    def _area(self, places: list[str]) -> Area:
        found = [place for name in places if (place := self.core.city.place(name))]
        return Area(
            desc=", ".join(place.name for place in found),
            circles=tuple(Circle(place.lat, place.lon, place.radius_km) for place in found),
        )


def _texts(by_language: dict[str, dict[str, str]], checked_by: str) -> tuple[LanguageText, ...]:
    """The script's words. Only the German ones count as checked; the others have had no reader."""
    return tuple(
        LanguageText(language, **words, checked_by=checked_by if language == "de" else "")
        for language, words in by_language.items()
    )
