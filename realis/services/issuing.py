"""Issuing: the alert, texts and dispatches of a decision whose pause is over, composed and signed under the issue lock.

One transaction writes all of it (``AlertStore.issue``); nothing is sent from here. No HTTP, no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from realis.cap.writer import write
from realis.model.audit import AuditAction
from realis.model.draft import Content, DraftKind, Envelope, Package, Variant, compose
from realis.model.errors import Problem, RealisError, StoreUnavailable, WrongState
from realis.model.incident import Revision, references_for_next
from realis.model.languages import SOURCE_LANGUAGE
from realis.policy import priority
from realis.policy.approval import IssuePolicy
from realis.policy.audience import Audience, audience_for
from realis.ports.channel import Channel, MessageKind
from realis.ports.clock import Clock
from realis.ports.content import ErrorMessages
from realis.ports.desk_read_models import Release
from realis.ports.events import Events, Topic
from realis.ports.signing import CapSigner
from realis.ports.stores import AlertStore, AuditEntry, DeskStore, Issue, NewDispatch
from realis.services.error_texts import describe

log = structlog.get_logger(__name__)

SYSTEM = "system"
"""The actor of automatic steps in the audit trail."""


@dataclass(frozen=True, slots=True)
class Identity:
    """How this installation signs its CAP messages: sender and the prefix of identifiers."""

    sender: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Issuer:
    """Turns decisions into issued alerts.

    Args:
        link: the public address of an incident.
    """

    decisions: DeskStore
    alerts: AlertStore
    signer: CapSigner
    events: Events
    clock: Clock
    identity: Identity
    policy: IssuePolicy
    messages: ErrorMessages
    channels: Mapping[str, Channel]
    link: Callable[[UUID | None], str]

    async def issue_due(self) -> datetime | None:
        """Issue every decision whose pause is over; a failure stops no other. Returns when the next is due, or None."""
        for release in await self.decisions.due_releases(self.clock.now()):
            try:
                await self.issue(release)
            except WrongState:
                # Issued by another process, or stopped; a decision that cannot be issued was reopened with the reason.
                log.info("release_settled", incident=str(release.incident))
            except RealisError as error:
                log.warning("release_not_issued", incident=str(release.incident), code=error.code)
        return await self.decisions.next_due()

    async def issue(self, release: Release) -> Revision:
        """The issue transaction for one decision.

        Any error that prevents the issue (a failed signature first of all) reopens the draft with the reason.

        Raises:
            WrongState: it was stopped or issued already; nothing was changed.
            StoreUnavailable: the database is unreachable; nothing was changed, and the decision is still due.
            RealisError: any other obstacle (also ``WrongState``); nothing was written but the reopening.
        """
        now = self.clock.now()

        def make(number: int, chain: tuple[Revision, ...], package: Package) -> Issue:
            return self._compose(release, number, chain, package, now)

        try:
            revision = await self.alerts.issue(release, make, now=now)
        except StoreUnavailable:
            raise  # transient: the decision is on disk and is tried again
        except RealisError as error:
            await self._reopen(release, error)
            raise
        log.info("alert_issued", incident=str(release.incident), revision=revision.number)
        await self.events.publish(Topic.SITUATION, str(release.incident))
        await self.events.publish(Topic.WORK)
        await self.events.publish(Topic.DESK, str(release.incident))
        return revision

    async def _reopen(self, release: Release, error: RealisError) -> None:
        entry = AuditEntry(
            SYSTEM, AuditAction.RELEASE_FAILED, str(release.incident), {"code": error.code, "digest": release.digest}
        )
        # Stored as a person's reason is, hence in German, the language drafts are written in.
        why = describe(error, self.messages, SOURCE_LANGUAGE)
        try:
            await self.decisions.stop_release(release.draft, entry, reason=f"Nicht ausgegeben: {why}")
        except WrongState:
            return  # stopped or issued already: nothing to reopen
        log.error("release_failed", incident=str(release.incident), code=error.code, exc_info=error)
        await self.events.publish(Topic.DESK, str(release.incident))

    def _compose(
        self, release: Release, number: int, chain: tuple[Revision, ...], package: Package, now: datetime
    ) -> Issue:
        content = package.content
        self.policy.check(content.occasion)
        found = (*chain_problems(content, chain), *overtaken(content, now))
        if found:
            raise WrongState("not-issuable", causes=found)
        alert = compose(content, self.envelope(release.incident, number, chain, now))
        audience = audience_for(content)
        return Issue(
            alert=alert,
            kind=MessageKind(content.kind.value),
            xml=self.signer.sign(write(alert)),
            package=package,
            url=self.link(release.incident),
            cells=audience.cells,
            dispatches=tuple(self._dispatches(package, audience, now)),
            entry=AuditEntry(
                release.released_by,
                AuditAction.ALERT_ISSUED,
                str(release.incident),
                {"revision": number, "digest": release.digest},
            ),
        )

    def envelope(self, incident: UUID, number: int, chain: tuple[Revision, ...], now: datetime) -> Envelope:
        """Return the identifiers and times of the message as this revision of its chain."""
        return Envelope(
            identifier=f"{self.identity.prefix}.{incident}.{number}",
            sender=self.identity.sender,
            sent=_whole_second(now, chain),
            references=references_for_next(chain),
            web=self.link(incident),
        )

    def _dispatches(self, package: Package, audience: Audience, now: datetime) -> list[NewDispatch]:
        """Return one dispatch per channel that can send and has texts, each with an expiry unless this is an ending."""
        content = package.content
        usable = [
            name
            for name in dict.fromkeys(content.channels)
            if name in self.channels
            and not self.channels[name].unavailable_reason
            and package.find(name, SOURCE_LANGUAGE) is not None
        ]
        message = [
            NewDispatch(
                channel=name,
                kind=MessageKind(content.kind.value),
                variant=Variant.MESSAGE,
                gravity=priority.gravity(content),
                level=content.level,
                occasion=content.occasion,
                due=now,
                deadline=priority.deadline(content, now),
                match=audience.match,
                joined_only=audience.joined_only,
                realert=content.realert,
            )
            for name in usable
        ]
        if content.kind.ending is not None or content.expires is None:
            return message
        ends = content.expires
        expiry = [
            replace(
                dispatch,
                kind=MessageKind.EXPIRY,
                variant=Variant.EXPIRY,
                gravity=priority.EXPIRY_GRAVITY,
                due=ends,
                deadline=ends + priority.ENDING_DEADLINE,
                match=False,
                realert=False,
            )
            for dispatch in message
        ]
        return [*message, *expiry]


def chain_problems(content: Content, chain: tuple[Revision, ...]) -> tuple[Problem, ...]:
    """Return the conflicts of a message with what its incident issued before."""
    if content.kind is DraftKind.ALERT:
        again = Problem("kind", "already-warned")
        return (again,) if chain else ()
    if not chain:
        return (Problem("kind", "nothing-issued"),)
    if chain[-1].ending is not None:
        return (Problem("kind", "incident-ended"),)
    if chain[-1].alert.status is not content.occasion.status:
        return (Problem("occasion", "occasion-mismatch"),)
    return ()


def overtaken(content: Content, now: datetime) -> tuple[Problem, ...]:
    """Return a problem if a warning's end has passed, so that it must not be issued; an ending is never overtaken."""
    if content.kind.ending is None and content.expires is not None and content.expires <= now:
        return (Problem("expires", "end-passed"),)
    return ()


def _whole_second(now: datetime, chain: tuple[Revision, ...]) -> datetime:
    """Return CAP's ``sent``: in whole seconds, and never before the chain's last one."""
    second = now.replace(microsecond=0)
    return max(second, chain[-1].alert.sent) if chain else second
