"""The citizens' JSON API for reading: shape, order, exercises, caching, errors."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from realis.model.alert import Ending, Level, Occasion
from tests.support.mobile import INCIDENT, NOW, Phone, warning
from tests.unit.mobile_api.conftest import Client

OTHER = UUID(int=INCIDENT.int + 1)


async def test_what_is_in_force_and_what_ended_is_told_apart(client: Client, parts: Phone) -> None:
    """In force and ended are two lists; each entry carries words, area, history and links."""
    parts.situation.show([warning(NOW)], [warning(NOW, incident=OTHER, ending=Ending.RETRACTED)])

    answer = await (await client.get("/api/v1/alerts")).json()

    (alert,), (ended,) = answer["alerts"], answer["ended"]
    assert (alert["incident"], alert["level"], alert["occasion"], alert["ending"]) == (
        str(INCIDENT),
        2,
        "ernstfall",
        None,
    )
    assert alert["texts"]["ar"]["dir"] == "rtl"
    assert alert["texts"]["fr"]["written_in"] == "en"
    assert alert["areas"][0]["circles"] == [{"lat": 50.87, "lon": 8.02, "radius_km": 0.9}]
    assert alert["course"] == "hochwasser"
    assert alert["links"]["page"] == f"/alerts/{INCIDENT}"
    assert ended["ending"] == "retracted"
    assert [step["kind"] for step in ended["history"]] == ["alert", "retraction"]


async def test_the_chain_is_what_in_force_js_judges(client: Client, parts: Phone) -> None:
    """An expiry is no message: its link has no ending but an expiry in the past."""
    over = warning(NOW, ending=Ending.EXPIRED, expires=NOW - timedelta(minutes=1))
    parts.situation.show([], [over])

    answer = await (await client.get("/api/v1/alerts")).json()

    (link,) = answer["ended"][0]["chain"]
    assert link == {
        "revision": 1,
        "status": "Actual",
        "ending": None,
        "sent": over.sent.isoformat(),
        "expires": [over.expires.isoformat()],
    }


async def test_an_exercise_is_only_for_those_who_ask(client: Client, parts: Phone) -> None:
    """Without ``exercise=true`` an Übung is in no list and has no address; a cookie changes nothing here."""
    parts.situation.show([warning(NOW, occasion=Occasion.UEBUNG)])
    client.session.cookie_jar.update_cookies({"exercise": "1"})

    plain = await (await client.get("/api/v1/alerts")).json()
    joined = await (await client.get("/api/v1/alerts?exercise=true")).json()
    hidden = await client.get(f"/api/v1/alerts/{INCIDENT}")

    assert plain["alerts"] == []
    assert joined["alerts"][0]["texts"]["de"]["notice"].startswith("ÜBUNG")
    assert joined["alerts"][0]["chain"][0]["status"] == "Exercise"
    assert hidden.status == 404


async def test_an_unchanged_situation_is_304(client: Client, parts: Phone) -> None:
    """The ETag holds while nothing changes, although the reading's instant moves on, and breaks with a change."""
    parts.situation.show([warning(NOW)])
    first = await client.get("/api/v1/alerts")
    etag = first.headers["ETag"]
    parts.situation.as_of = NOW + timedelta(seconds=30)

    same = await client.get("/api/v1/alerts", headers={"If-None-Match": f'"x", {etag}'})
    parts.situation.show([warning(NOW, level=Level.EXTREME, revision=2)])
    changed = await client.get("/api/v1/alerts", headers={"If-None-Match": etag})

    assert (same.status, await same.read()) == (304, b"")
    assert same.headers["Realis-As-Of"] == parts.situation.as_of.isoformat()
    assert first.headers["Cache-Control"] == "no-cache"
    assert changed.status == 200


async def test_a_warning_that_runs_out_by_itself_changes_the_answer(client: Client, parts: Phone) -> None:
    """Even if the store's version stays, what is listed decides."""
    parts.situation.show([warning(NOW)])
    before = await client.get("/api/v1/alerts")
    parts.situation.in_force, parts.situation.ended = (), (warning(NOW, ending=Ending.EXPIRED),)

    after = await client.get("/api/v1/alerts", headers={"If-None-Match": before.headers["ETag"]})

    assert after.status == 200
    assert (await after.json())["ended"][0]["ending"] == "expired"


async def test_one_warning_has_its_own_address(client: Client, parts: Phone) -> None:
    """Known: the same shape as in the list. Unknown or no id at all: 404 as problem+json with a remedy."""
    parts.situation.show([warning(NOW)])

    found = await client.get(f"/api/v1/alerts/{INCIDENT}")
    missing = await client.get(f"/api/v1/alerts/{OTHER}")
    nonsense = await client.get("/api/v1/alerts/%3Cscript%3E")

    assert (await found.json())["identifier"] == f"realis.{INCIDENT}.1"
    assert (missing.status, missing.content_type) == (404, "application/problem+json")
    assert (await missing.json())["remedy"].startswith("Auf der Startseite")
    assert nonsense.status == 404


async def test_places_and_courses_are_listed(client: Client) -> None:
    """A phone finds the places to choose, and courses in its language with questions and reasons."""
    places = await (await client.get("/api/v1/places")).json()
    courses = await (await client.get("/api/v1/courses?lang=de")).json()
    course = await (await client.get("/api/v1/courses/hochwasser?lang=de")).json()

    assert places["places"][0] == {
        "id": "mitte",
        "name": "Siegen-Mitte",
        "lat": 50.8749,
        "lon": 8.0243,
        "radius_km": 1.4,
        "approximate": True,
    }
    assert "hochwasser" in {entry["slug"] for entry in courses["courses"]}
    assert course["cards"]
    assert all(question["why"] for question in course["quiz"])
    assert (await client.get("/api/v1/courses/unbekannt")).status == 404
