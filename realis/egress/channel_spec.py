"""The declaration of a channel, and the dependencies it is made from. No channel and no setting is named here.

Beside the egress and not among the ports, because every channel has a guarded client of its own, whose policy follows
from the hosts it declares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from realis.egress.client import BODY_HEAD, Egress
from realis.egress.policy import Configured, Policy, PublicOnly
from realis.ports.channel import Channel, ChannelCapabilities
from realis.ports.clock import Clock
from realis.ports.events import Events
from realis.ports.installation import City
from realis.ports.read_models import ActiveAlerts
from realis.ports.signing import Vapid


class ChannelConfig(BaseModel):
    """A channel's section of the settings; on its own, that of a channel without any.

    Every field has a default, so that a file without the section is complete, and a ``description`` in German, which
    ``realis init`` writes into the file. Credentials are ``SecretStr``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def complete(self) -> bool:
        """Whether all required settings are entered; else the channel is not configured."""
        return True


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Options of web push alone.

    Args:
        known: whether a host is a push service that the worker processes serve.
        trust: additional trust anchors for them, PEM.
        timeout_s: for one push, connecting included.
        lock: the file that keeps the worker processes of two runs apart.
    """

    vapid: Vapid
    known: Callable[[str], bool]
    trust: str
    timeout_s: float
    lock: Path


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """The dependencies a channel may be made from; it takes those it needs.

    Args:
        egress: its own client; reaches what its spec declares, in the demo and in tests this machine only. Closed by
            the composition root.
    """

    egress: Egress
    clock: Clock
    events: Events
    active_alerts: ActiveAlerts
    city: City
    push: PushOptions


C = TypeVar("C", bound=ChannelConfig)


def _no_hosts(_config: ChannelConfig) -> frozenset[str]:
    return frozenset()


def _always(_config: ChannelConfig) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec(Generic[C]):
    """One row of the table of channels. Settings, ``init``, ``doctor``, policies, targets and tests follow from it.

    Args:
        name: in settings, texts, tables and the database; never changes.
        label: what operators read, in German.
        config: its section of the settings, which has the channel's name; a model without fields has none.
        make: the channel, set up or not. Must not open anything.
        about: the comment above its section, one German sentence.
        hosts: the services it may reach, by exact name; any address and https only.
        any_public_host: it may reach every public address instead, because subscriptions name them.
        answer_bytes: bytes of a response body that it reads.
        account: it has a single target, the city's account, which exists as soon as the program starts.
        idempotent: the same message sent twice is shown once, so that a lost response can be retried.
        joins_exercises: whether the account takes part in exercises; a public one only if its settings say so.
    """

    name: str
    label: str
    capabilities: ChannelCapabilities
    config: type[C]
    make: Callable[[C, ChannelContext], Channel]
    about: str = ""
    hosts: Callable[[C], frozenset[str]] = _no_hosts
    any_public_host: bool = False
    answer_bytes: int = BODY_HEAD
    account: bool = False
    idempotent: bool = False
    joins_exercises: Callable[[C], bool] = _always

    @property
    def has_settings(self) -> bool:
        """Whether the channel has settings."""
        return bool(self.config.model_fields)

    @property
    def reaches_network(self) -> bool:
        """Whether the channel sends over its egress."""
        return self.any_public_host or self.hosts is not _no_hosts

    def policy(self, config: C) -> Policy:
        """Return the egress policy that follows from these settings."""
        return PublicOnly() if self.any_public_host else Configured(self.hosts(config))
