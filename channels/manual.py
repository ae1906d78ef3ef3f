"""The channel "Von Hand": the finished text lies on the desk for a person to carry on.

For loudspeaker vans, the hotline, a notice board, or a service REALIS cannot reach. An update lays out a new
text that must be ticked again; so does each of the three endings, in its own words. The tick (who and when)
arrives through ``Confirmations``, never here: this module opens no socket and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.model.delivery import Accepted, Outcome
from realis.ports.channel import ChannelCapabilities, Message, Target

_CAPABILITIES = ChannelCapabilities(length=20_000, per_language=False)


class ByHand:
    """Always takes a message: accepted means laid out, confirmed means a person says it is done."""

    name = "by_hand"
    label = "Von Hand"
    capabilities = _CAPABILITIES
    unavailable_reason = ""

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Accept every target; the desk shows the stored text."""
        return [Accepted() for _ in targets]

    async def close(self) -> None:
        """Nothing to give back."""


SPEC = ChannelSpec(
    name=ByHand.name,
    label=ByHand.label,
    capabilities=ByHand.capabilities,
    config=ChannelConfig,
    make=lambda _config, _context: ByHand(),
    account=True,
)
