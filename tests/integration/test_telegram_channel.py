"""The Telegram channel against npm telegram-test-api, a peer written by others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import SecretStr

from channels.telegram.channel import ANSWER_BYTES, Config, Telegram
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.model.draft import Rendered
from realis.ports.channel import Message, MessageKind
from tests.fakes.channel_messages import ENDINGS, account, message, rendered, saying
from tests.fakes.telegram import TelegramPeer, Told

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="module")]
TOKEN = "123456:test-token"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[TelegramPeer]:
    async with TelegramPeer() as peer:
        yield peer


@pytest.fixture
def peer(running: TelegramPeer) -> TelegramPeer:
    running.told.clear()
    running.calls.clear()
    return running


@pytest_asyncio.fixture(loop_scope="module")
async def channel(peer: TelegramPeer) -> AsyncIterator[Telegram]:
    egress = Egress(LoopbackOnly(), total_timeout_s=5, body_limit=ANSWER_BYTES)
    yield Telegram(egress, Config(token=SecretStr(TOKEN), chat_id="-1001", base_url=peer.base_url))
    await egress.close()


async def deliver(channel: Telegram, what: Message, ref: str | None = None) -> Outcome:
    (outcome,) = await channel.send(what, [account(ref)])
    return outcome


async def shown(channel: Telegram, what: Message, ref: str | None = None) -> str:
    outcome = await deliver(channel, what, ref)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.ref
    return outcome.ref


async def test_posts_the_whole_text_once(channel: Telegram, peer: TelegramPeer) -> None:
    """A warning becomes one post whose words are the rendered ones, escaped for HTML, notice first."""
    await shown(channel, message())
    post = (await peer.held(TOKEN))[-1]
    assert post["parse_mode"] == "HTML"
    assert post["text"].startswith("ÜBUNG – keine echte Gefahr: Extreme Gefahr")
    assert "<b>Hochwasser an der Sieg</b>" in post["text"]
    assert "&gt; 4 m &amp; steigt" in post["text"]
    assert "&lt;sofort&gt;" in post["text"]
    assert [method for method, _ in peer.calls] == ["sendMessage"]


async def test_silent_update_only_edits(channel: Telegram, peer: TelegramPeer) -> None:
    """An update that replaces quietly changes the post and sends nothing new."""
    ref = await shown(channel, message())
    assert await shown(channel, saying("Pegel steht"), ref) == ref
    assert [method for method, _ in peer.calls] == ["sendMessage", "editMessageText"]
    assert "Pegel steht" in (await peer.held(TOKEN))[-1]["text"]


async def test_realert_edits_and_replies(channel: Telegram, peer: TelegramPeer) -> None:
    """An update that alarms again edits the post and answers it with a short, sounding post; the ref stays."""
    ref = await shown(channel, message())
    assert await shown(channel, saying("Pegel steigt", realert=True), ref) == ref
    method, reply = peer.calls[-1]
    assert (method, reply["reply_parameters"]["message_id"]) == ("sendMessage", int(ref))
    assert not reply.get("disable_notification")
    assert "Pegel steigt" in reply["text"]
    assert "obere Stockwerke" not in reply["text"]


@pytest.mark.parametrize("kind", ENDINGS)
async def test_endings_edit_and_reply(channel: Telegram, peer: TelegramPeer, kind: MessageKind) -> None:
    """Each ending edits the post and answers it in its own words, even when told to replace quietly."""
    ref = await shown(channel, message())
    await shown(channel, message(kind, revision=2, realert=False), ref)
    (_, edit), (_, reply) = peer.calls[-2:]
    assert rendered(kind).kind in edit["text"]
    assert rendered(kind).kind in reply["text"]


async def test_vanished_post_is_posted_anew(channel: Telegram, peer: TelegramPeer) -> None:
    """When the post is gone, the update becomes a new post with a new ref and no reply to nothing."""
    ref = await shown(channel, message())
    peer.forget(int(ref))
    renewed = await shown(channel, saying("Neu", realert=True), ref)
    assert renewed != ref
    assert [method for method, _ in peer.calls] == ["sendMessage", "editMessageText", "sendMessage"]


async def test_repeated_edit_is_success(channel: Telegram) -> None:
    """An edit repeated after a crash ("message is not modified") is accepted."""
    ref = await shown(channel, message())
    assert await shown(channel, saying("Gleich"), ref) == ref
    assert await shown(channel, saying("Gleich"), ref) == ref


async def test_longest_text_is_taken(channel: Telegram) -> None:
    """A text of exactly 4,096 UTF-16 units is taken, though its marks make the request longer."""
    await shown(channel, message(text=_filled(4096)))


async def test_too_long_is_too_large(channel: Telegram) -> None:
    """One unit more is refused as too large; the channel never cuts."""
    outcome = await deliver(channel, message(text=_filled(4097)))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.TOO_LARGE


@pytest.mark.parametrize(
    ("told", "kind", "wait_s"),
    [
        (Told(429, "Too Many Requests: retry after 7", {"retry_after": 7}), FailureKind.RATE_LIMITED, 7.0),
        (Told(403, "Forbidden: bot was kicked from the channel chat"), FailureKind.AUTH, None),
        (Told(401, "Unauthorized"), FailureKind.AUTH, None),
        (Told(404, "Not Found"), FailureKind.AUTH, None),
        (Told(400, "Bad Request: chat not found"), FailureKind.REJECTED, None),
        (Told(500, "Internal Server Error"), FailureKind.UNAVAILABLE, None),
        (Told(502, "Bad Gateway"), FailureKind.UNAVAILABLE, None),
    ],
)
async def test_refusals(
    channel: Telegram, peer: TelegramPeer, told: Told, kind: FailureKind, wait_s: float | None
) -> None:
    """Each refusal of the Bot API becomes the outcome the retry rules expect."""
    peer.told.append(told)
    outcome = await deliver(channel, message())
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retry_after_s) == (kind, wait_s)


async def test_unreadable_html_goes_out_plain_once(channel: Telegram, peer: TelegramPeer) -> None:
    """When Telegram cannot read the HTML, the same words go out once more without marks."""
    peer.told.append(Told(400, "Bad Request: can't parse entities: Unsupported start tag"))
    await shown(channel, message())
    (_, first), (_, second) = peer.calls
    assert first["parse_mode"] == "HTML"
    assert "parse_mode" not in second
    assert "Gehen Sie <sofort> in obere Stockwerke." in second["text"]


async def test_a_group_that_moved_is_followed(channel: Telegram, peer: TelegramPeer) -> None:
    """A group that became a supergroup is answered at its new id at once."""
    peer.told.append(Told(400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -100777}))
    await shown(channel, message())
    assert peer.calls[-1][1]["chat_id"] == -100777


def _filled(length: int) -> Rendered:
    """A text of this many UTF-16 units with single line breaks."""
    text = rendered()
    return replace(text, description="ü" * (length - len(text.text) + len(text.description)))
