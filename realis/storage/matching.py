"""Whom a dispatch is for, as queries. Reads only; which of two ways is taken changes the cost, never the answer."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, Select, and_, exists, false, func, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.area import OUTERMOST
from realis.draft import Variant
from realis.storage.schema import alert_cells, enrolled, target_cells, targets


def numbers(connection: AsyncConnection, some: Sequence[int]) -> Select[Any]:
    """These numbers as rows: one parameter instead of hundreds, each of which would cost more than its row."""
    if connection.dialect.name == "sqlite":
        return select(func.json_each(json.dumps(list(some))).table_valued("value").c.value)
    return select(func.unnest(literal(list(some), ARRAY(BigInteger))))


async def audience(
    connection: AsyncConnection, dispatch: Row[Any], *, ring: int, after: int, most: int
) -> Sequence[Row[Any]]:
    """Active targets of the channel in this ring that match the area or were planned before, by id.

    In the inner rings those who have their nearest place there; in the outermost everybody else who is meant.
    A small channel is looked through as a whole; a district is found from its cells, however many live elsewhere;
    a whole city by walking through all targets.

    Args:
        ring: see ``realis.area.rings``.
        after: only targets with a higher id.
    """
    meant = _in_ring(dispatch, ring) if ring < OUTERMOST else _elsewhere(dispatch)
    query = _active(dispatch, after).where(meant).order_by(targets.c.id).limit(most)
    return await _found(connection, dispatch, query, _sources(dispatch, ring), few=4 * most)


async def everyone(connection: AsyncConnection, dispatch: Row[Any], *, after: int, most: int) -> Sequence[Row[Any]]:
    """As ``audience`` for a channel that asks for no places."""
    wanted = targets.c.joined if dispatch.joined_only else targets.c.active
    meant = or_(wanted, _was_planned(dispatch)) if dispatch.match else _was_planned(dispatch)
    query = _active(dispatch, after).where(meant).order_by(targets.c.id).limit(most)
    return await _found(connection, dispatch, query, [], few=4 * most)


async def next_ring(connection: AsyncConnection, dispatch: Row[Any], ring: int) -> int:
    """The next ring outwards in which the area has cells, or the outermost."""
    query = select(func.min(alert_cells.c.ring)).where(*_of_area(dispatch), alert_cells.c.ring > ring)
    found = (await connection.execute(query)).scalar()
    return OUTERMOST if found is None else int(found)


async def ring_of(connection: AsyncConnection, dispatch: Row[Any], places: Collection[str]) -> int:
    """The ring in which somebody with these places is looked for."""
    query = select(func.min(alert_cells.c.ring)).where(*_of_area(dispatch), alert_cells.c.cell.in_(places))
    found = (await connection.execute(query)).scalar() if places and dispatch.match else None
    return OUTERMOST if found is None else int(found)


def _active(dispatch: Row[Any], after: int) -> Select[Any]:
    query = select(targets.c.id, targets.c.origin, targets.c.language).where(targets.c.active, targets.c.id > after)
    if dispatch.variant == Variant.MESSAGE:
        # Whoever came after the issue was planned one by one when subscribing (``SqlTargets.put``).
        query = query.where(targets.c.id <= dispatch.watermark)
    return query


async def _found(
    connection: AsyncConnection, dispatch: Row[Any], query: Select[Any], sources: list[Select[Any]], *, few: int
) -> Sequence[Row[Any]]:
    if sources and await _at_most(connection, few, *sources):
        # As an expression, so that no database walks by channel, which is the same for all of them, and sorts.
        here = func.coalesce(targets.c.channel, "") == dispatch.channel
        query = query.where(here, targets.c.id.in_(union(*sources) if len(sources) > 1 else sources[0]))
    elif await _at_most(connection, few, select(targets.c.id).where(targets.c.channel == dispatch.channel)):
        query = query.where(targets.c.channel == dispatch.channel)
    else:
        query = query.where(func.coalesce(targets.c.channel, "") == dispatch.channel)
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


def _in_ring(dispatch: Row[Any], ring: int) -> Any:  # noqa: ANN401 - a SQL condition
    here = _has_place(dispatch, alert_cells.c.ring == ring)
    if ring > 0:
        here = and_(here, ~_has_place(dispatch, alert_cells.c.ring < ring))
    if not dispatch.joined_only:
        return here
    return and_(here, or_(targets.c.joined, _was_planned(dispatch)))


def _elsewhere(dispatch: Row[Any]) -> Any:  # noqa: ANN401 - a SQL condition
    if not dispatch.match:
        return _was_planned(dispatch)
    asked = and_(targets.c.everywhere, targets.c.joined) if dispatch.joined_only else targets.c.everywhere
    return and_(or_(asked, _was_planned(dispatch)), ~_has_place(dispatch))


def _has_place(dispatch: Row[Any], *conditions: Any) -> Any:  # noqa: ANN401 - SQL conditions
    # One inside the other and not as a join: else all cells of the area are tried for every target.
    hit = exists().where(*_of_area(dispatch), alert_cells.c.cell == target_cells.c.cell, *conditions)
    return exists().where(target_cells.c.target_id == targets.c.id, hit)


def _was_planned(dispatch: Row[Any]) -> Any:  # noqa: ANN401 - a SQL condition
    if not _has_past(dispatch):
        return false()
    return exists().where(*_planned_before(dispatch), enrolled.c.target_id == targets.c.id)


def _has_past(dispatch: Row[Any]) -> bool:
    """Whether anybody can have been planned before: not for a first revision, but for its expiry."""
    return bool(dispatch.revision > 1 or not dispatch.match)


async def _at_most(connection: AsyncConnection, bound: int, *sources: Select[Any]) -> bool:
    """Whether none of these has more rows, counted no further than that."""
    for source in sources:
        some = source.limit(bound + 1).subquery()
        if int((await connection.execute(select(func.count()).select_from(some))).scalar_one()) > bound:
            return False
    return True


def _sources(dispatch: Row[Any], ring: int) -> list[Select[Any]]:
    """Where everyone of this ring is found, and perhaps others."""
    if ring < OUTERMOST:
        cells = select(alert_cells.c.cell).where(*_of_area(dispatch), alert_cells.c.ring == ring)
        return [select(target_cells.c.target_id).where(target_cells.c.cell.in_(cells))]
    sources = [select(targets.c.id).where(targets.c.channel == dispatch.channel, targets.c.everywhere)]
    if _has_past(dispatch):
        sources.append(select(enrolled.c.target_id).where(*_planned_before(dispatch)))
    return sources


def _planned_before(dispatch: Row[Any]) -> tuple[Any, Any]:
    return enrolled.c.incident_id == dispatch.incident_id, enrolled.c.channel == dispatch.channel


def _of_area(dispatch: Row[Any]) -> tuple[Any, Any]:
    return alert_cells.c.incident_id == dispatch.incident_id, alert_cells.c.revision == dispatch.revision
