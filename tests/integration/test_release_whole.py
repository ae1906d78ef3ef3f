"""From the second person's release to phones, screens, feed and API, and to each of the endings: the whole program."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from lxml import etree
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from realis.model.alert import Level, Occasion
from realis.model.delivery import State
from realis.model.draft import DraftKind, DraftState
from realis.model.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed, WrongState
from realis.ports.channel import MessageKind
from tests.fakes.push_service import Phone, PushService
from tests.support.installation import (
    ANNA,
    BERND,
    DORA,
    ORIGIN,
    Installation,
    area,
    installation,
    settings,
)

ATOM = "{http://www.w3.org/2005/Atom}"
EXPIRY_DE = "Die Gültigkeit ist abgelaufen. Das ist keine Entwarnung."


@dataclass(slots=True)
class Screen:
    """A public screen: every frame it was sent, newest last."""

    frames: list[dict[str, Any]] = field(default_factory=list)

    def shows(self, **wanted: object) -> bool:
        """Whether its newest full frame has these fields."""
        return all(self.now.get(name) == value for name, value in wanted.items())

    @property
    def now(self) -> dict[str, Any]:
        """The newest full frame."""
        return next((frame for frame in reversed(self.frames) if frame["kind"] != "current"), {})


@dataclass(frozen=True, slots=True)
class Town:
    """A running installation with phones and screens in two places."""

    here: Installation
    post: PushService
    phones: dict[str, Phone]
    screens: dict[str, Screen]

    def told(self, name: str) -> list[dict[str, Any]]:
        """What a phone was told, in order."""
        phone = self.phones[name]
        path = f"/push/{name}"
        return [json.loads(phone.read(arrival.body)) for arrival in self.post.arrivals if arrival.path == path]

    async def until_told(self, name: str, count: int) -> dict[str, Any]:
        """Wait for a phone's n-th push; it."""

        async def enough() -> bool:
            return sum(arrival.path == f"/push/{name}" for arrival in self.post.arrivals) >= count

        await self.here.until(enough)
        return self.told(name)[count - 1]

    async def until_shown(self, name: str, **wanted: object) -> dict[str, Any]:
        """Wait until a screen shows a frame with these fields; it."""

        async def shown() -> bool:
            return self.screens[name].shows(**wanted)

        await self.here.until(shown)
        return self.screens[name].now

    async def api(self, query: str = "") -> dict[str, Any]:
        """What phones read."""
        async with aiohttp.ClientSession(self.here.url) as session, session.get(f"/api/v1/alerts{query}") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def feed(self) -> list[str]:
        """The titles in the public feed."""
        async with aiohttp.ClientSession(self.here.url) as session, session.get("/feeds/cap.atom") as answer:
            root = etree.fromstring(await answer.read())
        return [str(entry.findtext(f"{ATOM}title")) for entry in root.findall(f"{ATOM}entry")]


async def watch(here: Installation, token: str, screen: Screen) -> None:
    """Be a screen until cancelled."""
    async with connect(here.gateway_url, origin=Origin(ORIGIN), compression=None) as socket:
        await socket.send(json.dumps({"type": "hello", "proto": 1, "token": token, "have": None}))
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                for frame in json.loads(message).get("frames", ()):
                    payload = frame.split(".")[1]
                    screen.frames.append(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@asynccontextmanager
async def town(folder: Path, **changes: object) -> AsyncIterator[Town]:
    """Two phones in the Altstadt (German, Arabic), one in the Hafen, one that joined exercises; two screens."""
    async with PushService() as post, installation(folder, config=settings(folder, **changes)) as here:
        phones = {name: post.phone(name) for name in ("altstadt", "arabisch", "hafen", "uebend")}
        await here.subscribe(phones["altstadt"], "altstadt")
        await here.subscribe(phones["arabisch"], "altstadt", language="ar")
        await here.subscribe(phones["hafen"], "hafen")
        await here.subscribe(phones["uebend"], "altstadt", joined=True)
        screens = {name: Screen() for name in ("altstadt", "hafen")}
        watching = [
            asyncio.create_task(watch(here, await here.screen(f"Bildschirm {name}", name), screen))
            for name, screen in screens.items()
        ]
        try:
            built = Town(here, post, phones, screens)
            for name in screens:
                await built.until_shown(name, kind="clear")
            yield built
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Town]:
    """A town without a pause."""
    async with town(tmp_path) as built:
        yield built


async def test_a_release_arrives_on_every_way_out_and_only_where_it_is_meant(city: Town) -> None:
    """Phones and the screen in the area, feed and API; nothing for the Hafen; figures add up."""
    incident = await city.here.issue(city.here.content("altstadt"))
    german, arabic = await city.until_told("altstadt", 1), await city.until_told("arabisch", 1)
    assert german["notification"]["title"] == "Extreme Gefahr: Giftiger Rauch zieht über die Stadt"
    assert (german["notification"]["lang"], german["notification"]["silent"]) == ("de", False)
    assert (arabic["notification"]["lang"], arabic["notification"]["dir"]) == ("ar", "rtl")
    assert "دخان" in arabic["notification"]["title"]
    frame = await city.until_shown("altstadt", kind="alert", incident=str(incident), revision=1)
    assert frame["instruction"]
    counts = {count.channel: count for count in await city.here.finished(incident)}
    assert counts["webpush"].states == {State.ACCEPTED: 3}
    assert counts["display"].states == {State.ACCEPTED: 1}
    assert not city.told("hafen")
    assert city.screens["hafen"].shows(kind="clear")
    assert [view["incident"] for view in (await city.api())["alerts"]] == [str(incident)]
    assert await city.feed() == ["Extreme Gefahr: Giftiger Rauch zieht über die Stadt"]


async def test_an_update_replaces_quietly_unless_its_author_alarms_again(city: Town) -> None:
    """Still ersetzen is silent, erneut alarmieren is not; both replace the same notification and screen state."""
    here = city.here
    incident = await here.issue(here.content("altstadt"))
    quiet = await here.follow_up(incident, DraftKind.UPDATE, realert=False)
    await here.release(quiet)
    second = await city.until_told("altstadt", 2)
    loud = await here.follow_up(incident, DraftKind.UPDATE, realert=True, areas=(area("hafen"),))
    await here.release(loud)
    third = await city.until_told("altstadt", 3)
    joined_late = await city.until_told("hafen", 1)
    assert [push["notification"]["silent"] for push in (second, third)] == [True, False]
    assert {push["notification"]["tag"] for push in city.told("altstadt")} == {str(incident)}
    assert [push["realis"]["revision"] for push in city.told("altstadt")] == [1, 2, 3]
    assert joined_late["realis"]["revision"] == 3
    await city.until_shown("hafen", kind="alert", revision=3)
    await here.finished(incident)
    assert all("Aktualisierte Warnung" in title for title in await city.feed())


async def test_an_all_clear_says_so_to_everybody_who_was_warned(city: Town) -> None:
    """Also to those whom a later revision no longer covered; nothing of the warning's own words stays."""
    here = city.here
    incident = await here.issue(here.content("altstadt"))
    await here.finished(incident)
    await here.release(await here.follow_up(incident, DraftKind.UPDATE, areas=(area("hafen"),)))
    await here.finished(incident)
    await here.release(await here.follow_up(incident, DraftKind.ALL_CLEAR))
    for name in city.phones:
        push = (await city.until_told(name, 2 if name == "hafen" else 3))["realis"]
        assert (push["kind"], push["ending"], push["expires"]) == ("all_clear", "all_clear", None)
    assert "Rauch" not in json.dumps(city.told("altstadt")[-1], ensure_ascii=False)
    for screen in city.screens:
        await city.until_shown(screen, kind="alert", ending="all_clear")
    snapshot = await city.api()
    assert snapshot["alerts"] == []
    assert [view["ending"] for view in snapshot["ended"]] == ["all_clear"]
    with pytest.raises(WrongState):
        await here.core.desk.authoring.follow_up(here.people[ANNA].actor, incident, kind=DraftKind.UPDATE)


async def test_a_false_alarm_is_taken_back_by_one_person_without_a_pause(tmp_path: Path) -> None:
    """Who wrote the retraction releases it; it is due at the moment of the decision, whatever the pause is."""
    async with town(tmp_path, pause_s=1.0) as city:
        here, dora = city.here, city.here.people[DORA].actor
        for number in range(1, 6):
            incident = await here.issue(here.content("altstadt"))
            await here.finished(incident)
            draft = await here.core.desk.authoring.follow_up(dora, incident, kind=DraftKind.RETRACTION)
            draft = await here.core.desk.authoring.submit(dora, draft.id, version=draft.version)
            decided = await here.core.desk.approval.release(dora, draft.id, digest=draft.digest)
            assert decided.due == decided.decided_at
            push = (await city.until_told("altstadt", 2 * number))["realis"]
            assert (push["incident"], push["ending"]) == (str(incident), "retracted")
        await city.until_shown("altstadt", kind="alert", ending="retracted", incident=str(incident))
        assert "Fehlalarm" in (await city.feed())[0]


async def test_a_warning_ends_by_itself_in_its_own_words(city: Town) -> None:
    """At ``expires`` phones, screens, API and feed say that it ran out and that this is no Entwarnung."""
    here = city.here
    ends = here.core.clock.now() + timedelta(seconds=4)
    incident = await here.issue(here.content("altstadt", expires=ends))
    await city.until_told("altstadt", 1)
    push = await city.until_told("altstadt", 2)
    assert (push["realis"]["kind"], push["realis"]["ending"], push["realis"]["revision"]) == ("expiry", "expired", 1)
    assert EXPIRY_DE in push["notification"]["body"]
    assert "Schließen Sie Fenster" not in push["notification"]["body"]
    arabic = await city.until_told("arabisch", 2)
    assert arabic["realis"]["kind"] == "expiry"
    await city.until_shown("altstadt", kind="alert", ending="expired")
    german = next(frame for frame in city.screens["altstadt"].frames[::-1] if frame.get("lang") == "de")
    assert EXPIRY_DE in german["instruction"]
    snapshot = await city.api()
    assert snapshot["alerts"] == []
    assert [view["ending"] for view in snapshot["ended"]] == ["expired"]
    assert snapshot["ended"][0]["texts"]["de"]["instruction"] == EXPIRY_DE
    assert (await city.feed())[0].startswith("Warnung abgelaufen")
    counts = await here.finished(incident)
    assert {count.kind for count in counts} == {MessageKind.ALERT, MessageKind.EXPIRY}
    assert not city.told("hafen")


async def test_a_longer_validity_takes_the_old_ending_back(city: Town) -> None:
    """An update with a later end: nothing expires at the first end."""
    here = city.here
    now = here.core.clock.now()
    incident = await here.issue(here.content("altstadt", expires=now + timedelta(seconds=3)))
    update = await here.follow_up(incident, DraftKind.UPDATE, expires=now + timedelta(hours=1))
    await here.release(update)

    async def past() -> bool:
        return here.core.clock.now() > now + timedelta(seconds=5)

    await here.until(past)
    assert [push["realis"]["kind"] for push in city.told("altstadt")] == ["alert", "update"]
    assert [view["ending"] for view in (await city.api())["alerts"]] == [None]


async def test_a_channel_without_credentials_is_named_and_stops_nothing(city: Town) -> None:
    """Telegram and Mastodon say "nicht eingerichtet"; chosen all the same, the release goes out on the others."""
    here = city.here
    rows = {row.name: row.problem for row in await here.core.desk.overview.channel_rows()}
    assert {name for name, problem in rows.items() if problem} == {"telegram", "mastodon"}
    assert rows["telegram"] == rows["mastodon"] == "nicht eingerichtet"
    incident = await here.issue(here.content("altstadt", channels=("telegram", "mastodon", "webpush")))
    counts = await here.finished(incident)
    assert [count.channel for count in counts] == ["webpush"]
    with pytest.raises(InvalidInput, match="channels-not-set-up"):
        await here.submitted(here.content("altstadt", channels=("telegram", "mastodon")))


async def test_an_exercise_reaches_only_those_who_joined(city: Town) -> None:
    """One phone of four, no screen, no public page or feed; with the notice first."""
    here = city.here
    incident = await here.issue(here.content("altstadt", occasion=Occasion.UEBUNG, level=Level.DANGER))
    counts = {count.channel: count.planned for count in await here.finished(incident)}
    assert counts == {"display": 0, "feeds": 1, "webpush": 1}
    assert (await city.until_told("uebend", 1))["notification"]["title"].startswith("ÜBUNG – keine echte Gefahr")
    assert not city.told("altstadt")
    assert city.screens["altstadt"].shows(kind="clear")
    assert (await city.feed(), (await city.api())["alerts"]) == ([], [])
    assert len((await city.api("?exercise=true"))["alerts"]) == 1


async def test_a_released_draft_cannot_be_released_again(city: Town) -> None:
    """Neither by the same person nor another, neither during the pause nor after; one alert leaves."""
    here = city.here
    draft = await here.submitted(here.content("altstadt"))
    with pytest.raises((FourEyesViolation, NotAllowed)):
        await here.core.desk.approval.release(here.people[ANNA].actor, draft.id, digest=draft.digest)
    await here.release(draft)
    for name in (BERND, DORA):
        with pytest.raises(Conflict):
            await here.core.desk.approval.release(here.people[name].actor, draft.id, digest=draft.digest)
    assert len(await here.core.desk.overview.chain(draft.incident)) == 1


async def test_two_people_releasing_at_the_same_moment_give_one_alert(city: Town) -> None:
    """Both press the button: one decides, the other is told that the draft has moved on."""
    here = city.here
    draft = await here.submitted(here.content("altstadt"))
    results = await asyncio.gather(
        *(
            here.core.desk.approval.release(here.people[name].actor, draft.id, digest=draft.digest)
            for name in (BERND, DORA)
        ),
        return_exceptions=True,
    )
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True], results
    await here.finished(draft.incident)
    assert [push["realis"]["revision"] for push in city.told("altstadt")] == [1]
    assert here.rows("alerts", "releases") == {"alerts": 1, "releases": 1}


async def test_two_first_warnings_of_one_incident_never_both_leave(city: Town) -> None:
    """Two messages made two drafts of one incident; the release of the second does not become an alert."""
    here, desk = city.here, city.here.core.desk
    first = await here.submitted(here.content("altstadt"))
    other = await second_draft(here, first.incident)
    await here.release(first)
    with contextlib.suppress(Conflict, InvalidInput):
        await desk.approval.release(here.people[BERND].actor, other, digest=(await desk.drafts.get(other)).digest)

    async def decided() -> bool:
        return await desk.overview.pending(first.incident) is None

    await here.until(decided)
    assert [revision.number for revision in await desk.overview.chain(first.incident)] == [1]


async def second_draft(here: Installation, incident: UUID) -> UUID:
    """Another first warning in an incident, submitted while nothing was issued yet."""
    desk, anna = here.core.desk, here.people[ANNA].actor
    draft = await desk.authoring.create(anna, here.content("hafen"))
    async with here.core.database.write() as connection:
        moved = {"incident": incident.hex, "draft": draft.id.hex}
        await connection.execute(text("UPDATE drafts SET incident_id = :incident WHERE id = :draft"), moved)
    moved_draft = await desk.drafts.get(draft.id)
    assert moved_draft.state is DraftState.OPEN
    submitted = await desk.authoring.submit(anna, draft.id, version=moved_draft.version)
    return submitted.id
