"""The issue transaction and the archive of issued alerts, in SQL.

Everything that follows from one release is written in one commit; nothing is sent before it (promise 1).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Insert, Integer, Row, String, Uuid, and_, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.alert import Occasion
from realis.model.area import OUTERMOST_RING
from realis.model.delivery import State
from realis.model.draft import DraftState, Package, Rendered, Variant
from realis.model.errors import WrongState
from realis.model.incident import ENDING_LISTED_FOR, Revision
from realis.ports.channel import MessageKind
from realis.ports.desk_read_models import Release
from realis.ports.stores import ChangeMarker, Issue
from realis.storage import audit
from realis.storage.database import Database, Lock
from realis.storage.ledger.dispatch_rows import DispatchState, close_open_batches, lock_for_update
from realis.storage.schema import (
    Instant,
    alert_cells,
    alerts,
    dispatches,
    drafts,
    incidents,
    packages,
    releases,
    targets,
    texts,
)
from realis.storage.serialization import ALERT, PACKAGE, RENDERED, to_text

_CHAINS_AT_ONCE = 500
"""Below the number of parameters any database takes."""

MakeIssue = Callable[[int, tuple[Revision, ...], Package], Issue]


class SqlAlerts:
    """``realis.ports.stores.AlertStore`` and ``AlertArchive`` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[UUID, int], Revision] = {}

    # ---- writing

    async def issue(self, release: Release, make: MakeIssue, *, now: datetime) -> Revision:
        """The issue transaction: alert, texts, audit entry and dispatches in one commit, or nothing."""
        return await self._database.writing(lambda connection: self._issue(connection, release, make, now))

    async def _issue(self, connection: AsyncConnection, release: Release, make: MakeIssue, now: datetime) -> Revision:
        # One issue at a time: revisions are numbered without gaps, and the watermark is exact (``SqlTargets.put``).
        await self._database.lock(connection, Lock.ISSUE)
        await self._settle_release(connection, release)
        chain = await _chain(connection, release.incident)
        number = chain[-1].number + 1 if chain else 1
        issue = make(number, chain, await _package(connection, release))
        await self._keep_channels(connection, release.incident, issue)
        await self._insert_alert(connection, release, number, issue, now)
        await self._supersede(connection, release.incident, number, issue.kind)
        await self._insert_dispatches(connection, release.incident, number, issue, now)
        await audit.append(self._database, connection, issue.entry, now)
        return Revision(release.incident, number, issue.alert)

    async def _settle_release(self, connection: AsyncConnection, release: Release) -> None:
        # The row count decides between two processes that issue the same decision: the second updates no row.
        pending = and_(releases.c.draft_id == release.draft, releases.c.state == "pending")
        settled = await connection.execute(releases.update().where(pending).values(state="issued"))
        released = (
            await connection.execute(select(drafts.c.state).where(drafts.c.id == release.draft))
        ).scalar() == DraftState.RELEASED
        if settled.rowcount != 1 or not released:
            raise WrongState("release-settled")

    async def _keep_channels(self, connection: AsyncConnection, incident: UUID, issue: Issue) -> None:
        """Raise ``WrongState`` if an issued revision used a channel this one lacks: its targets get every later one."""
        query = select(dispatches.c.channel).distinct().where(dispatches.c.incident_id == incident)
        if set((await connection.execute(query)).scalars()) - set(issue.package.content.channels):
            raise WrongState("channels-already-warned", where="channels")

    async def _insert_alert(
        self, connection: AsyncConnection, release: Release, number: int, issue: Issue, now: datetime
    ) -> None:
        revision = Revision(release.incident, number, issue.alert)
        await connection.execute(
            alerts.insert().values(
                incident_id=release.incident,
                revision=number,
                identifier=issue.alert.identifier,
                kind=issue.kind,
                occasion=issue.package.content.occasion,
                sent=issue.alert.sent,
                ends_at=revision.ends_at,
                issued_at=now,
                event_code=issue.package.content.event_code,
                url=issue.url,
                body=to_text(ALERT, issue.alert),
                xml=issue.xml,
                draft_id=release.draft,
                digest=release.digest,
            )
        )
        key = {"incident_id": release.incident, "revision": number}
        rows = [
            {
                **key,
                "channel": entry.channel,
                "variant": entry.variant,
                "language": entry.text.language,
                "body": to_text(RENDERED, entry.text),
            }
            for entry in issue.package.texts
        ]
        await connection.execute(texts.insert(), rows)
        if issue.cells:
            dialect = connection.dialect.name
            placed = {"incident": release.incident, "revision": number, **_as_cells(dialect, issue.cells)}
            await connection.execute(_place_cells(dialect), placed)
        headline = issue.alert.infos[0].headline if issue.alert.infos else ""
        changes = {"updated_at": now, "title": headline, "occasion": issue.package.content.occasion}
        await connection.execute(incidents.update().where(incidents.c.id == release.incident).values(changes))

    async def _supersede(self, connection: AsyncConnection, incident: UUID, number: int, kind: MessageKind) -> None:
        """End the older revisions' open batches, so that none starts from here on; void an expiry not yet begun."""
        older = and_(dispatches.c.incident_id == incident, dispatches.c.revision < number)
        waiting = and_(older, dispatches.c.state == DispatchState.WAITING)
        await connection.execute(dispatches.update().where(waiting).values(state=DispatchState.VOIDED))
        state = State.WITHDRAWN if kind is MessageKind.RETRACTION else State.SUPERSEDED
        running = and_(older, dispatches.c.state.in_((DispatchState.PLANNING, DispatchState.SENDING)))
        # Locked before their batches are closed: a commit at the same time would add retries to an ended dispatch.
        ids = (await connection.execute(lock_for_update(select(dispatches.c.id).where(running)))).scalars().all()
        for dispatch_id in ids:
            await close_open_batches(connection, dispatch_id, state)
        await connection.execute(dispatches.update().where(running).values(state=DispatchState.SUPERSEDED))

    async def _insert_dispatches(
        self, connection: AsyncConnection, incident: UUID, number: int, issue: Issue, now: datetime
    ) -> None:
        # Target ids are assigned under the same lock: a target above the watermark is planned when it subscribes.
        watermark = (await connection.execute(select(func.coalesce(func.max(targets.c.id), 0)))).scalar_one()
        rows = [
            {
                "incident_id": incident,
                "revision": number,
                "channel": new.channel,
                "kind": new.kind,
                "variant": new.variant,
                "gravity": new.gravity,
                "level": int(new.level),
                "occasion": new.occasion,
                "match": new.match,
                "joined_only": new.joined_only,
                "realert": new.realert,
                "watermark": watermark,
                "cursor": 0,
                "ring": 0 if new.match else OUTERMOST_RING,
                "due_at": new.due,
                "deadline": new.deadline,
                "issued_at": now,
                "state": DispatchState.WAITING if new.variant is Variant.EXPIRY else DispatchState.PLANNING,
                "planned": 0,
            }
            for new in issue.dispatches
        ]
        if rows:
            await connection.execute(dispatches.insert(), rows)

    # ---- reading

    async def chain(self, incident: UUID) -> tuple[Revision, ...]:
        """All issued revisions of an incident, oldest first."""
        async with self._database.read() as connection:
            return await _chain(connection, incident)

    async def pulse(self, now: datetime) -> ChangeMarker:
        """Return a marker that differs whenever the active alerts may differ; one cheap query for every snapshot."""

        async def look(connection: AsyncConnection) -> Sequence[Any]:
            return (await connection.execute(_PULSE, {"now": now, "day_ago": now - ENDING_LISTED_FOR})).one()

        issued, *rest = await self._database.reading(look)
        passed, (sent, ended, *unlisted) = sum(rest[:3]), rest[3:]
        changes = [sent, ended, *(instant and instant + ENDING_LISTED_FOR for instant in unlisted)]
        return ChangeMarker(int(issued), max(filter(None, changes), default=None), int(passed))

    async def recent_chains(self, since: datetime) -> Sequence[tuple[Revision, ...]]:
        """Return the chains whose newest revision is valid or was sent after ``since``."""

        async def look(connection: AsyncConnection) -> list[Revision]:
            rows = (await connection.execute(_RECENT, {"since": since})).all()
            # An issued revision never changes, so the cache needs no invalidation: only new revisions are read in full.
            known = self._known
            new = {row.incident_id for row in rows if (row.incident_id, row.revision) not in known}
            known = known | await _revisions(connection, list(new))
            return [known[row.incident_id, row.revision] for row in rows]

        recent = await self._database.reading(look)
        self._known = {(one.incident, one.number): one for one in recent}
        chains: dict[UUID, list[Revision]] = {}
        for one in recent:
            chains.setdefault(one.incident, []).append(one)
        return [tuple(chain) for chain in chains.values()]

    async def texts(self, incident: UUID, revision: int, channel: str, variant: Variant) -> Mapping[str, Rendered]:
        """A revision's stored texts for a channel, by language; empty if the channel was not chosen."""
        query = select(texts.c.language, texts.c.body).where(
            texts.c.incident_id == incident,
            texts.c.revision == revision,
            texts.c.channel == channel,
            texts.c.variant == variant,
        )

        async def look(connection: AsyncConnection) -> dict[str, Rendered]:
            rows = (await connection.execute(query)).all()
            return {row.language: RENDERED.validate_json(row.body) for row in rows}

        return await self._database.reading(look)

    async def xml(self, identifier: str) -> tuple[bytes, Occasion] | None:
        """Return a signed message byte for byte as issued, with its occasion, or None."""
        query = select(alerts.c.xml, alerts.c.occasion).where(alerts.c.identifier == identifier)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return (bytes(row.xml), Occasion(row.occasion)) if row else None

    async def newest_content(self, incident: UUID) -> Package | None:
        """Return the package of the newest issued revision, which a follow-up is prefilled from; None without one."""
        query = (
            select(packages.c.body)
            .join(alerts, alerts.c.draft_id == packages.c.draft_id)
            .where(alerts.c.incident_id == incident)
            .order_by(alerts.c.revision.desc())
            .limit(1)
        )
        async with self._database.read() as connection:
            body = (await connection.execute(query)).scalar()
        return PACKAGE.validate_json(body) if body else None


def _pulse() -> Any:  # noqa: ANN401 - a SQL query
    now, day_ago = bindparam("now", type_=Instant), bindparam("day_ago", type_=Instant)
    over = case((alerts.c.ends_at <= now, alerts.c.ends_at))
    # A warning is listed for a day after it ended, by expiry or by an ending.
    left = [case((instant <= day_ago, instant)) for instant in (alerts.c.ends_at, alerts.c.sent)]
    return select(
        func.count(),
        *(func.count(instant) for instant in (over, *left)),
        *(func.max(instant) for instant in (alerts.c.sent, over, *left)),
    ).select_from(alerts)


_PULSE = _pulse()


@cache
def _place_cells(dialect: str) -> Insert:
    """The INSERT of an area's cells, as one array parameter or two: a parameter per row costs more than the row."""
    key = (bindparam("incident", type_=Uuid()), bindparam("revision", type_=Integer()))
    if dialect == "sqlite":
        cells = func.json_each(bindparam("cells")).table_valued("key", "value")
        found = select(*key, cells.c.key, cells.c.value)
    else:
        columns = (bindparam("cells", type_=ARRAY(String())), bindparam("rings", type_=ARRAY(Integer())))
        found = select(*key, *map(func.unnest, columns))
    return alert_cells.insert().from_select(["incident_id", "revision", "cell", "ring"], found)


def _as_cells(dialect: str, cells: Mapping[str, int]) -> dict[str, object]:
    """The cells as the parameters of ``_place_cells``."""
    in_order = dict(sorted(cells.items()))
    if dialect == "sqlite":
        return {"cells": json.dumps(in_order)}
    return {"cells": list(in_order), "rings": list(in_order.values())}


_SINCE = bindparam("since", type_=Instant)

_RECENT = (
    select(alerts.c.incident_id, alerts.c.revision)
    .where(
        alerts.c.incident_id.in_(
            select(alerts.c.incident_id).where(or_(alerts.c.ends_at > _SINCE, alerts.c.sent > _SINCE))
        )
    )
    .order_by(alerts.c.incident_id, alerts.c.revision)
)


async def _chain(connection: AsyncConnection, incident: UUID) -> tuple[Revision, ...]:
    query = select(alerts).where(alerts.c.incident_id == incident).order_by(alerts.c.revision)
    return tuple(_revision(row) for row in (await connection.execute(query)).all())


async def _revisions(connection: AsyncConnection, of: Sequence[UUID]) -> dict[tuple[UUID, int], Revision]:
    """Every revision of these incidents."""
    found: dict[tuple[UUID, int], Revision] = {}
    for start in range(0, len(of), _CHAINS_AT_ONCE):
        query = select(alerts).where(alerts.c.incident_id.in_(of[start : start + _CHAINS_AT_ONCE]))
        for row in (await connection.execute(query)).all():
            found[row.incident_id, row.revision] = _revision(row)
    return found


async def _package(connection: AsyncConnection, release: Release) -> Package:
    query = select(packages.c.body).where(packages.c.draft_id == release.draft, packages.c.digest == release.digest)
    body = (await connection.execute(query)).scalar()
    if body is None:
        raise WrongState("released-text-missing")
    return PACKAGE.validate_json(body)


def _revision(row: Row[Any]) -> Revision:
    return Revision(row.incident_id, row.revision, ALERT.validate_json(row.body))
