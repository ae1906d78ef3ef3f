"""Incidents, drafts, decisions: ``realis.ports.stores.DeskStore`` in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, desc, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.alert import Reference
from realis.model.draft import Draft, DraftState, Package, Variant
from realis.model.errors import AlreadyReceived, StaleVersion, WrongState
from realis.ports.clock import Clock
from realis.ports.desk_read_models import AuditLine, BoardEntry, HandTask, ReceivedMessage, Release
from realis.ports.stores import AuditEntry, KnownReceivedMessage, NewReceivedMessage
from realis.storage import audit
from realis.storage.database import Database, Lock, insert
from realis.storage.overview import board_entries, board_entry
from realis.storage.schema import (
    Instant,
    alerts,
    batches,
    confirmations,
    dispatches,
    drafts,
    enrolled,
    holds,
    incidents,
    packages,
    releases,
    texts,
    witnesses,
)
from realis.storage.schema import (
    audit as audit_table,
)
from realis.storage.serialization import CONTENT, PACKAGE, RENDERED, to_text

BOARD_DAYS = 30
BY_HAND = "by_hand"


# Built once: run every second, and when a release is due.
_DUE = (
    select(releases)
    .where(releases.c.state == "pending", releases.c.due_at <= bindparam("now", type_=Instant))
    .order_by(releases.c.id)
)
_NEXT_DUE = select(func.min(releases.c.due_at)).where(releases.c.state == "pending")


class SqlDesk:
    """``realis.ports.stores.DeskStore``. Every change appends to the audit chain in the same transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def _append(self, connection: AsyncConnection, entry: AuditEntry) -> None:
        await audit.append(self._database, connection, entry, self._clock.now())

    # ---- incidents and drafts

    async def open_incident(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a new incident with its first draft and, if a message caused it, that message."""
        now, content = self._clock.now(), draft.content
        german = content.text("de")
        async with self._database.write() as connection:
            await connection.execute(
                incidents.insert().values(
                    id=draft.incident,
                    title=german.headline if german and german.headline else content.event,
                    occasion=content.occasion,
                    source=content.source_name,
                    created_at=now,
                    updated_at=now,
                )
            )
            await self._insert_draft(connection, draft, witness)
            await self._append(connection, entry)

    async def add_draft(self, draft: Draft, entry: AuditEntry, witness: NewReceivedMessage | None = None) -> None:
        """Store a further draft of a known incident."""
        async with self._database.write() as connection:
            await self._insert_draft(connection, draft, witness)
            await self._touch(connection, draft.incident)
            await self._append(connection, entry)

    async def _insert_draft(
        self, connection: AsyncConnection, draft: Draft, witness: NewReceivedMessage | None
    ) -> None:
        now = self._clock.now()
        await connection.execute(drafts.insert().values(**_draft_values(draft), created_at=now, updated_at=now))
        if witness is not None:
            await self._insert_witness(connection, draft, witness)

    async def _insert_witness(self, connection: AsyncConnection, draft: Draft, witness: NewReceivedMessage) -> None:
        row = witnesses.insert().values(
            incident_id=draft.incident,
            draft_id=draft.id,
            authority=witness.authority,
            sender=witness.sender,
            identifier=witness.identifier,
            sent=witness.sent,
            digest=witness.digest,
            raw=witness.raw,
            problems=list(witness.problems),
            received_at=self._clock.now(),
        )
        try:
            await connection.execute(row)
        except IntegrityError as error:
            raise AlreadyReceived("already-received", where="identifier") from error

    async def _touch(self, connection: AsyncConnection, incident: UUID) -> None:
        await connection.execute(
            incidents.update().where(incidents.c.id == incident).values(updated_at=self._clock.now())
        )

    async def find_received(self, authority: str, sender: str, identifier: str) -> KnownReceivedMessage | None:
        """Return the message received under this identifier, or None."""
        query = select(witnesses).where(
            witnesses.c.authority == authority, witnesses.c.sender == sender, witnesses.c.identifier == identifier
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return KnownReceivedMessage(row.incident_id, row.draft_id, row.digest, tuple(row.problems)) if row else None

    async def incident_named(self, reference: Reference) -> UUID | None:
        """Return the incident of a CAP reference, which names a received message or an issued alert; None if none."""
        foreign = select(witnesses.c.incident_id).where(witnesses.c.identifier == reference.identifier)
        if reference.sender:
            foreign = foreign.where(witnesses.c.sender == reference.sender)
        ours = select(alerts.c.incident_id).where(alerts.c.identifier == reference.identifier)
        async with self._database.read() as connection:
            for query in (foreign, ours):
                found = (await connection.execute(query.limit(1))).scalar()
                if found is not None:
                    return UUID(str(found))
        return None

    async def draft(self, draft_id: UUID) -> Draft | None:
        """One draft."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(drafts).where(drafts.c.id == draft_id))).first()
        return _draft(row) if row else None

    async def drafts(self, incident: UUID) -> tuple[Draft, ...]:
        """An incident's drafts, newest first."""
        query = select(drafts).where(drafts.c.incident_id == incident).order_by(desc(drafts.c.created_at))
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_draft(row) for row in rows)

    async def replace_draft(
        self, before: Draft, after: Draft, entry: AuditEntry, package: Package | None = None
    ) -> None:
        """Store ``after`` if the draft still has ``before``'s version and state; a submission's package with it."""
        async with self._database.write() as connection:
            await self._swap(connection, before, after)
            await connection.execute(packages.delete().where(packages.c.draft_id == after.id))
            if package is not None:
                body = to_text(PACKAGE, package)
                await connection.execute(packages.insert().values(draft_id=after.id, digest=after.digest, body=body))
            await self._touch(connection, after.incident)
            await self._append(connection, entry)

    async def _swap(self, connection: AsyncConnection, before: Draft, after: Draft) -> None:
        # Optimistic locking: version and state are compared by the UPDATE itself, so of two saves one fails.
        same = and_(drafts.c.id == before.id, drafts.c.version == before.version, drafts.c.state == before.state)
        values = {**_draft_values(after), "updated_at": self._clock.now()}
        result = await connection.execute(drafts.update().where(same).values(values))
        if result.rowcount != 1:
            raise StaleVersion("draft-saved-by-other")

    async def package(self, draft_id: UUID) -> Package | None:
        """Return the package as it was submitted."""
        async with self._database.read() as connection:
            body = (await connection.execute(select(packages.c.body).where(packages.c.draft_id == draft_id))).scalar()
        return PACKAGE.validate_json(body) if body else None

    # ---- decisions

    async def put_release(self, before: Draft, release: Release, entry: AuditEntry) -> None:
        """Mark the draft released and store the decision with its due time."""
        async with self._database.write() as connection:
            # Compared with the digest in the UPDATE: an edit after the check would be released unseen.
            same = and_(
                drafts.c.id == before.id,
                drafts.c.version == before.version,
                drafts.c.state == DraftState.SUBMITTED,
                drafts.c.digest == release.digest,
            )
            changed = await connection.execute(drafts.update().where(same).values(state=DraftState.RELEASED))
            if changed.rowcount != 1:
                raise StaleVersion("draft-changed")
            await connection.execute(
                releases.insert().values(
                    draft_id=release.draft,
                    incident_id=release.incident,
                    digest=release.digest,
                    released_by=release.released_by,
                    decided_at=release.decided_at,
                    due_at=release.due,
                    state="pending",
                )
            )
            await self._touch(connection, release.incident)
            await self._append(connection, entry)

    async def stop_release(self, draft_id: UUID, entry: AuditEntry, *, reason: str = "") -> None:
        """Cancel a decision that has not been issued; the draft can be edited again."""
        async with self._database.write() as connection:
            # The same row decides between a stop and the issue transaction: exactly one of them updates it.
            pending = and_(releases.c.draft_id == draft_id, releases.c.state == "pending")
            stopped = await connection.execute(releases.update().where(pending).values(state="stopped"))
            if stopped.rowcount != 1:
                raise WrongState("already-issued")
            values = {"state": DraftState.OPEN, "digest": "", "return_reason": reason}
            await connection.execute(drafts.update().where(drafts.c.id == draft_id).values(values))
            await connection.execute(packages.delete().where(packages.c.draft_id == draft_id))
            await self._append(connection, entry)

    async def pending(self, incident: UUID) -> Release | None:
        """Return the decision whose pause is running, or None."""
        query = select(releases).where(releases.c.incident_id == incident, releases.c.state == "pending")
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return _release(row) if row else None

    async def due_releases(self, now: datetime) -> tuple[Release, ...]:
        """Return the decisions whose pause is over, oldest first."""

        async def look(connection: AsyncConnection) -> tuple[Release, ...]:
            return tuple(_release(row) for row in (await connection.execute(_DUE, {"now": now})).all())

        return await self._database.reading(look)

    async def next_due(self) -> datetime | None:
        """Return when the next decision takes effect, or None."""
        found: datetime | None = await self._database.ask(_NEXT_DUE)
        return found

    # ---- reading for the console

    async def board(self, now: datetime) -> tuple[BoardEntry, ...]:
        """All incidents of the last 30 days, most urgent first."""
        async with self._database.read() as connection:
            return await board_entries(connection, now, since=now - timedelta(days=BOARD_DAYS))

    async def board_entry(self, incident: UUID, now: datetime) -> BoardEntry | None:
        """Return one incident's board entry, however old."""
        async with self._database.read() as connection:
            return await board_entry(connection, now, incident)

    async def has_received_message(self, incident: UUID) -> bool:
        """Whether an authority's message belongs to the incident."""
        query = select(exists().where(witnesses.c.incident_id == incident))
        async with self._database.read() as connection:
            return bool((await connection.execute(query)).scalar())

    async def received_messages(self, incident: UUID) -> tuple[ReceivedMessage, ...]:
        """Return the messages received for an incident."""
        query = select(witnesses).where(witnesses.c.incident_id == incident).order_by(witnesses.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            ReceivedMessage(row.authority, row.sender, row.identifier, row.received_at, tuple(row.problems))
            for row in rows
        )

    async def hand_tasks(self, incident: UUID) -> tuple[HandTask, ...]:
        """Return the texts of the newest revision for manual channels, with their confirmations."""
        newest = select(func.max(dispatches.c.revision)).where(
            dispatches.c.incident_id == incident, dispatches.c.channel == BY_HAND
        )
        ticked = and_(
            confirmations.c.incident_id == incident,
            confirmations.c.revision == texts.c.revision,
            confirmations.c.channel == BY_HAND,
            confirmations.c.target_id == enrolled.c.target_id,
        )
        query = (
            select(texts.c.revision, texts.c.body, enrolled.c.target_id, confirmations.c.who, confirmations.c.at)
            .select_from(texts)
            .join(enrolled, and_(enrolled.c.incident_id == incident, enrolled.c.channel == BY_HAND))
            .outerjoin(confirmations, ticked)
            .where(
                texts.c.incident_id == incident,
                texts.c.channel == BY_HAND,
                texts.c.variant == Variant.MESSAGE,
                texts.c.revision == newest.scalar_subquery(),
            )
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            HandTask(
                row.target_id,
                incident,
                row.revision,
                RENDERED.validate_json(row.body).text,
                row.who or "",
                row.at,
            )
            for row in rows
        )

    # ---- audit and holds

    async def note(self, entry: AuditEntry) -> None:
        """Append to the audit chain."""
        async with self._database.write() as connection:
            await self._append(connection, entry)

    async def trail(self, *, subject: str | None = None, limit: int = 200) -> tuple[AuditLine, ...]:
        """Return audit entries, newest first, of one subject or all."""
        query = select(audit_table).order_by(desc(audit_table.c.number)).limit(limit)
        if subject is not None:
            query = query.where(audit_table.c.subject == subject)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(AuditLine(row.number, row.at, row.actor, row.action, row.subject, row.detail) for row in rows)

    async def holds(self) -> Mapping[str, tuple[datetime, str]]:
        """Return the channels on hold: since when and why."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(holds))).all()
        return {row.channel: (row.since, row.reason) for row in rows}

    async def lift_hold(self, channel: str, entry: AuditEntry) -> None:
        """End a channel's hold; its held batches are due at once."""
        of_channel = select(dispatches.c.id).where(dispatches.c.channel == channel)
        async with self._database.write() as connection:
            await self._database.lock(connection, Lock.HOLDS)
            await connection.execute(holds.delete().where(holds.c.channel == channel))
            held = and_(batches.c.held, batches.c.dispatch_id.in_(of_channel))
            await connection.execute(batches.update().where(held).values(held=False, due_at=self._clock.now()))
            await self._append(connection, entry)

    async def mark_done(self, incident: UUID, *, revision: int, target_id: int, who: str, entry: AuditEntry) -> None:
        """Record that a manual text was carried out, by which user. Idempotent: the first record stands."""
        async with self._database.write() as connection:
            row = {
                "incident_id": incident,
                "revision": revision,
                "channel": BY_HAND,
                "target_id": target_id,
                "at": self._clock.now(),
                "who": who,
            }
            await connection.execute(insert(connection, confirmations).values(row).on_conflict_do_nothing())
            await self._append(connection, entry)


def _draft_values(draft: Draft) -> dict[str, object]:
    return {
        "id": draft.id,
        "incident_id": draft.incident,
        "version": draft.version,
        "state": draft.state,
        "content": to_text(CONTENT, draft.content),
        "authors": list(draft.authors),
        "problems": list(draft.problems),
        "submitted_by": draft.submitted_by,
        "digest": draft.digest,
        "return_reason": draft.return_reason,
    }


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        incident=row.incident_id,
        content=CONTENT.validate_json(row.content),
        state=DraftState(row.state),
        version=row.version,
        authors=tuple(row.authors),
        problems=tuple(row.problems),
        submitted_by=row.submitted_by,
        digest=row.digest,
        return_reason=row.return_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _release(row: Row[Any]) -> Release:
    return Release(row.draft_id, row.incident_id, row.digest, row.released_by, row.decided_at, row.due_at)
