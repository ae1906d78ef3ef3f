"""An authority's message against the whole program: what is answered, stored, logged, and what is left alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from structlog.testing import capture_logs

from realis.intake.openapi import PATH
from realis.model.alert import Occasion
from realis.model.draft import DraftKind, DraftState
from realis.model.errors import Conflict, NotAllowed
from tests.data.cap import sample
from tests.support.installation import ANNA, Installation, installation

TABLES = ("incidents", "witnesses", "drafts", "packages", "releases", "audit", "alerts", "dispatches", "targets")

WRONG = "kein-token-von-uns-0815"

ALERT = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier>
  <sender>leitstelle@kreis.example</sender>
  <sent>{sent}</sent>
  <status>{status}</status>
  <msgType>{msg_type}</msgType>
  <scope>Public</scope>
  {references}
  <info>
    <language>de-DE</language>
    <category>Fire</category>
    <event>Großbrand</event>
    <responseType>Shelter</responseType>
    <urgency>Immediate</urgency>
    <severity>Extreme</severity>
    <certainty>Observed</certainty>
    <expires>{expires}</expires>
    <senderName>Kreisleitstelle</senderName>
    <headline>{headline}</headline>
    <description>In der Altstadt brennt eine Halle.</description>
    <instruction>Schließen Sie Fenster und Türen.</instruction>
    <area><areaDesc>Altstadt</areaDesc><circle>51.4,9.2 1.0</circle></area>
  </info>
</alert>
"""


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    """A running installation."""
    async with installation(tmp_path) as running:
        yield running


def message(here: Installation, identifier: str, **changes: str) -> bytes:
    """A good message of now; ``changes`` replace its fields."""
    now = here.core.clock.now().replace(microsecond=0).astimezone(ZoneInfo("Europe/Berlin"))
    fields = {
        "identifier": identifier,
        "sent": now.isoformat(),
        "expires": (now + timedelta(hours=3)).isoformat(),
        "status": "Actual",
        "msg_type": "Alert",
        "references": "",
        "headline": "Giftiger Rauch in der Altstadt",
    }
    return ALERT.format(**(fields | changes)).encode()


async def post(here: Installation, raw: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """Send it as an authority does; status and answer."""
    sent = {"Authorization": f"Bearer {here.authority_token}", "Content-Type": "application/cap+xml"}
    sent |= {name.title(): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(here.url) as session,
        session.post(PATH, data=chunks(raw), headers=sent) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def chunks(raw: bytes) -> AsyncIterator[bytes]:
    """In pieces, as a slow sender does."""
    for start in range(0, len(raw), 64 * 1024):
        yield raw[start : start + 64 * 1024]


async def test_a_message_becomes_an_incident_with_a_draft_once(here: Installation) -> None:
    """201 with both ids; the same bytes again 200 and the same ids; other bytes under the same name 409."""
    raw = message(here, "brand.1")
    before = here.rows(*TABLES)
    with capture_logs() as logs:
        status, answer = await post(here, raw)
    assert status == 201
    assert answer["problems"] == []
    assert [(log["event"], log["authority"]) for log in logs] == [("cap_received", "Kreisleitstelle")]
    assert here.authority_token not in str(logs)
    after = here.rows(*TABLES)
    changed = {table for table in TABLES if after[table] != before[table]}
    assert changed == {"incidents", "witnesses", "drafts", "audit"}
    assert all(after[table] == before[table] + 1 for table in changed)
    draft = await here.core.desk.drafts.get(UUID(answer["draft"]))
    assert (draft.incident, draft.state, draft.authors) == (UUID(answer["incident"]), DraftState.OPEN, ())
    assert (draft.content.occasion, draft.content.kind) == (Occasion.ERNSTFALL, DraftKind.ALERT)
    assert "webpush" in draft.content.channels
    assert not {"telegram", "mastodon"} & set(draft.content.channels)

    assert await post(here, raw) == (200, answer)
    status, refused = await post(here, raw.replace(b"Giftiger", b"Dichter"))
    assert (status, refused["where"]) == (409, "identifier")
    assert here.rows(*TABLES) == after


async def test_the_same_message_many_times_at_once_is_one_incident(here: Installation) -> None:
    """An authority that repeats impatiently does not open a second incident, nor see an internal error."""
    raw = message(here, "brand.hastig")
    answers = await asyncio.gather(*(post(here, raw) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({answer["incident"] for _, answer in answers}) == 1
    rows = here.rows("incidents", "witnesses", "drafts")
    assert rows == {"incidents": 1, "witnesses": 1, "drafts": 1}


async def test_what_cannot_be_taken_is_refused_and_changes_nothing(here: Installation) -> None:
    """Each refusal has its status, says what is wrong, is logged once, and leaves every table as it was."""
    good = message(here, "brand.2")
    screen = await here.screen("Rathaus")
    cases: Sequence[tuple[int, bytes, dict[str, str]]] = (
        (401, good, {"authorization": f"Bearer {WRONG}"}),
        (401, good, {"authorization": ""}),
        (401, good, {"authorization": "Basic YTpi"}),
        (403, good, {"authorization": f"Bearer {screen}"}),
        (400, b"Feuer in der Altstadt!", {}),
        (400, b"", {}),
        (400, b"<feed/>", {}),
        (400, sample("dtd_bomb"), {}),
        (400, b'<?xml version="1.0"?><!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + good[38:], {}),
        (400, sample("no_zone"), {}),
        (400, good.replace(b"<identifier>brand.2</identifier>", b""), {}),
        (413, b"<alert>" + b"x" * (20 * 1024 * 1024), {}),
        (415, good, {"content-type": "application/json"}),
    )
    before = here.rows(*TABLES)
    for expected, raw, headers in cases:
        with capture_logs() as logs:
            status, answer = await post(here, raw, **headers)
        assert (status, answer["status"]) == (expected, expected), answer
        assert re.search(r"[a-zäöüß]{4}", str(answer["title"])), answer
        told = [log for log in logs if log["log_level"] in ("warning", "error")]
        assert [log["event"] for log in told] == ["cap_refused"], (raw[:80], logs)
        assert not any(secret in str(logs) + str(answer) for secret in (here.authority_token, screen, WRONG))
        assert here.rows(*TABLES) == before, raw[:80]
    async with aiohttp.ClientSession(here.url) as session:
        assert (await session.get("/readyz")).status == 200


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("expired", "abgelaufen|vorbei|Vergangenheit|endete"),
        ("unknown_reference", "bekannt|verweist|Bezug"),
        ("crossing_polygon", "kreuz|schneid"),
        ("all_clear_double_escaped", "HTML|maskiert|Auszeichnung"),
    ],
)
async def test_an_imperfect_message_is_taken_with_its_problems_named(here: Installation, name: str, words: str) -> None:
    """201, and the draft and the answer name the same problems; none of them is in the way of an operator."""
    status, answer = await post(here, sample(name))
    assert status == 201
    assert re.search(words, " ".join(answer["problems"])), answer["problems"]
    draft = await here.core.desk.drafts.get(UUID(answer["draft"]))
    assert list(draft.problems) == answer["problems"]
    assert (await here.core.desk.overview.incident(draft.incident)).received
    here.core.desk.authoring.preview(draft.content, draft.incident)


async def test_html_in_texts_never_reaches_a_page(here: Installation) -> None:
    """Marks of HTML in a headline are named as a problem and come out of every page as text or not at all."""
    bad = "Rauch &lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt;Altstadt&lt;/b&gt;"
    status, answer = await post(here, message(here, "brand.html", headline=bad))
    assert status == 201
    assert answer["problems"]
    draft = await here.core.desk.drafts.get(UUID(answer["draft"]))
    german = draft.content.text("de")
    assert german is not None
    assert "<script" not in german.headline


async def test_an_update_of_what_we_know_becomes_a_draft_in_its_incident(here: Installation) -> None:
    """A foreign update joins its incident: as a first warning while nothing is issued, as an update afterwards."""
    desk, anna = here.core.desk, here.people[ANNA].actor
    sent = "2026-01-10T12:00:00+01:00"
    _, first = await post(here, message(here, "brand.3", sent=sent))
    references = f"<references>leitstelle@kreis.example,brand.3,{sent}</references>"
    status, early = await post(here, message(here, "brand.4", msg_type="Update", references=references))
    assert (status, early["incident"]) == (201, first["incident"])
    assert (await desk.drafts.get(UUID(early["draft"]))).content.kind is DraftKind.ALERT

    draft = await desk.drafts.get(UUID(first["draft"]))
    await here.release(await desk.authoring.submit(anna, draft.id, version=draft.version))
    status, late = await post(here, message(here, "brand.5", msg_type="Update", references=references))
    assert (status, late["incident"], late["problems"]) == (201, first["incident"], [])
    update = await desk.drafts.get(UUID(late["draft"]))
    assert update.content.kind is DraftKind.UPDATE
    await here.release(await desk.authoring.submit(anna, update.id, version=update.version))
    assert [revision.number for revision in await desk.overview.chain(update.incident)] == [1, 2]
    assert here.rows("incidents") == {"incidents": 1}


async def test_an_exercise_never_becomes_real_on_its_way_through_the_desk(here: Installation) -> None:
    """Test and Exercise become their own occasion; no edit turns them into an Ernstfall."""
    for status, occasion in (("Exercise", Occasion.UEBUNG), ("Test", Occasion.PROBEWARNUNG)):
        _, answer = await post(here, message(here, f"probe.{status}", status=status))
        draft = await here.core.desk.drafts.get(UUID(answer["draft"]))
        assert draft.content.occasion is occasion
        for other in set(Occasion) - {occasion}:
            with pytest.raises((Conflict, NotAllowed)):
                await here.core.desk.authoring.save(
                    here.people[ANNA].actor,
                    draft.id,
                    version=draft.version,
                    content=here.content(occasion=other),
                )
