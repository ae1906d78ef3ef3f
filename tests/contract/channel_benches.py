"""A channel with its fake server for each row of the table of ways out. A new channel adds one to ``BENCHES``."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from channels import cap_feeds, manual
from channels import mastodon as mastodon_channel
from channels.telegram import channel as telegram_channel
from channels.terminal import Terminal
from channels.webpush.channel import WebPush
from displays import channel as display
from realis.app.channel_registry import TABLE, ChannelTable
from realis.backplane.memory import MemoryEvents
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.egress.channel_spec import ChannelConfig, ChannelContext, ChannelSpec, PushOptions
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

C = TypeVar("C", bound=ChannelConfig)
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


Factory = Callable[..., AbstractAsyncContextManager[Bench]]


def account(number: int, ref: str | None) -> Target:
    return Target(number, ADDRESS, "de", origin="account", shown_ref=ref)


class NothingHappens:
    """``ActiveAlerts`` of a quiet city."""

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        return Snapshot(1, SENT)

    async def warning(self, incident: object, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        return None

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        return None


CITY = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example", "", ("de",))


def context(egress: Egress) -> ChannelContext:
    """What a channel may be made from, of which it gets nothing real."""
    clock = SettableClock(SENT)
    push = PushOptions(PeerVapid(), lambda _host: True, "", TIMEOUT_S, Path("push.lock"))
    return ChannelContext(egress, clock, MemoryEvents(), NothingHappens(), CITY, push)


@asynccontextmanager
async def made(spec: ChannelSpec[C], config: C, shown: Callable[[], list[str]] | None = None) -> AsyncIterator[Bench]:
    """A channel as its row makes it, over an impatient egress that reaches this machine only."""
    egress = Egress(LoopbackOnly(), total_timeout_s=TIMEOUT_S, body_limit=spec.answer_bytes)
    channel = spec.make(config, context(egress))
    try:
        yield Bench(channel, shown, account)
    finally:
        await channel.close()
        await egress.close()


@asynccontextmanager
async def telegram(base_url: str = "") -> AsyncIterator[Bench]:
    async with SimulatedTelegram() as service:
        config = telegram_channel.Config(
            token=SecretStr(SECRET), chat_id="@stadt", base_url=base_url or service.base_url
        )
        async with made(telegram_channel.SPEC, config, lambda: [post.text for post in service.posts]) as bench:
            yield bench


@asynccontextmanager
async def mastodon(base_url: str = "") -> AsyncIterator[Bench]:
    async with SimulatedMastodon() as service:
        config = mastodon_channel.Config(token=SecretStr(SECRET), base_url=base_url or service.base_url)
        async with made(mastodon_channel.SPEC, config, lambda: [post.text for post in service.posts]) as bench:
            yield bench


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


def simple(spec: ChannelSpec[ChannelConfig]) -> Factory:
    """A channel without settings and without a service, whose words are read elsewhere."""
    return lambda _base_url="": made(spec, ChannelConfig())


@asynccontextmanager
async def terminal(base_url: str = "") -> AsyncIterator[Bench]:
    stream = io.StringIO()
    yield Bench(Terminal(stream), lambda: [stream.getvalue()], account)


BENCHES: dict[str, Factory] = {
    "display": simple(display.SPEC),
    "webpush": webpush,
    "telegram": telegram,
    "mastodon": mastodon,
    "feeds": simple(cap_feeds.SPEC),
    "terminal": terminal,
    "by_hand": simple(manual.SPEC),
}


# ---------------------------------------------------------------- groups, by row


def accounts(table: ChannelTable = TABLE) -> tuple[str, ...]:
    """One service of the city's own choice, which says in its answers what it shows."""
    return tuple(spec.name for spec in table if spec.account and spec.reaches_network)


def over_network(table: ChannelTable = TABLE) -> tuple[str, ...]:
    """Channels whose service can be away, slow or hostile."""
    return tuple(spec.name for spec in table if spec.reaches_network)


def editing(table: ChannelTable = TABLE) -> tuple[str, ...]:
    """Channels that change what they show instead of adding to it."""
    return tuple(spec.name for spec in table if spec.capabilities.edits)


def speaking(table: ChannelTable = TABLE) -> tuple[str, ...]:
    """Channels whose words are seen at their fake; screens, feeds and desk show theirs in tests of their own."""
    return tuple(spec.name for spec in table if spec.name not in {"display", "feeds", "by_hand"})


def repeatable(name: str, ref: str | None, table: ChannelTable = TABLE) -> bool:
    """Whether a message whose answer was lost may be sent again without being shown twice."""
    (spec,) = (spec for spec in table if spec.name == name)
    return spec.idempotent or (ref is not None and spec.capabilities.edits)
