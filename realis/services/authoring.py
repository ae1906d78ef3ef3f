"""Authoring a warning: create, receive, edit, submit, discard, follow up. It releases nothing.

Every rule about who may do what is in ``realis.policy.approval``; this module joins the rules and the stores. No HTTP,
no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from uuid_utils import uuid7

from realis.cap.writer import write
from realis.model.audit import AuditAction
from realis.model.draft import Content, Draft, DraftKind, DraftState, Package, compose, problems
from realis.model.errors import InvalidInput, Problem, WrongState
from realis.policy.approval import Actor, IssuePolicy, Role, check_edit, check_occasion, digest
from realis.policy.audience import audience_for
from realis.ports.channel import Channel
from realis.ports.clock import Clock
from realis.ports.events import Events, Topic
from realis.ports.stores import AlertStore, AuditEntry, DeskStore, NewReceivedMessage
from realis.services.drafts import Drafts, draft_entry
from realis.services.issuing import Issuer
from realis.services.rendering import Renderer

ENDING_VALIDITY = timedelta(hours=6)
"""How long an ending's CAP message is valid, as MoWaS does it."""


@dataclass(frozen=True, slots=True)
class Authoring:
    """Drafts, from creation up to submission."""

    store: DeskStore
    alerts: AlertStore
    drafts: Drafts
    renderer: Renderer
    issuer: Issuer
    events: Events
    clock: Clock
    policy: IssuePolicy
    channels: Mapping[str, Channel]

    def preview(self, content: Content, incident: UUID | None = None) -> Package:
        """Return every text as it would be sent, for content that is not stored."""
        return self.renderer.package(content, self.issuer.link(incident))

    def problems(self, content: Content) -> tuple[Problem, ...]:
        """Return what prevents this content from being submitted."""
        found = problems(content, self.clock.now())
        known = [
            name for name in content.channels if name in self.channels and not self.channels[name].unavailable_reason
        ]
        if content.channels and not known:
            found = (*found, Problem("channels", "channels-not-set-up"))
        if content.occasion not in self.policy.occasions:
            found = (*found, Problem("occasion", "occasion-barred"))
        return found

    async def create(self, actor: Actor, content: Content) -> Draft:
        """Create an incident with its first draft; returns the draft."""
        actor.require(Role.CAPTURE)
        draft = Draft(_new_id(), _new_id(), content, authors=(actor.id,))
        await self.store.open_incident(draft, draft_entry(actor, AuditAction.DRAFT_CREATED, draft))
        await self.events.publish(Topic.DESK, str(draft.incident))
        return await self.drafts.get(draft.id)

    async def receive(self, content: Content, witness: NewReceivedMessage, *, incident: UUID | None) -> Draft:
        """Create a draft from an authority's message, in a known incident or a new one. The authority is no author.

        An update of a message that was never issued here becomes a first warning.
        """
        if content.kind is DraftKind.UPDATE and not (incident and await self.alerts.chain(incident)):
            content = replace(content, kind=DraftKind.ALERT)
        if incident:
            kept = await self.drafts.kept_channels(incident)
            content = replace(content, channels=tuple(dict.fromkeys((*kept, *content.channels))))
        draft = Draft(_new_id(), incident or _new_id(), content, problems=witness.problems)
        entry = AuditEntry(
            witness.authority, AuditAction.MESSAGE_RECEIVED, str(draft.incident), {"digest": witness.digest}
        )
        store = self.store.add_draft if incident else self.store.open_incident
        await store(draft, entry, witness)
        await self.events.publish(Topic.DESK, str(draft.incident))
        return draft

    async def save(self, actor: Actor, draft_id: UUID, *, version: int, content: Content) -> Draft:
        """Store an edit; it voids a submission, and the editor can no longer release it."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        before = await self.drafts.get(draft_id)
        check_edit(before, version)
        chain = await self.alerts.chain(before.incident)
        check_occasion(before.content.occasion, content.occasion, issued=bool(chain))
        channels = tuple(dict.fromkeys((*await self.drafts.kept_channels(before.incident), *content.channels)))
        after = replace(
            before,
            content=replace(content, kind=before.content.kind, channels=channels),
            state=DraftState.OPEN,
            version=before.version + 1,
            authors=tuple(dict.fromkeys((*before.authors, actor.id))),
            digest="",
            submitted_by="",
        )
        return await self.drafts.replace(before, after, draft_entry(actor, AuditAction.DRAFT_SAVED, after))

    async def submit(self, actor: Actor, draft_id: UUID, *, version: int) -> Draft:
        """Render, store and hash every text; from now on a second person can release exactly that.

        Raises:
            InvalidInput: something is missing; all of it is listed.
        """
        before = await self.drafts.get(draft_id)
        # A Fehlalarm must never wait for a second person, so either of the two roles may submit it.
        alone = before.content.kind is DraftKind.RETRACTION
        actor.require(Role.CAPTURE, *([Role.RELEASE] if alone else []))
        check_edit(before, version)
        found = (*self.problems(before.content), *await self.drafts.chain_problems(before))
        if found:
            raise InvalidInput("draft-incomplete", where=",".join(problem.where for problem in found), causes=found)
        # Composed once now, so that what CAP or the cells cannot represent is reported here and not at the issue.
        write(compose(before.content, self.issuer.envelope(before.incident, 1, (), self.clock.now())))
        audience_for(before.content)
        package = self.preview(before.content, before.incident)
        after = replace(
            before,
            state=DraftState.SUBMITTED,
            digest=digest(package),
            submitted_by=actor.id,
            authors=tuple(dict.fromkeys((*before.authors, actor.id))),
            return_reason="",
        )
        return await self.drafts.replace(before, after, draft_entry(actor, AuditAction.DRAFT_SUBMITTED, after), package)

    async def discard(self, actor: Actor, draft_id: UUID) -> None:
        """Discard a draft; its audit entries stay."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        before = await self.drafts.get(draft_id)
        check_edit(before, before.version)
        after = replace(before, state=DraftState.DISCARDED)
        await self.drafts.replace(before, after, draft_entry(actor, AuditAction.DRAFT_DISCARDED, after))

    async def follow_up(self, actor: Actor, incident: UUID, *, kind: DraftKind) -> Draft:
        """A prefilled draft of an update or ending; the open one of this kind if there is one."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        chain = await self.alerts.chain(incident)
        newest = await self.alerts.newest_content(incident)
        if not chain or newest is None:
            raise WrongState("nothing-issued")
        if chain[-1].ending is not None:
            raise WrongState("incident-ended")
        for draft in await self.store.drafts(incident):
            if draft.content.kind is kind and draft.state in (DraftState.OPEN, DraftState.SUBMITTED):
                return draft
        content = self.renderer.for_follow_up(newest.content, kind)
        if kind.ending is not None:
            content = replace(content, expires=self.clock.now() + ENDING_VALIDITY)
        draft = Draft(_new_id(), incident, content, authors=(actor.id,))
        await self.store.add_draft(draft, draft_entry(actor, AuditAction.DRAFT_CREATED, draft))
        await self.events.publish(Topic.DESK, str(incident))
        return await self.drafts.get(draft.id)


def _new_id() -> UUID:
    return UUID(str(uuid7()))
