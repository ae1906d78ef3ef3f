"""A channel with its fake server for each row of the table of ways out. A new channel adds one to ``BENCHES``."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from channels.cap_feeds import Feeds
from channels.manual import ByHand
from channels.mastodon import ANSWER_BYTES as MASTODON_BYTES
from channels.mastodon import Mastodon
from channels.telegram.channel import ANSWER_BYTES as TELEGRAM_BYTES
from channels.telegram.channel import Telegram
from channels.terminal import Terminal
from channels.webpush.channel import WebPush
from displays.channel import Screens
from realis.backplane.memory import MemoryEvents
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly
from realis.model.delivery import Accepted, Outcome
from realis.model.incident import Viewer
from realis.ports.channel import Channel, Message, Target
from realis.ports.installation import City
from realis.ports.read_models import PAGE, Snapshot, WarningView
from tests.fakes.channel_messages import SENT
from tests.fakes.clock import SettableClock
from tests.fakes.push_service import PeerVapid, Phone, PushService, phone

SECRET = "987654:do-not-tell-anyone"
ADDRESS = "address-of-somebody"
TIMEOUT_S = 0.5
BOUND_S = 20.0


@dataclass(frozen=True, slots=True)
class Bench:
    """A channel with its fake server.

    Args:
        shown: everything it shows now, newest last; None where the words are read elsewhere.
        target: one target with the ref of what it shows.
    """

    channel: Channel
    shown: Callable[[], list[str]] | None
    target: Callable[[int, str | None], Target]

    async def send(self, what: Message, *refs: str | None) -> list[Outcome]:
        """Send to one target per ref, within the bound."""
        targets = [self.target(number, ref) for number, ref in enumerate(refs, start=1)]
        return list(await asyncio.wait_for(self.channel.send(what, targets), BOUND_S))

    async def show(self, what: Message, ref: str | None = None) -> str | None:
        """Send to one target that must take it; the new ref."""
        (outcome,) = await self.send(what, ref)
        assert isinstance(outcome, Accepted), outcome
        return outcome.ref


def account(number: int, ref: str | None) -> Target:
    return Target(number, ADDRESS, "de", origin="account", shown_ref=ref)


@asynccontextmanager
async def telegram(base_url: str = "") -> AsyncIterator[Bench]:
    egress = Egress(LoopbackOnly(), total_timeout_s=TIMEOUT_S, body_limit=TELEGRAM_BYTES)
    async with SimulatedTelegram() as service:
        channel = Telegram(egress, SECRET, "@stadt", base_url or service.base_url)
        try:
            yield Bench(channel, lambda: [post.text for post in service.posts], account)
        finally:
            await channel.close()
            await egress.close()


@asynccontextmanager
async def mastodon(base_url: str = "") -> AsyncIterator[Bench]:
    egress = Egress(LoopbackOnly(), total_timeout_s=TIMEOUT_S, body_limit=MASTODON_BYTES)
    async with SimulatedMastodon() as service:
        channel = Mastodon(egress, base_url or service.base_url, SECRET)
        try:
            yield Bench(channel, lambda: [post.text for post in service.posts], account)
        finally:
            await channel.close()
            await egress.close()


@asynccontextmanager
async def webpush(base_url: str = "") -> AsyncIterator[Bench]:
    egress = Egress(LoopbackOnly())
    phones: dict[str, Phone] = {}

    async with PushService() as service:
        base = base_url or service.origin

        def target(number: int, ref: str | None) -> Target:
            path = f"/push/{ADDRESS}/{number}"
            known = phones.setdefault(path, phone(base + path))
            return Target(number, known.address, "de", origin=base, shown_ref=ref)

        def shown() -> list[str]:
            return [_notification(phones[arrival.path].read(arrival.body)) for arrival in service.arrivals]

        clock = SettableClock(SENT)
        channel = WebPush(egress, PeerVapid(), clock, known=lambda _host: True, timeout_s=TIMEOUT_S)
        try:
            yield Bench(channel, shown, target)
        finally:
            await channel.close()


def _notification(payload: bytes) -> str:
    """What a phone shows, and where it leads."""
    shown = json.loads(payload)["notification"]
    return f"{shown['title']}\n{shown['body']}\n{shown['navigate']}"


@asynccontextmanager
async def display(base_url: str = "") -> AsyncIterator[Bench]:
    yield Bench(Screens(MemoryEvents()), None, account)


class NothingHappens:
    """A ``ActiveAlerts`` of a quiet city."""

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        return Snapshot(1, SENT)

    async def warning(self, incident: object, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        return None

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        return None


@asynccontextmanager
async def feeds(base_url: str = "") -> AsyncIterator[Bench]:
    city = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example", "", ("de",))
    yield Bench(Feeds(NothingHappens(), city), None, account)


@asynccontextmanager
async def terminal(base_url: str = "") -> AsyncIterator[Bench]:
    stream = io.StringIO()
    yield Bench(Terminal(stream), lambda: [stream.getvalue()], account)


@asynccontextmanager
async def by_hand(base_url: str = "") -> AsyncIterator[Bench]:
    yield Bench(ByHand(), None, account)


Factory = Callable[..., AbstractAsyncContextManager[Bench]]
BENCHES: dict[str, Factory] = {
    "display": display,
    "webpush": webpush,
    "telegram": telegram,
    "mastodon": mastodon,
    "feeds": feeds,
    "terminal": terminal,
    "by_hand": by_hand,
}
