"""The hub: newest state wins, bounded outboxes, frames made once per group."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest

from content.phrases import PhraseBook
from displays.frames import FrameBuilder
from displays.hub import Connection, Disconnect, Hub, Outbox
from displays.protocol import CloseCode, Have
from realis.model.alert import Ending
from realis.model.area import cell_of
from realis.ports.read_models import Snapshot
from realis.ports.targets import TargetRecord
from tests.support.displays import ELSEWHERE, WEIDENAU, ShiftedClock, ended, warning

CLOCK = ShiftedClock()


class CountingSigner:
    """Signs nothing but counts how often it was asked."""

    def __init__(self) -> None:
        self.signed = 0

    def sign(self, payload: bytes) -> str:
        """The payload as it is."""
        self.signed += 1
        return payload.decode()

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """No key."""
        return {}


@pytest.fixture
def signer() -> CountingSigner:
    """Counts."""
    return CountingSigner()


@pytest.fixture
def hub(signer: CountingSigner) -> Hub:
    """A hub with two languages."""
    return Hub(FrameBuilder(signer, PhraseBook.load(), ZoneInfo("Europe/Berlin")), ("de", "en"), per_target=2)


def screen(number: int) -> Connection:
    """A screen in Weidenau."""
    record = TargetRecord(number, "display", "de en", joined=True, active=True, places=frozenset({cell_of(*WEIDENAU)}))
    return Connection(record, "hash")


async def waiting(link: Connection) -> list[dict[str, object]]:
    """The kinds and subjects of what waits for a screen, in order."""
    messages = []
    while len(link.outbox):
        message = json.loads(await link.outbox.next())
        messages.append(json.loads(message["frames"][0]))
    return messages


async def test_an_outbox_holds_the_latest_state_only() -> None:
    """However much happens while a screen does not read, three small slots are all that waits."""
    outbox = Outbox()
    for number in range(100):
        outbox.put_current(f"old {number}")
        outbox.put_state(f"state {number}")
        outbox.put_current(f"current {number}")
        outbox.put_control(f"pong {number}")
    assert len(outbox) == 3
    assert [await outbox.next() for _ in range(3)] == ["pong 99", "state 99", "current 99"]


async def test_a_kick_goes_before_everything() -> None:
    """A screen that must go is told nothing more."""
    outbox = Outbox()
    outbox.put_state("state")
    outbox.kick(CloseCode.REVOKED, "gesperrt")
    with pytest.raises(Disconnect, match="gesperrt"):
        await outbox.next()


async def test_an_outbox_wakes_its_reader() -> None:
    """A waiting writer gets a message as soon as there is one."""
    outbox = Outbox()
    reader = asyncio.create_task(outbox.next())
    await asyncio.sleep(0)
    outbox.put_control("now")
    assert await asyncio.wait_for(reader, 20) == "now"


async def test_frames_are_signed_once_for_all_screens_of_a_group(hub: Hub, signer: CountingSigner) -> None:
    """A hundred screens in one place cost as many signatures as one."""
    links = [screen(number) for number in range(100)]
    for link in links:
        hub.add(link)
    await hub.publish(Snapshot(1, CLOCK.now(), (warning(CLOCK, languages=("de", "en")),)))
    assert signer.signed == 3  # two languages and one "still holds"
    assert all(len(link.outbox) == 2 for link in links)


async def test_an_unchanged_state_is_confirmed_not_repeated(hub: Hub) -> None:
    """The second read sends one small frame with a later ``as_of``."""
    link, view = screen(1), warning(CLOCK)
    hub.add(link)
    await hub.publish(Snapshot(1, CLOCK.now(), (view,)))
    first = await waiting(link)
    await hub.publish(Snapshot(2, CLOCK.now(), (view,)))
    again = await waiting(link)
    assert [frame["kind"] for frame in first] == ["alert", "current"]
    assert [(frame["kind"], frame["v"]) for frame in again] == [("current", 2)]
    assert str(again[0]["as_of"]) > str(first[0]["as_of"])


async def test_a_screen_that_joins_gets_the_present_state_in_full(hub: Hub) -> None:
    """Nobody waits for the next change."""
    await hub.publish(Snapshot(1, CLOCK.now(), (warning(CLOCK),)))
    link = screen(1)
    hub.add(link)
    hub.greet(link)
    assert [frame["kind"] for frame in await waiting(link)] == ["alert", "current"]


async def test_a_screen_hears_the_ending_after_a_restart_of_ours(hub: Hub) -> None:
    """It says what it still shows, and is believed if the incident is known."""
    over = ended(warning(CLOCK, areas=(ELSEWHERE,)), Ending.RETRACTED, CLOCK.now())
    await hub.publish(Snapshot(3, CLOCK.now(), (), (over,)))
    knows, fresh = screen(1), screen(2)
    for link in (knows, fresh):
        hub.add(link)
    hub.resume(knows, Have(2, over.incident))
    for link in (knows, fresh):
        hub.greet(link)
    assert (await waiting(knows))[0]["ending"] == "retracted"
    assert (await waiting(fresh))[0]["kind"] == "clear"


async def test_a_key_used_too_often_drops_its_oldest_connection(hub: Hub) -> None:
    """Ghosts of a screen that reconnected do not pile up."""
    links = [screen(1) for _ in range(3)]
    for link in links:
        hub.add(link)
    assert len(hub) == 2
    with pytest.raises(Disconnect) as kicked:
        await links[0].outbox.next()
    assert kicked.value.code is CloseCode.REPLACED
