"""The channel "Von Hand" lays texts out and claims nothing more."""

from __future__ import annotations

from channels.manual import ByHand
from realis.model.delivery import Accepted
from realis.ports.channel import MessageKind
from tests.fakes.channel_messages import account, message


async def test_laid_out_without_a_ref() -> None:
    """Every message, also an ending, is accepted without a ref: what a person did is confirmed elsewhere."""
    channel = ByHand()
    targets = [account(number=1), account(number=2)]
    for kind in (MessageKind.ALERT, MessageKind.UPDATE, MessageKind.RETRACTION):
        assert await channel.send(message(kind), targets) == [Accepted(None), Accepted(None)]
    await channel.close()


def test_declares_itself() -> None:
    """It carries long texts in one language and is no public account."""
    limits = ByHand().capabilities
    assert ByHand().label == "Von Hand"
    assert limits.length >= 10_000
    assert [limits.public, limits.per_language, limits.edits, limits.geo_targeted] == [False] * 4
