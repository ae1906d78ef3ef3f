"""Approval: a second person releases exactly what was submitted, returns it, or stops it during the pause.

Every rule about who may do what is in ``realis.policy.approval``. It changes no text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from realis.model.audit import AuditAction
from realis.model.draft import Draft, DraftState
from realis.model.errors import InvalidInput, StoreUnavailable, WrongState
from realis.policy.approval import Actor, IssuePolicy, Role, check_release, pause_for
from realis.ports.clock import Clock
from realis.ports.desk_read_models import Release
from realis.ports.events import Events, Topic
from realis.ports.stores import AuditEntry, DeskStore
from realis.services.drafts import Drafts, draft_entry
from realis.services.issuing import Issuer, overtaken

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Approval:
    """Decisions about a submitted draft.

    Args:
        pause: time between the decision and its issue; a Fehlalarm has none.
    """

    store: DeskStore
    drafts: Drafts
    issuer: Issuer
    events: Events
    clock: Clock
    policy: IssuePolicy
    pause: timedelta

    async def send_back(self, actor: Actor, draft_id: UUID, *, reason: str) -> Draft:
        """Return a submitted draft to its authors, with a reason."""
        actor.require(Role.RELEASE)
        before = await self.drafts.get(draft_id)
        if before.state is not DraftState.SUBMITTED:
            raise WrongState("draft-not-submitted")
        if not reason.strip():
            raise InvalidInput("reason-missing", where="reason")
        after = replace(before, state=DraftState.OPEN, digest="", return_reason=reason.strip())
        return await self.drafts.replace(before, after, draft_entry(actor, AuditAction.DRAFT_RETURNED, after))

    async def release(self, actor: Actor, draft_id: UUID, *, digest: str) -> Release:
        """Release exactly the package with the digest seen (promise 6): after the pause, a Fehlalarm at once."""
        draft = await self.drafts.get(draft_id)
        check_release(draft, actor, digest, self.policy)
        await self._check_still_fits(draft)
        now = self.clock.now()
        release = Release(
            draft.id, draft.incident, digest, actor.pseudonym, now, now + pause_for(draft.content, self.pause)
        )
        entry = AuditEntry(actor.pseudonym, AuditAction.DRAFT_RELEASED, str(draft.incident), {"digest": digest})
        await self.store.put_release(draft, release, entry)
        if release.due <= now:
            await self._issue_now(release)
        await self.events.publish(Topic.DESK, str(draft.incident))
        return release

    async def _issue_now(self, release: Release) -> None:
        """Issue without waiting for the release timer; no error if the timer has issued it first."""
        try:
            await self.issuer.issue(release)
        except StoreUnavailable as error:
            log.warning("release_waits", incident=str(release.incident), code=error.code)  # the timer issues it
        except WrongState:
            draft = await self.drafts.get(release.draft)
            if draft.state is not DraftState.RELEASED or await self.store.pending(release.incident):
                raise

    async def _check_still_fits(self, draft: Draft) -> None:
        found = (*await self.drafts.chain_problems(draft), *overtaken(draft.content, self.clock.now()))
        if found:
            raise WrongState("draft-outdated", where=",".join(problem.where for problem in found), causes=found)

    async def stop(self, actor: Actor, draft_id: UUID) -> Draft:
        """Cancel a release during its pause; the draft can be edited again."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        draft = await self.drafts.get(draft_id)
        entry = AuditEntry(actor.pseudonym, AuditAction.RELEASE_STOPPED, str(draft.incident), {"digest": draft.digest})
        await self.store.stop_release(draft_id, entry, reason="Während der Pause angehalten.")
        await self.events.publish(Topic.DESK, str(draft.incident))
        return await self.drafts.get(draft_id)
