"""The channel "CAP-Feed": readers fetch the feeds, so a message counts as accepted once it is committed.

The feeds themselves are pages (``mobile_api.cap_feeds``). This module opens no socket and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.model.delivery import Accepted, Outcome
from realis.ports.channel import ChannelCapabilities, Message, Target


class Feeds:
    """Accepts everything: what is committed is in the feed already."""

    name = "feeds"
    label = "CAP-Feed"
    capabilities = ChannelCapabilities(length=20_000, per_language=False, public=True)
    unavailable_reason = ""

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Accept every target."""
        return [Accepted() for _ in targets]

    async def close(self) -> None:
        """Nothing to give back."""


SPEC = ChannelSpec(
    name=Feeds.name,
    label=Feeds.label,
    capabilities=Feeds.capabilities,
    config=ChannelConfig,
    make=lambda _config, _context: Feeds(),
    account=True,
)
