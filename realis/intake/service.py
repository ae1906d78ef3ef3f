"""Receives an authority's message: reads it, lists its findings, finds its incident, stores a draft.

It releases nothing, and changes nothing when the same message is received twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from realis.cap.findings import merged
from realis.cap.reader import ReadResult, read
from realis.cap.rules import check
from realis.intake.mapping import asks_for_draft, content_of
from realis.intake.receiving import Receipt
from realis.model.alert import Alert, Reference
from realis.model.errors import AlreadyReceived, Conflict, InvalidInput
from realis.ports.clock import Clock
from realis.ports.stores import KnownReceivedMessage, NewReceivedMessage, ReceivedMessages
from realis.services.desk import Desk


@dataclass(frozen=True, slots=True)
class CapIntake:
    """``realis.intake.receiving.ReceiveCap`` over the desk."""

    desk: Desk
    received: ReceivedMessages
    clock: Clock

    async def __call__(self, raw: bytes, authority: str) -> Receipt:
        """Store the message with its incident and a draft for it."""
        # In a thread: up to a second of work for the largest messages, which must not delay a screen or a release.
        result = await asyncio.to_thread(read, raw)
        alert, digest = result.alert, hashlib.sha256(raw).hexdigest()
        known = await self.received.find_received(authority, alert.sender, alert.identifier)
        if known is not None:
            return _repeated(known, digest)
        if not asks_for_draft(alert):
            raise InvalidInput("message-type-unfit", where="msgType", type=alert.msg_type.value)
        incident, found_references = await self._incident(alert)
        try:
            return await self._draft(result, authority, digest, raw, incident, found_references)
        except AlreadyReceived:
            # The same message was received twice at once, here or at another node, and the other was stored first.
            known = await self.received.find_received(authority, alert.sender, alert.identifier)
            if known is None:
                raise
            return _repeated(known, digest)

    async def _incident(self, alert: Alert) -> tuple[UUID | None, list[Reference]]:
        """The incident the message belongs to, and which of its references are known."""
        incident, found = None, []
        for reference in alert.references[:100]:
            named = await self.received.incident_named(reference)
            if named is not None:
                found.append(reference)
                incident = incident or named
        return incident, found

    async def _draft(
        self,
        result: ReadResult,
        authority: str,
        digest: str,
        raw: bytes,
        incident: UUID | None,
        known: list[Reference],
    ) -> Receipt:
        alert, city = result.alert, self.desk.city
        findings = merged([*result.problems, *check(alert, self.clock.now(), known)])
        problems = tuple(finding.text for finding in findings)
        content = content_of(result, findings, languages=city.languages, default_source=authority)
        usable = tuple(row.name for row in await self.desk.overview.channel_rows() if not row.problem)
        witness = NewReceivedMessage(authority, alert.sender, alert.identifier, alert.sent, digest, raw, problems)
        draft = await self.desk.authoring.receive(replace(content, channels=usable), witness, incident=incident)
        return Receipt(draft.incident, draft.id, problems)


def _repeated(known: KnownReceivedMessage, digest: str) -> Receipt:
    if known.digest != digest:
        raise Conflict("identifier-taken", where="identifier")
    return Receipt(known.incident, known.draft, known.problems, repeated=True)
