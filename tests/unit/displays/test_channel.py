"""The screens as a channel."""

from __future__ import annotations

from displays.channel import Screens
from realis.model.delivery import Accepted
from realis.ports.channel import Channel, Target
from realis.ports.events import Topic
from tests.fakes.channel_messages import message
from tests.support.displays import FakeEvents


async def test_sending_hints_at_the_situation_and_accepts_for_every_screen() -> None:
    """Accepted means published, also for a screen that is dark just now."""
    events = FakeEvents()
    targets = [Target(number, "{}", "de") for number in range(3)]
    outcomes = await Screens(events).send(message(), targets)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert {topic for topic, _ in events.published} == {Topic.SITUATION, Topic.SCREENS}


def test_what_screens_can_carry() -> None:
    """Screens are matched by place, speak many languages and never count as public."""
    channel: Channel = Screens(FakeEvents())
    assert (channel.name, channel.label, channel.unavailable_reason) == ("display", "Bildschirme", "")
    assert channel.capabilities.geo_targeted
    assert channel.capabilities.per_language
    assert not channel.capabilities.public
