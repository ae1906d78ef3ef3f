"""The feeds as a channel."""

from __future__ import annotations

from channels.cap_feeds import Feeds
from realis.model.delivery import Accepted
from tests.fakes.channel_messages import account, message


async def test_sending_is_accepting() -> None:
    """The feed takes everything: readers fetch what is committed."""
    channel = Feeds()
    assert await channel.send(message(), [account(), account()]) == [Accepted(), Accepted()]
    await channel.close()
