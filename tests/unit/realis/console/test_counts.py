"""What an operator reads of the sending: every state, why, until when it is tried, and how fast it went."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from realis.console.incident_page import tally
from realis.model.delivery import State
from realis.ports.channel import MessageKind
from realis.ports.read_models import ChannelCount
from tests.fakes.counts import night, telling
from tests.support.desk import House, content
from tests.unit.realis.console.conftest import Visitor

PLAIN = ChannelCount("webpush", UUID(int=0), 1, MessageKind.ALERT, 0)


async def cards(here: House, figures: tuple[ChannelCount, ...], language: str = "de") -> list[str]:
    """The text of each channel's card on an incident's page."""
    draft = await here.submitted(here.people["anna"], content())
    async with telling(here, figures) as address:
        visitor = Visitor(address)
        try:
            await visitor.login("bernd")
            await visitor.get(f"/console/incidents/{draft.incident}/live?lang={language}")
            whole = visitor.html
            found = []
            for part in whole.split('<div class="card tally')[1:]:
                visitor.html = "<i>" + part.partition("</div>\n{}")[0]
                found.append(visitor.text.partition("> ")[2])
            return found
        finally:
            await visitor.http.close()


@pytest.fixture
async def said(here: House) -> list[str]:
    """The night's cards in German."""
    return await cards(here, night(here))


async def test_every_state_has_its_own_figure(said: list[str]) -> None:
    """Nothing is lumped together: what is shown adds up to what was planned, with the reasons by kind."""
    for words in (
        "Geplant 104.444 Angenommen 103.305 wartet 500 neuer Versuch folgt 12 abgelehnt 5 zu spät 7 ungewiss 3 "
        "abgemeldet 611 überholt 1 Gesehen 4.012",
        "Gründe Keine Antwort, nichts gesendet 7 Vom Dienst abgelehnt 4 Keine Antwort, vielleicht angekommen 3 "
        "Text zu lang für den Dienst 1 Erste",
    ):
        assert words in said[0]


async def test_who_waits_is_told_until_when(said: list[str]) -> None:
    """The next try to the second, the deadline to the minute, with its day where that is not today."""
    assert "12 warten auf den nächsten Versuch um 03:03:20, Frist 05:03." in said[0]
    assert "Angehalten, verfällt um Mo. 03:03." in said[1]
    assert "Frist 05:03." in said[4]
    assert "Frist" not in said[2]


async def test_how_fast_it_went(said: list[str]) -> None:
    """First, half, 99 % and last; one target has one time; what takes minutes is said in minutes."""
    assert "Erste nach 0,1 s · Hälfte nach 4,1 s · 99 % nach 9,8 s · bisher letzte nach 10,2 s" in said[0]
    assert "Erste nach 0,1 s · Hälfte nach 0,1 s · 99 % nach 12 min · letzte nach 122 min" in said[2]
    assert "Angenommen nach 0,3 s" in said[3]
    assert "Angenommen nach" not in said[1]


async def test_a_try_that_is_due_is_running(here: House) -> None:
    """A time that has passed is not promised again; one target waits in the singular; other languages say it too."""
    (busy, *_) = night(here)
    due = replace(busy, retry_due=here.clock.now() - timedelta(seconds=1))
    one = replace(busy, states={State.RETRYING: 1, State.ACCEPTED: 1}, planned=2)
    assert "Der nächste Versuch läuft, Frist 05:03." in (await cards(here, (due,)))[0]
    assert "1 wartet auf den nächsten Versuch um 03:03:20" in (await cards(here, (one,)))[0]
    assert "1 waits for the next attempt at 03:03:20, deadline 05:03." in (await cards(here, (one,), "en"))[0]
    assert "103,305" in (await cards(here, (busy,), "en"))[0]
    assert "هدفان ينتظران" in (await cards(here, (replace(one, states={State.RETRYING: 2}),), "ar"))[0]


def test_all_but_one_is_not_all() -> None:
    """The bar is full only when nothing is open, and an untouched channel is at nothing."""
    nearly = replace(PLAIN, planned=104_444, states={State.ACCEPTED: 104_443, State.RETRYING: 1})
    assert tally(nearly, "").share == 99
    assert tally(replace(nearly, states={State.ACCEPTED: 104_000, State.GONE: 444}), "").share == 100
    assert tally(PLAIN, "").share == 0


def test_whoever_signed_off_is_no_alarm() -> None:
    """Gone is counted and calm; held, rejected, late and uncertain stand out."""
    assert not tally(replace(PLAIN, states={State.GONE: 3, State.SUPERSEDED: 1}), "").bad
    for state in (State.HELD, State.REJECTED, State.EXPIRED, State.UNKNOWN):
        assert tally(replace(PLAIN, states={state: 1}), "").bad


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_shown_somewhere(state: State) -> None:
    """Whatever state there will ever be has a place; otherwise the sums would not add up."""
    one = tally(replace(PLAIN, planned=1, states={state: 1}), "")
    assert one.accepted + sum(number for _, number in one.rows) == 1
