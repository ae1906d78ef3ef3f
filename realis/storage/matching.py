"""Whom a dispatch is for, as queries. Reads only; which of two ways is taken changes the cost, never the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, Select, and_, exists, func, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.draft import Variant
from realis.storage.schema import alert_cells, enrolled, target_cells, targets


def numbers(connection: AsyncConnection, some: Sequence[int]) -> Select[Any]:
    """These numbers as rows: one parameter instead of hundreds, each of which would cost more than its row."""
    if connection.dialect.name == "sqlite":
        return select(func.json_each(json.dumps(list(some))).table_valued("value").c.value)
    return select(func.unnest(literal(list(some), ARRAY(BigInteger))))


async def audience(connection: AsyncConnection, dispatch: Row[Any], *, by_place: bool, most: int) -> Sequence[Row[Any]]:
    """Active targets of the channel that match the area or were planned before, by id after the cursor.

    A small channel is looked through as a whole; a district is found from its cells, however many live elsewhere;
    a whole city by walking through all targets.
    """
    query = _everyone(dispatch, by_place=by_place).order_by(targets.c.id).limit(most)
    few = 4 * most
    of_channel = select(targets.c.id).where(targets.c.channel == dispatch.channel)
    if await _at_most(connection, few, of_channel):
        query = query.where(targets.c.channel == dispatch.channel)
    else:
        # As an expression, so that no database walks by channel, which is the same for all of them, and sorts.
        here = func.coalesce(targets.c.channel, "") == dispatch.channel
        query = query.where(here)
        if by_place and await _at_most(connection, few, *_placed(dispatch)):
            everywhere = select(targets.c.id).where(here, targets.c.everywhere)
            query = query.where(targets.c.id.in_(union(*_placed(dispatch), everywhere)))
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


def _everyone(dispatch: Row[Any], *, by_place: bool) -> Select[Any]:
    before = exists().where(*_planned_before(dispatch), enrolled.c.target_id == targets.c.id)
    meant: Any = before
    if dispatch.match:
        # One inside the other and not as a join: else all cells of the area are tried for every target.
        hit = exists().where(*_of_area(dispatch), alert_cells.c.cell == target_cells.c.cell)
        here = exists().where(target_cells.c.target_id == targets.c.id, hit)
        in_area: Any = or_(targets.c.everywhere, here) if by_place else targets.c.active
        matched = and_(in_area, targets.c.joined) if dispatch.joined_only else in_area
        meant = or_(matched, before)
    if dispatch.variant == Variant.MESSAGE:
        # Whoever came after the issue was planned one by one when subscribing (``SqlTargets.put``).
        meant = and_(meant, targets.c.id <= dispatch.watermark)
    return select(targets.c.id, targets.c.origin, targets.c.language).where(
        targets.c.active, targets.c.id > dispatch.cursor, meant
    )


async def _at_most(connection: AsyncConnection, bound: int, *sources: Select[Any]) -> bool:
    """Whether none of these has more rows, counted no further than that."""
    for source in sources:
        some = source.limit(bound + 1).subquery()
        if int((await connection.execute(select(func.count()).select_from(some))).scalar_one()) > bound:
            return False
    return True


def _placed(dispatch: Row[Any]) -> list[Select[Any]]:
    """Who was planned before, and who has a place in the area."""
    sources: list[Select[Any]] = [select(enrolled.c.target_id).where(*_planned_before(dispatch))]
    if dispatch.match:
        cells = select(alert_cells.c.cell).where(*_of_area(dispatch))
        sources.append(select(target_cells.c.target_id).where(target_cells.c.cell.in_(cells)))
    return sources


def _planned_before(dispatch: Row[Any]) -> tuple[Any, Any]:
    return enrolled.c.incident_id == dispatch.incident_id, enrolled.c.channel == dispatch.channel


def _of_area(dispatch: Row[Any]) -> tuple[Any, Any]:
    return alert_cells.c.incident_id == dispatch.incident_id, alert_cells.c.revision == dispatch.revision
