"""Stored drafts: read one, or replace one together with its audit entry and the hint that it changed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from realis.model.audit import AuditAction, Fact
from realis.model.draft import Draft, Package
from realis.model.errors import NotFound, Problem
from realis.policy.approval import Actor
from realis.ports.events import Events, Topic
from realis.ports.stores import AlertStore, AuditEntry, DeskStore
from realis.services.issuing import chain_problems


@dataclass(frozen=True, slots=True)
class Drafts:
    """The steps on a draft that authoring and approval share."""

    store: DeskStore
    alerts: AlertStore
    events: Events

    async def get(self, draft_id: UUID) -> Draft:
        """One draft. Raises ``NotFound``."""
        found = await self.store.draft(draft_id)
        if found is None:
            raise NotFound("draft-not-found")
        return found

    async def package(self, draft_id: UUID) -> Package:
        """The texts exactly as submitted. Raises ``NotFound``."""
        found = await self.store.package(draft_id)
        if found is None:
            raise NotFound("package-not-found")
        return found

    async def replace(self, before: Draft, after: Draft, entry: AuditEntry, package: Package | None = None) -> Draft:
        """Store ``after`` in place of ``before`` and return what is stored. Raises ``StaleVersion``."""
        await self.store.replace_draft(before, after, entry, package)
        await self.events.publish(Topic.DESK, str(after.incident))
        return await self.get(after.id)

    async def kept_channels(self, incident: UUID) -> tuple[str, ...]:
        """The channels of the newest issued revision; none may be removed, so later revisions reach all (promise 4)."""
        newest = await self.alerts.newest_content(incident)
        return newest.content.channels if newest else ()

    async def chain_problems(self, draft: Draft) -> tuple[Problem, ...]:
        """Return the conflicts of the draft with what its incident issued since the draft was begun."""
        found = chain_problems(draft.content, await self.alerts.chain(draft.incident))
        if set(await self.kept_channels(draft.incident)) - set(draft.content.channels):
            found = (*found, Problem("channels", "channels-already-warned"))
        return found


def draft_entry(actor: Actor, action: AuditAction, draft: Draft) -> AuditEntry:
    """Return the audit entry of an action on a draft."""
    facts: dict[str, Fact] = {"kind": draft.content.kind.value, "version": draft.version}
    if draft.digest:
        facts["digest"] = draft.digest
    return AuditEntry(actor.pseudonym, action, str(draft.incident), facts)
