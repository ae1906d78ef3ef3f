"""The feeds over real HTTP: types, caching, bytes, and who may fetch what."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mobile_api import cap_feeds
from realis.model.alert import Ending, Occasion
from realis.ports.installation import City
from realis.web.problem import middleware
from tests.fakes.warning_views import HeldActiveAlerts, view
from tests.support.wording import german, messages

CITY = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example", "", ("de",))
REAL = b'<?xml version="1.0"?>\n<alert>\r\n <!-- signed -->\xc3\x84 </alert>\n'
DRILL = b"<alert>drill</alert>"

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def situation() -> HeldActiveAlerts:
    messages = {"siegen.1": (Occasion.ERNSTFALL, REAL), "siegen.2": (Occasion.UEBUNG, DRILL)}
    return HeldActiveAlerts(view(1), view(2, Occasion.UEBUNG), messages=messages)


@pytest_asyncio.fixture
async def client(situation: HeldActiveAlerts) -> AsyncIterator[Client]:
    errors = middleware(lambda _request, status, error: _page(status, german(error).title if error else ""), messages())
    app = web.Application(middlewares=[errors])
    cap_feeds.register(app, active_alerts=situation, city=CITY)
    async with TestClient(TestServer(app)) as running:
        yield running


def _page(status: int, what: str) -> web.Response:
    return web.Response(status=status, text=what)


async def test_feed_is_atom_and_revalidates(client: Client, situation: HeldActiveAlerts) -> None:
    """The feed has Atom's type, asks to be revalidated, answers 304 while unchanged, and 200 after an ending."""
    first = await client.get("/feeds/cap.atom")
    assert (first.status, first.content_type) == (200, "application/atom+xml")
    assert first.headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": first.headers["ETag"]}
    again = await client.get("/feeds/cap.atom", headers=known)
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    situation.views[0] = view(1, revision=2, ending=Ending.ALL_CLEAR)
    changed = await client.get("/feeds/cap.atom", headers=known)
    assert changed.status == 200
    assert "Entwarnung" in await changed.text()


async def test_exercises_stay_on_their_shelf(client: Client) -> None:
    """The public feed never mentions an exercise; the exercise feed holds nothing else."""
    public = await (await client.get("/feeds/cap.atom")).text()
    exercise = await (await client.get("/feeds/exercise/cap.atom")).text()
    assert ["Exercise" in public, "ÜBUNG" in public] == [False, False]
    assert ["Actual" in exercise, exercise.count("<entry")] == [False, 1]


async def test_message_leaves_byte_for_byte(client: Client) -> None:
    """A CAP message arrives exactly as it was issued, so that its signature holds."""
    answer = await client.get("/cap/siegen.1.xml")
    assert (answer.status, answer.content_type) == (200, "application/cap+xml")
    assert await answer.read() == REAL
    same = await client.get("/cap/siegen.1.xml", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/cap/siegen.2.xml", 404),
        ("/feeds/exercise/cap/siegen.2.xml", 200),
        ("/feeds/exercise/cap/siegen.1.xml", 404),
        ("/cap/nothing.xml", 404),
        ("/cap/..%2f..%2fetc%2fpasswd.xml", 404),
        ("/cap/siegen.1", 404),
    ],
)
async def test_each_message_has_one_address(client: Client, path: str, status: int) -> None:
    """An exercise is found under the exercise feed only, anything real or unknown is not."""
    assert (await client.get(path)).status == status
