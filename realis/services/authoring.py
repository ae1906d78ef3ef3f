"""The desk's use cases, under every face: create, edit, submit, return, release, stop, follow up, issue.

Every rule about who may do what is in ``realis.policy.approval``; this module puts the rules and the stores together.
It knows no HTTP and no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from uuid_utils import uuid7

from realis.cap.writer import write
from realis.model.draft import (
    Content,
    Draft,
    DraftKind,
    DraftState,
    Package,
    compose,
    problems,
)
from realis.model.errors import InvalidInput, NotAllowed, NotFound, Problem, StoreUnavailable, WrongState
from realis.policy.approval import (
    PAUSE,
    Actor,
    IssuePolicy,
    Role,
    check_edit,
    check_occasion,
    check_release,
    digest,
    pause_for,
)
from realis.policy.audience import audience_for
from realis.ports.channel import CapSigner, Channel, Clock, Events, Topic
from realis.ports.content import ErrorMessages, Phrases
from realis.ports.desk_read_models import AuditLine, BoardEntry, ChannelRow, IncidentFile, Release
from realis.ports.installation import City
from realis.ports.read_models import ChannelCount
from realis.ports.stores import AlertStore, AuditEntry, DeskStore, NewReceivedMessage
from realis.ports.targets import Targets
from realis.services.issuing import Identity, Issuer, chain_problems, overtaken
from realis.services.rendering import Renderer

log = structlog.get_logger(__name__)

ENDING_VALIDITY = timedelta(hours=6)
"""How long an ending's CAP message is valid, as MoWaS does it."""


class Figures(Protocol):
    """What the desk needs of the ledger."""

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """How each channel stands."""
        ...


class Archive(AlertStore, Protocol):
    """Issued alerts, and the words a follow-up starts from."""

    async def newest_content(self, incident: UUID) -> Package | None:
        """The package of the newest issued revision."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything an operator can do."""

    store: DeskStore
    alerts: Archive
    ledger: Figures
    targets: Targets
    renderer: Renderer
    signer: CapSigner
    events: Events
    clock: Clock
    identity: Identity
    messages: ErrorMessages
    policy: IssuePolicy = field(default_factory=IssuePolicy)
    ways_out: Mapping[str, Channel] = field(default_factory=dict)
    pause: timedelta = PAUSE

    @property
    def city(self) -> City:
        """The city served."""
        return self.renderer.city

    @property
    def phrases(self) -> Phrases:
        """The fixed words."""
        return self.renderer.phrases

    # ---- reading

    async def board(self) -> tuple[BoardEntry, ...]:
        """All recent incidents, most urgent first."""
        return await self.store.board(self.clock.now())

    async def incident(self, incident: UUID) -> IncidentFile:
        """Everything about one incident. Raises ``NotFound``."""
        entry = next((entry for entry in await self.board() if entry.incident == incident), None)
        if entry is None:
            raise NotFound("incident-not-found")
        return IncidentFile(
            entry=entry,
            drafts=await self.store.drafts(incident),
            chain=await self.alerts.chain(incident),
            counts=await self.counts(incident),
            witnesses=await self.store.witnesses(incident),
            hand=await self.store.hand_tasks(incident),
            trail=await self.store.trail(subject=str(incident)),
            pending=await self.store.pending(incident),
        )

    async def draft(self, draft_id: UUID) -> Draft:
        """One draft. Raises ``NotFound``."""
        found = await self.store.draft(draft_id)
        if found is None:
            raise NotFound("draft-not-found")
        return found

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """How each channel stands for the newest revision, with what keeps a channel from sending."""
        holds = await self.store.holds()
        return tuple(
            replace(count, problem=self._problem(count.channel, holds)) for count in await self.ledger.counts(incident)
        )

    def _problem(self, name: str, holds: Mapping[str, tuple[datetime, str]]) -> str:
        if name in holds:
            return f"angehalten: {holds[name][1]}"
        return self.ways_out[name].problem if name in self.ways_out else "nicht eingerichtet"

    async def channels(self) -> tuple[ChannelRow, ...]:
        """Every way out with its state."""
        holds = await self.store.holds()
        rows = []
        for channel in self.ways_out.values():
            since, reason = holds.get(channel.name, (None, ""))
            rows.append(
                ChannelRow(
                    name=channel.name,
                    label=channel.label,
                    problem=channel.problem,
                    targets=await self.targets.count(channel.name),
                    public=channel.limits.public,
                    held_since=since,
                    held_reason=reason,
                )
            )
        return tuple(rows)

    def preview(self, content: Content, incident: UUID | None = None) -> Package:
        """Every text as it would leave, for content that is not stored."""
        return self.renderer.package(content, self._link(incident))

    async def package(self, draft_id: UUID) -> Package:
        """The texts exactly as submitted. Raises ``NotFound``."""
        found = await self.store.package(draft_id)
        if found is None:
            raise NotFound("package-not-found")
        return found

    def problems(self, content: Content) -> tuple[Problem, ...]:
        """What keeps this content from being submitted."""
        found = problems(content, self.clock.now())
        known = [name for name in content.channels if name in self.ways_out and not self.ways_out[name].problem]
        if content.channels and not known:
            found = (*found, Problem("channels", "channels-not-set-up"))
        if content.occasion not in self.policy.occasions:
            found = (*found, Problem("occasion", "occasion-barred"))
        return found

    async def trail(self, limit: int = 200) -> tuple[AuditLine, ...]:
        """The newest audit entries first."""
        return await self.store.trail(limit=limit)

    def _link(self, incident: UUID | None) -> str:
        base = self.city.public_url.rstrip("/")
        return f"{base}/alerts/{incident}" if incident else f"{base}/"

    # ---- writing

    async def create(self, actor: Actor, content: Content) -> Draft:
        """A new incident by hand, with its first draft."""
        actor.require(Role.CAPTURE)
        draft = Draft(_new_id(), _new_id(), content, authors=(actor.id,))
        await self.store.open_incident(draft, self._entry(actor, "draft.created", draft))
        await self.events.publish(Topic.DESK, str(draft.incident))
        return await self.draft(draft.id)

    async def receive(self, content: Content, witness: NewReceivedMessage, *, incident: UUID | None) -> Draft:
        """A draft from an authority's message, in a known incident or a new one. The authority is no author.

        An update of something that was never issued here can only become a first warning.
        """
        if content.kind is DraftKind.UPDATE and not (incident and await self.alerts.chain(incident)):
            content = replace(content, kind=DraftKind.ALERT)
        if incident:
            kept = await self._kept_channels(incident)
            content = replace(content, channels=tuple(dict.fromkeys((*kept, *content.channels))))
        draft = Draft(_new_id(), incident or _new_id(), content, problems=witness.problems)
        entry = AuditEntry(witness.authority, "message.received", str(draft.incident), witness.digest)
        store = self.store.add_draft if incident else self.store.open_incident
        await store(draft, entry, witness)
        await self.events.publish(Topic.DESK, str(draft.incident))
        return draft

    async def save(self, actor: Actor, draft_id: UUID, *, version: int, content: Content) -> Draft:
        """Store an edit; it voids a submission, and the editor can no longer release it."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        before = await self.draft(draft_id)
        check_edit(before, version)
        chain = await self.alerts.chain(before.incident)
        check_occasion(before.content.occasion, content.occasion, issued=bool(chain))
        channels = tuple(dict.fromkeys((*await self._kept_channels(before.incident), *content.channels)))
        after = replace(
            before,
            content=replace(content, kind=before.content.kind, channels=channels),
            state=DraftState.OPEN,
            version=before.version + 1,
            authors=tuple(dict.fromkeys((*before.authors, actor.id))),
            digest="",
            submitted_by="",
        )
        return await self._replace(before, after, self._entry(actor, "draft.saved", after))

    async def submit(self, actor: Actor, draft_id: UUID, *, version: int) -> Draft:
        """Render, store and hash every text; from now on a second person can release exactly that.

        Raises:
            InvalidInput: something is missing; all of it is listed.
        """
        before = await self.draft(draft_id)
        # Retracting a false alarm must never wait for a second person, whichever of the two roles is awake.
        alone = before.content.kind is DraftKind.RETRACTION
        actor.require(Role.CAPTURE, *([Role.RELEASE] if alone else []))
        check_edit(before, version)
        found = (*self.problems(before.content), *await self._overtaken(before))
        if found:
            raise InvalidInput("draft-incomplete", where=",".join(problem.where for problem in found), causes=found)
        # Done once now, so that what CAP cannot carry or no cell can cover shows here and not at the moment of issue.
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
        return await self._replace(before, after, self._entry(actor, "draft.submitted", after), package)

    async def send_back(self, actor: Actor, draft_id: UUID, *, reason: str) -> Draft:
        """Return a submitted draft to its authors, with a reason."""
        actor.require(Role.RELEASE)
        before = await self.draft(draft_id)
        if before.state is not DraftState.SUBMITTED:
            raise WrongState("draft-not-submitted")
        if not reason.strip():
            raise InvalidInput("reason-missing", where="reason")
        after = replace(before, state=DraftState.OPEN, digest="", return_reason=reason.strip())
        return await self._replace(before, after, self._entry(actor, "draft.returned", after))

    async def discard(self, actor: Actor, draft_id: UUID) -> None:
        """Throw a draft away; it stays in the audit trail."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        before = await self.draft(draft_id)
        check_edit(before, before.version)
        after = replace(before, state=DraftState.DISCARDED)
        await self._replace(before, after, self._entry(actor, "draft.discarded", after))

    async def release(self, actor: Actor, draft_id: UUID, *, digest: str) -> Release:
        """Decide that exactly what was seen goes out: after the pause, or at once for a Fehlalarm."""
        draft = await self.draft(draft_id)
        check_release(draft, actor, digest, self.policy)
        await self._check_still_fits(draft)
        now = self.clock.now()
        release = Release(
            draft.id, draft.incident, digest, actor.pseudonym, now, now + pause_for(draft.content, self.pause)
        )
        entry = AuditEntry(actor.pseudonym, "draft.released", str(draft.incident), digest)
        await self.store.put_release(draft, release, entry)
        if release.due <= now:
            await self._issue_now(release)
        await self.events.publish(Topic.DESK, str(draft.incident))
        return release

    async def _issue_now(self, release: Release) -> None:
        """Issue without waiting for the release loop; that the loop came first is no error."""
        try:
            await self.issuer.issue(release)
        except StoreUnavailable as error:
            log.warning("release_waits", incident=str(release.incident), code=error.code)  # the loop issues it
        except WrongState:
            draft = await self.draft(release.draft)
            if draft.state is not DraftState.RELEASED or await self.store.pending(release.incident):
                raise

    async def _overtaken(self, draft: Draft) -> tuple[Problem, ...]:
        """What the incident issued since the draft was begun, where the draft no longer fits to it."""
        found = chain_problems(draft.content, await self.alerts.chain(draft.incident))
        if set(await self._kept_channels(draft.incident)) - set(draft.content.channels):
            found = (*found, Problem("channels", "channels-already-warned"))
        return found

    async def _kept_channels(self, incident: UUID) -> tuple[str, ...]:
        """Whoever was warned on a channel hears the rest there too (promise 4), so channels only ever join."""
        newest = await self.alerts.newest_content(incident)
        return newest.content.channels if newest else ()

    async def _check_still_fits(self, draft: Draft) -> None:
        found = (*await self._overtaken(draft), *overtaken(draft.content, self.clock.now()))
        if found:
            raise WrongState("draft-outdated", where=",".join(problem.where for problem in found), causes=found)

    async def stop(self, actor: Actor, draft_id: UUID) -> Draft:
        """Halt a release during its pause; the draft is open again."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        draft = await self.draft(draft_id)
        entry = AuditEntry(actor.pseudonym, "release.stopped", str(draft.incident), draft.digest)
        await self.store.stop_release(draft_id, entry, reason="Während der Pause angehalten.")
        await self.events.publish(Topic.DESK, str(draft.incident))
        return await self.draft(draft_id)

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
        await self.store.add_draft(draft, self._entry(actor, "draft.created", draft))
        await self.events.publish(Topic.DESK, str(incident))
        return await self.draft(draft.id)

    async def tick(self, actor: Actor, incident: UUID, *, revision: int, target_id: int, who: str) -> None:
        """Note that somebody carried out a by-hand text."""
        actor.require(Role.CAPTURE, Role.RELEASE)
        if not who.strip():
            raise InvalidInput("who-missing", where="who")
        entry = AuditEntry(actor.pseudonym, "hand.ticked", str(incident), f"revision {revision}")
        await self.store.tick(incident, revision=revision, target_id=target_id, who=who.strip(), entry=entry)
        await self.events.publish(Topic.DELIVERY, str(incident))

    async def lift_hold(self, actor: Actor, channel: str) -> None:
        """Let a channel that was on hold send again."""
        actor.require(Role.RELEASE, Role.ADMIN)
        await self.store.lift_hold(channel, AuditEntry(actor.pseudonym, "channel.resumed", channel))
        await self.events.publish(Topic.WORK)

    async def note(self, actor: Actor, action: str, subject: str, detail: str = "") -> None:
        """Put something a person did elsewhere (administration) into the audit trail."""
        if Role.ADMIN not in actor.roles:
            raise NotAllowed("administration-only")
        await self.store.note(AuditEntry(actor.pseudonym, action, subject, detail))

    async def _replace(self, before: Draft, after: Draft, entry: AuditEntry, package: Package | None = None) -> Draft:
        await self.store.replace_draft(before, after, entry, package)
        await self.events.publish(Topic.DESK, str(after.incident))
        return await self.draft(after.id)

    def _entry(self, actor: Actor, action: str, draft: Draft) -> AuditEntry:
        detail = f"{draft.content.kind} v{draft.version} {draft.digest}".strip()
        return AuditEntry(actor.pseudonym, action, str(draft.incident), detail)

    # ---- issuing

    @property
    def issuer(self) -> Issuer:
        """What issues this desk's decisions."""
        return Issuer(
            decisions=self.store,
            alerts=self.alerts,
            signer=self.signer,
            events=self.events,
            clock=self.clock,
            identity=self.identity,
            policy=self.policy,
            messages=self.messages,
            ways_out=self.ways_out,
            link=self._link,
        )

    async def issue_due(self) -> datetime | None:
        """Issue every decision whose pause is over; when the next one is due."""
        return await self.issuer.issue_due()


def _new_id() -> UUID:
    return UUID(str(uuid7()))
