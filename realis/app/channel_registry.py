"""The table of channels: the one place that constructs every way out. A new channel is one row here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from channels import mastodon
from channels.cap_feeds import Feeds
from channels.manual import ByHand
from channels.mastodon import Mastodon
from channels.telegram import channel as telegram
from channels.telegram.channel import Telegram
from channels.terminal import Terminal
from channels.webpush.channel import WebPush, is_known_service
from channels.webpush.ipc import WorkerConfiguration
from channels.webpush.worker_pool import WorkerPool
from channels.webpush.worker_process import policy_name
from displays.channel import Screens
from realis.app.settings import Settings
from realis.egress.client import Egress
from realis.egress.policy import Configured, LoopbackOnly, Policy, PublicOnly
from realis.ports.channel import Channel, ChannelCapabilities, Clock, Events, Vapid
from realis.ports.installation import City
from realis.ports.read_models import ActiveAlerts
from realis.ports.targets import NewTarget


@dataclass(frozen=True, slots=True)
class EgressPolicies:
    """Where this installation may connect to. The demo's doors open to loopback only.

    Args:
        known_push: which push services take the fast way; a benchmark's own server is one by injection only.
        push_trust: more roots of trust for them, PEM; likewise.
        push_timeout_s: for one push, connecting included; tests of services that hang have less patience.
    """

    strangers: Policy
    telegram: Policy
    mastodon: Policy
    known_push: Callable[[str], bool] = is_known_service
    push_trust: str = ""
    push_timeout_s: float = 10.0

    @classmethod
    def for_settings(cls, settings: Settings) -> EgressPolicies:
        """Strangers by public address only; the city's own services by name only."""
        return cls(
            strangers=PublicOnly(),
            telegram=Configured(_hosts(settings.telegram.base_url)),
            mastodon=Configured(_hosts(settings.mastodon.base_url)),
        )

    @classmethod
    def loopback(cls) -> EgressPolicies:
        """For the demo: nothing ever leaves this machine."""
        return cls(LoopbackOnly(), LoopbackOnly(), LoopbackOnly())


def _services(policy: Policy) -> Egress:
    return Egress(policy, body_limit=max(telegram.ANSWER_BYTES, mastodon.ANSWER_BYTES))


def _hosts(url: str) -> frozenset[str]:
    host = urlsplit(url).hostname
    return frozenset({host} if host else ())


@dataclass(frozen=True, slots=True)
class ChannelRegistry:
    """All channels by name, and the guarded clients under them."""

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
    settings: Settings,
    doors: EgressPolicies,
    *,
    city: City,
    situation: ActiveAlerts,
    events: Events,
    vapid: Vapid,
    clock: Clock,
) -> ChannelRegistry:
    """Every way out this program has, set up or not."""
    strangers, to_telegram, to_mastodon = Egress(doors.strangers), _services(doors.telegram), _services(doors.mastodon)
    pusher = WorkerPool(WorkerConfiguration(policy_name(doors.strangers), doors.push_trust), lock=_push_lock(settings))
    webpush = WebPush(strangers, vapid, clock, pusher=pusher, known=doors.known_push, timeout_s=doors.push_timeout_s)
    telegram_channel = Telegram(
        to_telegram,
        settings.telegram.token.get_secret_value(),
        settings.telegram.chat_id,
        settings.telegram.base_url,
    )
    mastodon_account = Mastodon(to_mastodon, settings.mastodon.base_url, settings.mastodon.token.get_secret_value())
    table: Iterable[Channel] = (
        Screens(events),
        webpush,
        telegram_channel,
        mastodon_account,
        Feeds(),
        Terminal(sys.stdout),
        ByHand(),
    )
    return ChannelRegistry({channel.name: channel for channel in table}, webpush, (strangers, to_telegram, to_mastodon))


def _push_lock(settings: Settings) -> Path:
    """One for the file of a process that is alone; with leases in PostgreSQL each process has its own."""
    return settings.data_dir / ("push.lock" if settings.alone else f"push.{os.getpid()}.lock")


def account_targets(settings: Settings, ways: ChannelRegistry, *, demo: bool) -> list[NewTarget]:
    """The one target of each channel that is an account or a place of our own.

    Public accounts take part in exercises only if their settings say so (a test account); feeds, terminal and
    by hand keep exercises apart by themselves.
    """
    exercises = {
        "telegram": demo or settings.telegram.exercises,
        "mastodon": demo or settings.mastodon.exercises,
    }
    return [
        NewTarget(
            channel=channel.name,
            address="account",
            fingerprint="account",
            language="de",
            origin=channel.name,
            everywhere=True,
            joined=exercises.get(channel.name, True),
            label=channel.label,
        )
        for channel in ways.channels.values()
        if not channel.capabilities.geo_targeted
    ]
