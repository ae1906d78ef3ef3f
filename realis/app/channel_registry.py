"""The table of channels, and everything that is built from its rows. A new channel is one row here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from channels import cap_feeds, manual, mastodon, terminal
from channels.telegram import channel as telegram
from channels.webpush import channel as webpush
from channels.webpush.channel import WebPush, is_known_service
from displays import channel as display
from realis.egress.channel_spec import ChannelConfig, ChannelContext, ChannelSpec, PushOptions
from realis.egress.client import Egress
from realis.egress.policy import Configured, LoopbackOnly, Policy
from realis.ports.channel import Channel, ChannelCapabilities
from realis.ports.clock import Clock
from realis.ports.events import Events
from realis.ports.installation import City
from realis.ports.read_models import ActiveAlerts
from realis.ports.signing import Vapid
from realis.ports.targets import NewTarget

ChannelTable: TypeAlias = Sequence[ChannelSpec[Any]]  # Any: each row has a model of its own

TABLE: ChannelTable = (
    display.SPEC,
    webpush.SPEC,
    telegram.SPEC,
    mastodon.SPEC,
    cap_feeds.SPEC,
    terminal.SPEC,
    manual.SPEC,
)

C = TypeVar("C", bound=ChannelConfig)


class ChannelSettings(Protocol):
    """What the table asks of the settings, whose sections are made from it."""

    @property
    def data_dir(self) -> Path:
        """Where this process may keep files."""
        ...

    @property
    def alone(self) -> bool:
        """Whether no other process sends from the same record."""
        ...

    def channel(self, spec: ChannelSpec[C]) -> C:
        """The channel's own section."""
        ...


@dataclass(frozen=True, slots=True)
class EgressPolicies:
    """Where each channel may connect to. The demo's open to loopback only.

    Args:
        default: for channels that are not in ``by_channel``.
        known_push: which push services take the fast way; a benchmark's own server is one by injection only.
        push_trust: more roots of trust for them, PEM; likewise.
        push_timeout_s: for one push, connecting included; tests of services that hang have less patience.
    """

    default: Policy
    by_channel: Mapping[str, Policy] = field(default_factory=dict)
    known_push: Callable[[str], bool] = is_known_service
    push_trust: str = ""
    push_timeout_s: float = 10.0

    @classmethod
    def for_settings(cls, settings: ChannelSettings, table: ChannelTable = TABLE) -> EgressPolicies:
        """Strangers by public address only; the city's own services by name only; everything else nowhere."""
        return cls(Configured(()), {spec.name: spec.policy(settings.channel(spec)) for spec in table})

    @classmethod
    def loopback(cls) -> EgressPolicies:
        """For the demo: nothing ever leaves this machine."""
        return cls(LoopbackOnly())

    def of(self, channel: str) -> Policy:
        """The policy of the channel of this name."""
        return self.by_channel.get(channel, self.default)


@dataclass(frozen=True, slots=True)
class ChannelRegistry:
    """All channels by name, and the guarded clients under them.

    Args:
        webpush: the one of them that also takes subscriptions and has processes to start.
    """

    channels: Mapping[str, Channel]
    webpush: WebPush
    egresses: tuple[Egress, ...]

    @property
    def capabilities(self) -> Mapping[str, ChannelCapabilities]:
        """What each channel can carry, by name."""
        return {name: channel.capabilities for name, channel in self.channels.items()}

    async def start(self) -> None:
        """Make ready what takes a while, so that the first warning does not wait for it."""
        await self.webpush.start()

    async def close(self) -> None:
        """Give back all sockets."""
        for channel in self.channels.values():
            await channel.close()
        for egress in self.egresses:
            await egress.close()


def build(
    settings: ChannelSettings,
    doors: EgressPolicies,
    *,
    city: City,
    situation: ActiveAlerts,
    events: Events,
    vapid: Vapid,
    clock: Clock,
    table: ChannelTable = TABLE,
) -> ChannelRegistry:
    """Every channel this program has, set up or not, each with an egress of its own."""
    push = PushOptions(vapid, doors.known_push, doors.push_trust, doors.push_timeout_s, _push_lock(settings))
    channels: dict[str, Channel] = {}
    egresses = []
    for spec in table:
        egress = Egress(doors.of(spec.name), body_limit=spec.answer_bytes)
        context = ChannelContext(egress, clock, events, situation, city, push)
        channels[spec.name] = spec.make(settings.channel(spec), context)
        egresses.append(egress)
    pushing = next(channel for channel in channels.values() if isinstance(channel, WebPush))
    return ChannelRegistry(channels, pushing, tuple(egresses))


def _push_lock(settings: ChannelSettings) -> Path:
    """One for the file of a process that is alone; with leases in PostgreSQL each process has its own."""
    return settings.data_dir / ("push.lock" if settings.alone else f"push.{os.getpid()}.lock")


def account_targets(settings: ChannelSettings, *, demo: bool, table: ChannelTable = TABLE) -> list[NewTarget]:
    """The one target of each channel that is an account or a place of our own.

    In the demo all take part in exercises. Feeds, terminal and by hand always do: they keep exercises apart.
    """
    return [
        NewTarget(
            channel=spec.name,
            address="account",
            fingerprint="account",
            language="de",
            origin=spec.name,
            everywhere=True,
            joined=demo or spec.joins_exercises(settings.channel(spec)),
            label=spec.label,
        )
        for spec in table
        if spec.account
    ]
