"""Operators' actions beside warnings: manual texts, channels on hold, notes in the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from realis.model.audit import AuditAction, Fact
from realis.model.errors import InvalidInput, NotAllowed
from realis.policy.approval import Actor, Role
from realis.ports.events import Events, Topic
from realis.ports.stores import AuditEntry, DeskStore


@dataclass(frozen=True, slots=True)
class Operations:
    """Actions that change no warning."""

    store: DeskStore
    events: Events

    async def mark_done(self, actor: Actor, incident: UUID, *, revision: int, target_id: int, who: str) -> None:
        """Record that the actor carried out a manual text."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        if not who.strip():
            raise InvalidInput("who-missing", where="who")
        entry = AuditEntry(actor.pseudonym, AuditAction.HAND_DONE, str(incident), {"revision": revision})
        await self.store.mark_done(incident, revision=revision, target_id=target_id, who=who.strip(), entry=entry)
        await self.events.publish(Topic.DELIVERY, str(incident))

    async def lift_hold(self, actor: Actor, channel: str) -> None:
        """End a channel's hold; it sends again."""
        actor.require(Role.RELEASE, Role.ADMIN)
        await self.store.lift_hold(channel, AuditEntry(actor.pseudonym, AuditAction.CHANNEL_RESUMED, channel))
        await self.events.publish(Topic.WORK)

    async def note(self, actor: Actor, action: AuditAction, subject: str, **facts: Fact) -> None:
        """Record an action taken elsewhere (administration) in the audit trail."""
        if Role.ADMIN not in actor.roles:
            raise NotAllowed("administration-only")
        await self.store.note(AuditEntry(actor.pseudonym, action, subject, facts))
