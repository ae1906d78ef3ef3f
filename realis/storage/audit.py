"""The audit chain: every entry carries a digest of itself and of the one before.

Entries hold digests and pseudonyms, never texts or names. Appending takes one lock, so the chain cannot fork; a
changed, missing or inserted entry breaks every digest after it (promise 13).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import desc, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.audit import stored_facts
from realis.ports.desk_read_models import AuditLine
from realis.ports.stores import AuditEntry
from realis.storage.database import Database, Lock
from realis.storage.schema import audit

GENESIS = "0" * 64


def link(previous: str, line: AuditLine) -> str:
    """The digest that chains a line to the one before it: SHA-256 over both, in hex."""
    plain = [previous, line.number, line.at.isoformat(), line.actor, line.action, line.subject, line.detail]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()


async def append(database: Database, connection: AsyncConnection, entry: AuditEntry, at: datetime) -> None:
    """Add one entry inside the caller's transaction."""
    # Two appends at once would read the same last digest, and the chain would fork.
    await database.lock(connection, Lock.AUDIT)
    last = (
        await connection.execute(select(audit.c.number, audit.c.digest).order_by(desc(audit.c.number)).limit(1))
    ).first()
    facts = stored_facts(entry.facts)
    number, previous = (last.number + 1, last.digest) if last else (1, GENESIS)
    line = AuditLine(number, at, entry.actor, entry.action, entry.subject, facts)
    await connection.execute(
        audit.insert().values(
            number=number,
            at=at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=facts,
            previous=previous,
            digest=link(previous, line),
        )
    )


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the chain holds. ``broken_at`` is the first entry that does not fit, 0 if all do."""

    entries: int
    broken_at: int
    last_digest: str


async def verify(database: Database) -> AuditVerdict:
    """Recompute every digest of the chain, in order; stops at the first that differs."""
    previous, count = GENESIS, 0
    async with database.read() as connection:
        rows = await connection.stream(select(audit).order_by(audit.c.number))
        async for row in rows:
            line = AuditLine(row.number, row.at, row.actor, row.action, row.subject, row.detail)
            count += 1
            if row.number != count or row.previous != previous or row.digest != link(previous, line):
                return AuditVerdict(count, row.number, previous)
            previous = row.digest
    return AuditVerdict(count, 0, previous)
