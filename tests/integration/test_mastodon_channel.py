"""The Mastodon channel against PyPI mastodon-mock, a peer written by others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import SecretStr

from channels.mastodon import ANSWER_BYTES, Config, Mastodon
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.model.draft import Rendered
from realis.ports.channel import Message, MessageKind
from tests.fakes.channel_messages import ENDINGS, account, message, rendered, saying
from tests.fakes.mastodon import MastodonPeer, Status

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer() -> AsyncIterator[MastodonPeer]:
    async with MastodonPeer() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def channel(peer: MastodonPeer) -> AsyncIterator[Mastodon]:
    egress = Egress(LoopbackOnly(), total_timeout_s=5, body_limit=ANSWER_BYTES)
    yield Mastodon(egress, Config(base_url=peer.base_url, token=SecretStr(peer.token)))
    await egress.close()


async def deliver(channel: Mastodon, what: Message, ref: str | None = None) -> Outcome:
    (outcome,) = await channel.send(what, [account(ref)])
    return outcome


async def shown(channel: Mastodon, what: Message, ref: str | None = None) -> str:
    outcome = await deliver(channel, what, ref)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.ref
    return outcome.ref


async def test_same_message_twice_is_one_status(channel: Mastodon, peer: MastodonPeer) -> None:
    """A message repeated after a lost answer meets its own status (Idempotency-Key)."""
    first = await shown(channel, saying("Zweimal", MessageKind.ALERT, revision=11))
    before = len(await peer.mine())
    assert await shown(channel, saying("Zweimal", MessageKind.ALERT, revision=11)) == first
    assert len(await peer.mine()) == before


async def test_posts_public_in_the_texts_language(channel: Mastodon, peer: MastodonPeer) -> None:
    """The status is public, says its language, and holds the rendered words, notice first."""
    status = await peer.status(await shown(channel, saying("Öffentlich", MessageKind.ALERT, revision=12)))
    assert (status["visibility"], status["language"]) == ("public", "de")
    assert "ÜBUNG – keine echte Gefahr: Extreme Gefahr" in status["content"].split("Öffentlich")[0]


async def test_silent_update_edits_and_keeps_history(channel: Mastodon, peer: MastodonPeer) -> None:
    """An update that replaces quietly edits the status; Mastodon keeps both versions; nothing new is posted."""
    ref = await shown(channel, saying("Erst", MessageKind.ALERT, revision=21))
    before = len(await peer.mine())
    assert await shown(channel, saying("Dann", revision=22), ref) == ref
    versions = await peer.history(ref)
    assert ["Erst" in versions[0]["content"], "Dann" in versions[-1]["content"]] == [True, True]
    assert len(await peer.mine()) == before


async def test_realert_replies_once(channel: Mastodon, peer: MastodonPeer) -> None:
    """An update that alarms again edits and replies; the same update repeated does not reply twice."""
    ref = await shown(channel, saying("Lage", MessageKind.ALERT, revision=31))
    for _ in range(2):
        assert await shown(channel, saying("Neue Lage", revision=32, realert=True), ref) == ref
    replies = [status for status in await peer.mine() if status["in_reply_to_id"] == ref]
    assert len(replies) == 1
    assert "Neue Lage" in replies[0]["content"]
    assert "obere Stockwerke" not in replies[0]["content"]


@pytest.mark.parametrize("kind", ENDINGS)
async def test_endings_edit_and_reply(channel: Mastodon, peer: MastodonPeer, kind: MessageKind) -> None:
    """Each ending edits the status and answers it in its own words."""
    revision = 40 + 2 * ENDINGS.index(kind)
    ref = await shown(channel, message(revision=revision))
    await shown(channel, message(kind, revision=revision + 1, realert=False), ref)
    (reply,) = [status for status in await peer.mine() if status["in_reply_to_id"] == ref]
    assert rendered(kind).kind in (await peer.status(ref))["content"]
    assert rendered(kind).kind in reply["content"]


async def test_vanished_status_is_posted_anew(channel: Mastodon, peer: MastodonPeer) -> None:
    """When the status is gone, the update becomes a new status with a new ref."""
    ref = await shown(channel, message(revision=51))
    await peer.delete(ref)
    renewed = await shown(channel, saying("Neu", revision=52), ref)
    assert renewed != ref
    assert "Neu" in (await peer.status(renewed))["content"]


async def test_500_characters_are_taken_and_501_refused(channel: Mastodon) -> None:
    """Exactly the limit is taken; one more is refused for good, and the channel never cuts."""
    await shown(channel, message(revision=61, text=_filled(500)))
    outcome = await deliver(channel, message(revision=62, text=_filled(501)))
    assert isinstance(outcome, Failed)
    assert outcome.kind in (FailureKind.REJECTED, FailureKind.TOO_LARGE)


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ({"type": "ratelimit"}, FailureKind.RATE_LIMITED),
        ({"type": "status", "status": 401}, FailureKind.AUTH),
        ({"type": "status", "status": 403}, FailureKind.AUTH),
        ({"type": "status", "status": 503}, FailureKind.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_faults(channel: Mastodon, peer: MastodonPeer, effect: Status, kind: FailureKind, method: str) -> None:
    """Each fault of the server becomes the outcome the retry rules expect, for posts and for edits."""
    await peer.fault(effect, method=method)
    outcome = await deliver(channel, message(revision=71), None if method == "POST" else "1")
    assert isinstance(outcome, Failed)
    assert outcome.kind is kind


async def test_unreadable_success_is_tried_again(channel: Mastodon, peer: MastodonPeer) -> None:
    """A success whose body cannot be read is repeated: the key keeps it from becoming two statuses."""
    await peer.fault({"type": "malformed"}, method="POST")
    outcome = await deliver(channel, message(revision=73))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.UNAVAILABLE


async def test_rate_limit_says_how_long(channel: Mastodon, peer: MastodonPeer) -> None:
    """A rate limit names the seconds to wait, which the retry rules take as a floor."""
    await peer.fault({"type": "ratelimit"}, method="POST")
    outcome = await deliver(channel, message(revision=72))
    assert isinstance(outcome, Failed)
    assert outcome.retry_after_s == 300.0


async def test_wrong_token_is_an_auth_failure(peer: MastodonPeer) -> None:
    """A token the server does not know puts the channel on hold instead of losing the warning."""
    egress = Egress(LoopbackOnly(), total_timeout_s=5, body_limit=ANSWER_BYTES)
    stranger = Mastodon(egress, Config(base_url=peer.base_url, token=SecretStr("wrong")))
    outcome = await deliver(stranger, message(revision=81))
    await egress.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.AUTH


def _filled(length: int) -> Rendered:
    """A text of this many characters; without a link, whose weight of 23 the peer does not know."""
    text = replace(rendered(), link="")
    return replace(text, description="ü" * (length - len(text.text) + len(text.description)))
