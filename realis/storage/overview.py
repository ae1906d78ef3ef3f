"""The operators' overview, derived from drafts, decisions and issued alerts in one read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.alert import Ending, Level, Occasion
from realis.model.draft import DraftKind, DraftState
from realis.model.incident import Revision
from realis.ports.desk_read_models import BoardEntry, IncidentStage
from realis.storage.schema import alerts, drafts, incidents, releases
from realis.storage.serialization import ALERT, CONTENT

_ORDER = {stage: place for place, stage in enumerate(IncidentStage)}


async def board_entries(connection: AsyncConnection, now: datetime, *, since: datetime) -> tuple[BoardEntry, ...]:
    """Return all incidents changed since then or still in force, most urgent first."""
    current = _current(now, since)
    rows = (await connection.execute(select(incidents).where(current))).all()
    open_drafts = await _open_drafts(connection, current)
    newest = await _newest_alerts(connection, current)
    pending = set(
        (await connection.execute(select(releases.c.draft_id).where(releases.c.state == "pending"))).scalars()
    )
    entries = [_entry(row, open_drafts.get(row.id), newest.get(row.id), pending, now) for row in rows]
    return tuple(sorted(entries, key=lambda e: (_ORDER[e.stage], e.level, -e.updated_at.timestamp())))


async def board_entry(connection: AsyncConnection, now: datetime, incident: UUID) -> BoardEntry | None:
    """Return one incident, whenever it changed; None if there is none."""
    current = incidents.c.id == incident
    row = (await connection.execute(select(incidents).where(current))).first()
    if row is None:
        return None
    open_drafts = await _open_drafts(connection, current)
    newest = await _newest_alerts(connection, current, alerts.c.incident_id == incident)
    waiting = select(releases.c.draft_id).where(releases.c.incident_id == incident, releases.c.state == "pending")
    pending = set((await connection.execute(waiting)).scalars())
    return _entry(row, open_drafts.get(row.id), newest.get(row.id), pending, now)


def _current(now: datetime, since: datetime) -> ColumnElement[bool]:
    """The incident changed since then, or is still in force, however old its last change."""
    running = select(alerts.c.incident_id).where(alerts.c.ends_at > now)
    return or_(incidents.c.updated_at > since, incidents.c.id.in_(running))


async def _open_drafts(connection: AsyncConnection, current: ColumnElement[bool]) -> dict[UUID, Row[Any]]:
    """The most pressing draft of each incident: the submitted one, else the newest that is not discarded."""
    waiting = case((drafts.c.state == DraftState.SUBMITTED, 1), else_=0)
    query = (
        select(drafts)
        .join(incidents, incidents.c.id == drafts.c.incident_id)
        .where(current, drafts.c.state != DraftState.DISCARDED)
        .order_by(waiting, drafts.c.created_at)
    )
    return {row.incident_id: row for row in (await connection.execute(query)).all()}


async def _newest_alerts(
    connection: AsyncConnection, current: ColumnElement[bool], within: ColumnElement[bool] | None = None
) -> dict[UUID, Revision]:
    """The newest revision of each current incident; ``within`` bounds the alerts that are grouped."""
    top = select(alerts.c.incident_id, func.max(alerts.c.revision).label("revision")).where(
        true() if within is None else within
    )
    newest = top.group_by(alerts.c.incident_id).subquery()
    query = (
        select(alerts)
        .join(newest, and_(newest.c.incident_id == alerts.c.incident_id, newest.c.revision == alerts.c.revision))
        .join(incidents, incidents.c.id == alerts.c.incident_id)
        .where(current)
    )
    rows = (await connection.execute(query)).all()
    return {row.incident_id: Revision(row.incident_id, row.revision, ALERT.validate_json(row.body)) for row in rows}


def _entry(
    row: Row[Any], draft: Row[Any] | None, revision: Revision | None, pending: Sequence[UUID] | set[UUID], now: datetime
) -> BoardEntry:
    stage = _stage(draft, revision, pending, now)
    content = CONTENT.validate_json(draft.content) if draft else None
    level = revision.level if revision else (content.level if content else Level.INFORMATION)
    working = draft is not None and stage in (IncidentStage.SUBMITTED, IncidentStage.PAUSE, IncidentStage.DRAFT)
    expired = revision is not None and revision.ending is None and now >= revision.ends_at
    ending = (Ending.EXPIRED if expired else revision.ending) if revision else None
    return BoardEntry(
        incident=row.id,
        title=row.title,
        occasion=content.occasion if content and not revision else Occasion(row.occasion),
        level=level,
        stage=stage,
        source=row.source,
        updated_at=row.updated_at,
        draft=draft.id if draft and working else None,
        draft_kind=DraftKind(content.kind) if content and working else None,
        revision=revision.number if revision else 0,
        expires=revision.ends_at if revision and ending is None else None,
        ending=ending,
    )


def _stage(
    draft: Row[Any] | None, revision: Revision | None, pending: Sequence[UUID] | set[UUID], now: datetime
) -> IncidentStage:
    if draft is not None:
        if draft.id in pending:
            return IncidentStage.PAUSE
        if draft.state == DraftState.SUBMITTED:
            return IncidentStage.SUBMITTED
        if draft.state == DraftState.OPEN:
            return IncidentStage.DRAFT
    if revision is None:
        return IncidentStage.DISCARDED
    return IncidentStage.IN_FORCE if revision.ending is None and now < revision.ends_at else IncidentStage.ENDED
