"""Push subscriptions: made, repeated, changed and deleted by their phone; bad input is refused in words."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from realis.model.area import cell_of
from tests.support.mobile import NOW, VAPID_KEY, Phone, phone
from tests.unit.mobile_api.conftest import Client

URL = "/api/v1/push/subscriptions"
Body = dict[str, object]


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


POINT = ec.generate_private_key(ec.SECP256R1()).public_key()
KEYS = {
    "p256dh": _base64(POINT.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
    "auth": _base64(b"0123456789abcdef"),
}


def body(**changes: object) -> Body:
    """A good subscription with changes."""
    good: Body = {
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "keys": KEYS,
        "language": "tr",
        "places": ["weidenau"],
    }
    return good | changes


def bearer(made: Mapping[str, object]) -> dict[str, str]:
    """The header that proves ownership."""
    return {"Authorization": f"Bearer {made['token']}"}


async def test_a_phone_subscribes_with_language_and_places(client: Client, parts: Phone) -> None:
    """201 with id and token; stored are address, language and coarse cells around the places."""
    response = await client.post(URL, json=body())

    made = await response.json()
    stored = parts.targets.stored[made["id"]]
    assert response.status == 201
    assert made["token"]
    assert (stored.channel, stored.language, stored.everywhere, stored.joined) == ("webpush", "tr", False, False)
    assert cell_of(50.8936, 8.0285) in stored.places
    assert cell_of(50.8440, 7.9920) not in stored.places
    assert stored.origin == "https://updates.push.services.mozilla.com"


async def test_the_same_endpoint_again_updates(client: Client, parts: Phone) -> None:
    """An app that sends its subscription at every start stays one subscription with one token."""
    first = await (await client.post(URL, json=body())).json()
    second = await (await client.post(URL, json=body(language="ar", everywhere=True, places=[]))).json()

    assert first == second
    (stored,) = parts.targets.stored.values()
    assert (stored.language, stored.everywhere, stored.places) == ("ar", True, frozenset())


async def test_in_the_demo_every_phone_has_joined() -> None:
    """The demo knows exercises only, so everybody takes part."""
    parts = phone(NOW, demo=True)
    async with TestClient(TestServer(parts.app)) as client:
        await client.post(URL, json=body(joined=False))

    assert [target.joined for target in parts.targets.stored.values()] == [True]


async def test_who_joins_also_sees_the_exercises(client: Client) -> None:
    """Joining by the form sets the pages' cookie; without joining there is none."""
    plain = await client.post(URL, json=body())
    joined = await client.post(URL, json=body(joined=True))

    assert "exercise" not in plain.cookies
    assert joined.cookies["exercise"].value == "1"


async def test_a_change_leaves_the_rest(client: Client, parts: Phone) -> None:
    """What a PATCH does not name stays; naming places ends "everywhere"."""
    made = await (await client.post(URL, json=body())).json()
    identity = {"endpoint": body()["endpoint"], "keys": KEYS}
    before = parts.targets.stored[made["id"]].places

    spoken = await client.patch(f"{URL}/{made['id']}", json={**identity, "language": "pl"}, headers=bearer(made))
    everywhere = await client.patch(f"{URL}/{made['id']}", json={**identity, "everywhere": True}, headers=bearer(made))
    back = await client.patch(f"{URL}/{made['id']}", json={**identity, "places": ["mitte"]}, headers=bearer(made))

    assert (await spoken.json())["cells"] == sorted(before)
    assert (await everywhere.json())["cells"] == []
    assert (await back.json())["everywhere"] is False
    assert parts.targets.stored[made["id"]].language == "pl"


async def test_a_phone_reads_and_deletes_what_we_hold(client: Client, parts: Phone) -> None:
    """GET tells everything but the address; DELETE leaves nothing behind."""
    made = await (await client.post(URL, json=body())).json()

    held = await client.get(f"{URL}/{made['id']}", headers=bearer(made))
    gone = await client.delete(f"{URL}/{made['id']}", headers=bearer(made))
    again = await client.delete(f"{URL}/{made['id']}", headers=bearer(made))

    assert set(await held.json()) == {"id", "language", "everywhere", "cells", "joined"}
    assert (gone.status, parts.targets.stored) == (204, {})
    assert again.status == 404


async def test_nobody_else_can_touch_it(client: Client, parts: Phone) -> None:
    """No token, a wrong one, or another phone's: nothing is read, changed or deleted."""
    made = await (await client.post(URL, json=body())).json()
    other = await (await client.post(URL, json=body(endpoint="https://fcm.googleapis.com/fcm/send/other"))).json()
    tries = [{}, {"Authorization": "Bearer abc.def"}, {"Authorization": f"Basic {made['token']}"}]

    statuses = [(await client.delete(f"{URL}/{made['id']}", headers=headers)).status for headers in tries]
    foreign = await client.delete(f"{URL}/{made['id']}", headers=bearer(other))

    assert statuses == [401, 401, 401]
    assert foreign.status == 404
    assert len(parts.targets.stored) == 2


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"endpoint": "https://fcm.googleapis.com/" + "x" * 5000}, "endpoint"),
        ({"endpoint": "http://127.0.0.1/push"}, "endpoint"),
        ({"endpoint": "https://127.0.0.1/push"}, "endpoint"),
        ({"endpoint": 7}, "endpoint"),
        ({"keys": {"p256dh": "AAAA", "auth": "AAAA"}}, "p256dh"),
        ({"keys": {"p256dh": "AAAA"}}, "keys.auth"),
        ({"language": "kl"}, "language"),
        ({"places": ["atlantis"]}, "places"),
        ({"places": []}, "places"),
        ({"places": ["mitte"] * 101}, "places"),
        ({"everywhere": "yes"}, "everywhere"),
        ({"email": "a@b.example"}, "email"),
    ],
)
async def test_bad_input_is_refused_in_words(client: Client, parts: Phone, changes: Body, where: str) -> None:
    """422 as problem+json that names the field in a sentence; nothing is stored."""
    response = await client.post(URL, json=body(**changes))

    problem = await response.json()
    assert (response.status, response.content_type) == (422, "application/problem+json")
    assert problem["where"].startswith(where)
    assert problem["title"].endswith(".")
    assert parts.targets.stored == {}


async def test_every_faulty_field_is_named_in_the_language_asked_for(client: Client) -> None:
    """Several faults come as a list, each with its field, in the words of Accept-Language."""
    answer = await client.post(URL, json=body(everywhere="yes", email="x"), headers={"Accept-Language": "pl"})

    problem = await answer.json()
    assert {(one["where"], one["code"]) for one in problem["errors"]} == {
        ("everywhere", "boolean-expected"),
        ("email", "field-unknown"),
    }
    assert {one["title"] for one in problem["errors"]} == {
        "Tu oczekiwane jest true lub false.",
        "Takie pole nie istnieje.",
    }
    assert answer.headers["Content-Language"] == "pl"


async def test_what_is_no_json_or_too_much_is_refused(client: Client, parts: Phone) -> None:
    """Broken JSON and a body beyond the bound: refused, and the connection stays usable."""
    broken = await client.post(URL, data=b"{", headers={"Content-Type": "application/json"})
    huge = await client.post(URL, data=b" " * 100_000)
    fine = await client.post(URL, json=body())

    assert (broken.status, huge.status, fine.status) == (422, 422, 201)
    assert "8192" in (await huge.json())["title"]


async def test_the_public_key_is_told(client: Client) -> None:
    """What ``pushManager.subscribe()`` needs."""
    assert await (await client.get("/api/v1/push/key")).json() == {"public_key": VAPID_KEY}
