"""The channel to screens: a dispatch is a hint that the active alerts changed.

The gateway reads the store and sends the state; ``confirmed`` comes later, when a screen answers ``shown``. No sockets,
no screens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.model.delivery import Accepted, Outcome
from realis.ports.channel import ChannelCapabilities, LengthUnit, Message, Target
from realis.ports.events import Events, Topic

NAME = "display"
"""The channel's name; screens are its targets."""

LABEL = "Bildschirme"

CAPABILITIES = ChannelCapabilities(
    length=700,
    unit=LengthUnit.GRAPHEMES,
    per_language=True,
    concurrency=1,
    batch=500,
    public=False,
    geo_targeted=True,
)


@dataclass(frozen=True, slots=True)
class Screens:
    """The channel "Bildschirme"."""

    events: Events
    name: str = NAME
    label: str = LABEL
    capabilities: ChannelCapabilities = CAPABILITIES
    unavailable_reason: str = ""

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Hint the gateways to read the active alerts anew. Accepted means published, also for a screen that is off."""
        for topic in (Topic.SITUATION, Topic.SCREENS):
            await self.events.publish(topic, str(message.incident))
        return [Accepted(f"{message.incident}.{message.revision}") for _ in targets]

    async def close(self) -> None:
        """No effect: there are no resources."""


SPEC = ChannelSpec(
    name=NAME,
    label=LABEL,
    capabilities=CAPABILITIES,
    config=ChannelConfig,
    make=lambda _config, context: Screens(context.events),
)
