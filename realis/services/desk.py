"""The desk: the use cases of operators, joined over their ports. Each job has its own module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self
from uuid import UUID

from realis.policy.approval import PAUSE, IssuePolicy
from realis.ports.channel import Channel
from realis.ports.clock import Clock
from realis.ports.content import ErrorMessages, Phrases
from realis.ports.events import Events
from realis.ports.installation import City
from realis.ports.signing import CapSigner
from realis.ports.stores import AlertStore, DeskStore
from realis.ports.targets import Targets
from realis.services.approval import Approval
from realis.services.authoring import Authoring
from realis.services.drafts import Drafts
from realis.services.issuing import Identity, Issuer
from realis.services.operations import Operations
from realis.services.overview import DeliveryFigures, Overview
from realis.services.rendering import Renderer


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """The ports of the desk.

    Args:
        channels: every channel, by name.
        pause: time between a release and its issue.
    """

    store: DeskStore
    alerts: AlertStore
    ledger: DeliveryFigures
    targets: Targets
    renderer: Renderer
    signer: CapSigner
    events: Events
    clock: Clock
    identity: Identity
    messages: ErrorMessages
    policy: IssuePolicy = field(default_factory=IssuePolicy)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    pause: timedelta = PAUSE


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything an operator can do, by job."""

    overview: Overview
    authoring: Authoring
    approval: Approval
    operations: Operations
    issuer: Issuer
    drafts: Drafts
    ports: DeskPorts

    @property
    def city(self) -> City:
        """The installation served."""
        return self.ports.renderer.city

    @property
    def phrases(self) -> Phrases:
        """The fixed words."""
        return self.ports.renderer.phrases

    @property
    def messages(self) -> ErrorMessages:
        """The sentences of errors."""
        return self.ports.messages

    @classmethod
    def over(cls, ports: DeskPorts) -> Self:
        """The desk over these ports."""
        store, events, clock, channels = ports.store, ports.events, ports.clock, ports.channels
        city = ports.renderer.city
        drafts = Drafts(store, ports.alerts, events)
        issuer = Issuer(
            decisions=store,
            alerts=ports.alerts,
            signer=ports.signer,
            events=events,
            clock=clock,
            identity=ports.identity,
            policy=ports.policy,
            messages=ports.messages,
            channels=channels,
            link=lambda incident: incident_link(city.public_url, incident),
        )
        return cls(
            overview=Overview(store, ports.alerts, ports.ledger, ports.targets, clock, channels),
            authoring=Authoring(
                store=store,
                alerts=ports.alerts,
                drafts=drafts,
                renderer=ports.renderer,
                issuer=issuer,
                events=events,
                clock=clock,
                policy=ports.policy,
                channels=channels,
            ),
            approval=Approval(store, drafts, issuer, events, clock, ports.policy, ports.pause),
            operations=Operations(store, events),
            issuer=issuer,
            drafts=drafts,
            ports=ports,
        )


def incident_link(public_url: str, incident: UUID | None) -> str:
    """The public page of an incident; the start page for a draft without one."""
    base = public_url.rstrip("/")
    return f"{base}/alerts/{incident}" if incident else f"{base}/"
