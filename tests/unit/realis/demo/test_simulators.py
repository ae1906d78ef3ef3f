"""The demo's stand-ins refuse what the real services refuse, stay on loopback, and show every version of a post."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from realis.demo.simulated_mastodon import length
from realis.demo.simulated_telegram import UnreadableHtmlError, read_html
from realis.demo.simulator_page import MAX_POSTS, MAX_VERSIONS, Simulator
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram

Json = dict[str, Any]  # Any: JSON of two foreign APIs
BEARER = {"Authorization": "Bearer demo"}


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[SimulatedTelegram]:
    async with SimulatedTelegram() as running:
        yield running


@pytest_asyncio.fixture
async def mastodon() -> AsyncIterator[SimulatedMastodon]:
    async with SimulatedMastodon() as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


async def bot(http: aiohttp.ClientSession, service: SimulatedTelegram, method: str, **sent: object) -> Json:
    async with http.post(f"{service.base_url}/bot1:demo/{method}", json={"chat_id": "@stadt", **sent}) as answer:
        found: Json = await answer.json()
        assert answer.status == found.get("error_code", 200)
        return found


async def toot(http: aiohttp.ClientSession, service: SimulatedMastodon, text: str, **headers: str) -> tuple[int, Json]:
    url = f"{service.base_url}/api/v1/statuses"
    async with http.post(url, json={"status": text}, headers={**BEARER, **headers}) as answer:
        return answer.status, await answer.json()


async def page(http: aiohttp.ClientSession, service: Simulator) -> str:
    async with http.get(service.page_url) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_telegram_refuses_like_the_real_server(http: aiohttp.ClientSession, telegram: SimulatedTelegram) -> None:
    """Unknown posts, unchanged edits, broken marks, empty and too long texts get the Bot API's own words."""
    post = (await bot(http, telegram, "sendMessage", text="eins"))["result"]["message_id"]
    refusals = [
        await bot(http, telegram, "editMessageText", message_id=99, text="x"),
        await bot(http, telegram, "editMessageText", message_id=post, text="eins"),
        await bot(http, telegram, "sendMessage", text="<h1>x</h1>", parse_mode="HTML"),
        await bot(http, telegram, "sendMessage", text="<b>x", parse_mode="HTML"),
        await bot(http, telegram, "sendMessage", text=" "),
        await bot(http, telegram, "sendMessage", text="🌊" * 2049),
        await bot(http, telegram, "sendPhoto"),
    ]
    words = ["to edit not found", "not modified", "can't parse", "can't parse", "empty", "too long", "Not Found"]
    for refused, word in zip(refusals, words, strict=True):
        assert word in refused["description"]
    assert [entry.text for entry in telegram.posts] == ["eins"]


async def test_telegram_counts_after_reading_marks(http: aiohttp.ClientSession, telegram: SimulatedTelegram) -> None:
    """4,096 units fit although marks and entities make the request longer; they show as words."""
    text = f"<b>{'&amp;' * 4096}</b>"
    assert (await bot(http, telegram, "sendMessage", text=text, parse_mode="HTML"))["ok"]
    assert telegram.posts[0].text == "&" * 4096


async def test_telegram_introduces_itself(http: aiohttp.ClientSession, telegram: SimulatedTelegram) -> None:
    """getMe answers like a bot."""
    assert (await bot(http, telegram, "getMe"))["result"]["is_bot"] is True


async def test_edits_stay_visible_on_the_page(http: aiohttp.ClientSession, telegram: SimulatedTelegram) -> None:
    """The page names the staging, shows what a post says now and what it said before, and escapes all of it."""
    post = (await bot(http, telegram, "sendMessage", text="Der <Pegel> steigt"))["result"]["message_id"]
    await bot(http, telegram, "editMessageText", message_id=post, text="<b>Entwarnung</b>", parse_mode="HTML")
    reply = {"message_id": post}
    await bot(http, telegram, "sendMessage", text="Ruf", reply_parameters=reply, disable_notification=True)
    shown = await page(http, telegram)
    assert "<title>Nachgestellter Telegram-Kanal (Demo)</title>" in shown
    assert "keine echte Warnung" in shown
    assert shown.index("<b>Entwarnung</b>") < shown.index("Der &lt;Pegel&gt; steigt")
    assert "Frühere Fassungen (1)" in shown
    assert 'href="#post-1"' in shown
    assert "ohne Ton" in shown


async def test_pages_are_strict(http: aiohttp.ClientSession, mastodon: SimulatedMastodon) -> None:
    """No inline script or style, no address outside, own assets only, and a list that is sent once per change."""
    shown = await page(http, mastodon)
    assert "<style" not in shown
    assert "style=" not in shown
    assert "<script>" not in shown
    assert "https://" not in shown
    for asset in ("standin.css", "standin.js", "standin-mastodon.svg"):
        async with http.get(f"{mastodon.base_url}/static/{asset}") as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    async with http.get(f"{mastodon.base_url}/posts") as first:
        tag = first.headers["ETag"]
    async with http.get(f"{mastodon.base_url}/posts", headers={"If-None-Match": tag}) as again:
        assert again.status == 304
    await toot(http, mastodon, "neu")
    async with http.get(f"{mastodon.base_url}/posts", headers={"If-None-Match": tag}) as changed:
        assert "neu" in await changed.text()


async def test_mastodon_key_makes_one_status(http: aiohttp.ClientSession, mastodon: SimulatedMastodon) -> None:
    """One Idempotency-Key is one status; another key another one."""
    keys = ("a", "a", "b")
    answers = [await toot(http, mastodon, "Text", **{"Idempotency-Key": key}) for key in keys]
    assert [answer["id"] for _, answer in answers] == ["1", "1", "2"]


async def test_mastodon_refuses_like_the_real_server(http: aiohttp.ClientSession, mastodon: SimulatedMastodon) -> None:
    """No token is 401, too long or empty 422, an unknown status or thread 404."""
    url = f"{mastodon.base_url}/api/v1/statuses"
    assert (await toot(http, mastodon, "x" * 501))[0] == 422
    assert (await toot(http, mastodon, ""))[0] == 422
    assert (await toot(http, mastodon, "x", Authorization="Bearer "))[0] == 401
    async with http.put(f"{url}/7", json={"status": "x"}, headers=BEARER) as answer:
        assert answer.status == 404
    async with http.post(url, json={"status": "x", "in_reply_to_id": "7"}, headers=BEARER) as answer:
        assert answer.status == 404
    assert not mastodon.posts


async def test_mastodon_edit_keeps_history(http: aiohttp.ClientSession, mastodon: SimulatedMastodon) -> None:
    """An edit keeps the id and the history; the same words again change nothing."""
    _, made = await toot(http, mastodon, "eins")
    url = f"{mastodon.base_url}/api/v1/statuses/{made['id']}"
    for _ in range(2):
        async with http.put(url, json={"status": "zwei"}, headers=BEARER) as answer:
            assert answer.status == 200
    async with http.get(f"{url}/history") as answer:
        assert [version["content"] for version in await answer.json()] == ["<p>eins</p>", "<p>zwei</p>"]


def test_mastodon_counts_links_as_23() -> None:
    """Length is graphemes, with every link at 23."""
    assert length("👨‍👩‍👧‍👦 ü") == 3
    assert length("https://warnung.example/" + "x" * 200) == 23


async def test_memory_is_bounded() -> None:
    """Old posts and old versions fall off; numbers are never used twice."""
    async with SimulatedTelegram() as service:
        for number in range(MAX_POSTS + 5):
            service.board.add(read_html(str(number)))
        post = service.posts[-1]
        for number in range(MAX_VERSIONS + 5):
            post = service.board.edit(post, read_html(f"v{number}"))
        assert len(service.posts) == MAX_POSTS
        assert [service.posts[0].id, post.id, len(post.versions)] == [6, MAX_POSTS + 5, MAX_VERSIONS]
        service.board.remove(post.id)
        assert service.board.find(post.id) is None


async def test_loopback_only_and_a_taken_port_says_so(telegram: SimulatedTelegram) -> None:
    """It listens on 127.0.0.1, and a second one on the same port fails cleanly."""
    assert telegram.base_url.startswith("http://127.0.0.1:")
    port = int(telegram.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match=str(port)):
        async with SimulatedMastodon(port):
            pass


def test_html_is_read_like_telegram_does() -> None:
    """Bold is kept, other known marks are words only, unknown or crossed ones are refused."""
    runs = read_html("a &lt; <b>b<i>c</i></b> d")
    assert "".join(run.text for run in runs) == "a < bc d"
    assert "".join(run.text for run in runs if run.bold) == "bc"
    for broken in ("<img src=x>", "<b><i>x</b></i>", "x</b>", "<b>"):
        with pytest.raises(UnreadableHtmlError):
            read_html(broken)
