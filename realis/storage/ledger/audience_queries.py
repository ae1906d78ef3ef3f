"""Whom a dispatch is for, as queries. Reads only; which of two ways is taken changes the cost, never the answer.

Queries are built once for each shape a dispatch can have: building one costs more than asking it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.area import OUTERMOST_RING
from realis.model.draft import Variant
from realis.storage.schema import alert_cells, enrolled, target_cells, targets

Condition = ColumnElement[bool]
Found = Sequence[Row[Any]]

_FULL_SCAN_LIMIT = 500
"""Targets of a channel that is looked through as a whole."""

_CELL_LOOKUP_LIMIT = 8_000
"""So few in one ring are found from its cells, also when only some of them are wanted: walking to them through a whole
city would take longer than sorting them."""

_RING: BindParameter[int] = bindparam("ring")
_AFTER: BindParameter[int] = bindparam("after")
_AFTER_SEEN: BindParameter[int] = bindparam("after", type_=BigInteger, literal_execute=True)
_INCIDENT = bindparam("incident", type_=Uuid())
_OF_AREA = (alert_cells.c.incident_id == _INCIDENT, alert_cells.c.revision == bindparam("revision"))
_PLANNED_BEFORE = (enrolled.c.incident_id == _INCIDENT, enrolled.c.channel == bindparam("channel"))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides how a question reads.

    Args:
        places: the channel asks for places.
        inner: one of the rings around the danger, not the outermost.
        match: not only those planned before.
        joined_only: of an exercise.
        has_past: anybody can have been planned before.
        late_ones: also whoever came after the issue, because nobody planned them one by one (an expiry).
    """

    places: bool
    inner: bool
    match: bool
    joined_only: bool
    has_past: bool
    late_ones: bool


async def audience(connection: AsyncConnection, dispatch: Row[Any], *, ring: int, after: int, most: int) -> Found:
    """Active targets of the channel in this ring that match the area or were planned before, by id.

    In the inner rings those who have their nearest place there; in the outermost everybody else who is meant.
    A small channel is looked through as a whole; a district is found from its cells, however many live elsewhere;
    a whole city by walking through all targets.

    Args:
        ring: see ``realis.model.area.rings``.
        after: only targets with a higher id.
    """
    return await _found(connection, dispatch, _shape(dispatch, places=True, ring=ring), ring, after, most)


async def everyone(connection: AsyncConnection, dispatch: Row[Any], *, after: int, most: int) -> Found:
    """As ``audience`` for a channel that asks for no places."""
    return await _found(
        connection, dispatch, _shape(dispatch, places=False, ring=OUTERMOST_RING), OUTERMOST_RING, after, most
    )


async def next_ring(connection: AsyncConnection, dispatch: Row[Any], ring: int) -> int:
    """The next ring outwards in which the area has cells, or the outermost."""
    found = (await connection.execute(_NEXT_RING, {**_key(dispatch), "ring": ring})).scalar()
    return OUTERMOST_RING if found is None else int(found)


async def ring_of(connection: AsyncConnection, dispatch: Row[Any], places: Collection[str]) -> int:
    """The ring in which somebody with these places is looked for."""
    if not places or not dispatch.match:
        return OUTERMOST_RING
    found = (await connection.execute(_RING_OF, {**_key(dispatch), "places": sorted(places)})).scalar()
    return OUTERMOST_RING if found is None else int(found)


def numbers(dialect: str) -> Select[Any]:
    """The numbers of the parameter ``numbers`` as rows: one parameter, for each would cost more than its row."""
    if dialect == "sqlite":
        rows = func.json_each(bindparam("numbers")).table_valued("value")
        # Without a WHERE, SQLite would take an upsert's ON for a join's.
        return select(rows.c.value).where(rows.c.value > 0)
    return select(func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))))


def bind_ids(dialect: str, some: Sequence[int]) -> str | list[int]:
    """What the parameter ``numbers`` takes."""
    return json.dumps(list(some)) if dialect == "sqlite" else list(some)


# ---- questions

# One inside the other and not as joins: no database can turn them around and try the whole area for every target, or
# sort a city for each few thousand of it.
_RING_OF_PLACE = select(alert_cells.c.ring).where(*_OF_AREA, alert_cells.c.cell == target_cells.c.cell)
_NEAREST = (
    select(func.min(_RING_OF_PLACE.scalar_subquery())).where(target_cells.c.target_id == targets.c.id).scalar_subquery()
)

_NEXT_RING = select(func.min(alert_cells.c.ring)).where(*_OF_AREA, alert_cells.c.ring > bindparam("ring"))
_RING_OF = select(func.min(alert_cells.c.ring)).where(
    *_OF_AREA, alert_cells.c.cell.in_(bindparam("places", expanding=True))
)


def _shape(dispatch: Row[Any], *, places: bool, ring: int) -> _Shape:
    return _Shape(
        places=places,
        inner=ring < OUTERMOST_RING,
        match=dispatch.match,
        joined_only=dispatch.joined_only,
        # Not for a first revision, but for its expiry.
        has_past=dispatch.revision > 1 or not dispatch.match,
        late_ones=dispatch.variant != Variant.MESSAGE,
    )


def _key(dispatch: Row[Any]) -> dict[str, object]:
    return {"incident": dispatch.incident_id, "revision": dispatch.revision}


async def _found(
    connection: AsyncConnection, dispatch: Row[Any], shape: _Shape, ring: int, after: int, most: int
) -> Found:
    asked: Mapping[str, object] = {
        **_key(dispatch),
        "channel": dispatch.channel,
        "ring": ring,
        "after": after,
        "watermark": dispatch.watermark,
        "most": most,
    }
    sources = _sources(shape) if shape.places else ()
    counts = [_few(shape, number) for number in range(len(sources))]
    if await _are_at_most(_FULL_SCAN_LIMIT, connection, asked, _OF_CHANNEL):
        query = _from_channel(shape)
    elif sources and await _are_at_most(_CELL_LOOKUP_LIMIT, connection, asked, *counts):
        query = _from_sources(shape)
    elif connection.dialect.name == "sqlite":
        query = _from_all(shape)
    else:
        query = _index_walk(shape)
    rows: Found = (await connection.execute(query, asked)).all()
    return rows


async def _are_at_most(
    bound: int, connection: AsyncConnection, asked: Mapping[str, object], *counts: Select[Any]
) -> bool:
    """Whether none of these counts more rows than that; they count no further."""
    for count in counts:
        if (await connection.execute(count, asked)).scalar_one() > bound:
            return False
    return True


def _counted(source: Select[Any], bound: int) -> Select[Any]:
    some = source.limit(bound + 1).subquery()
    return select(func.count()).select_from(some)


_OF_CHANNEL = _counted(select(targets.c.id).where(targets.c.channel == bindparam("channel")), _FULL_SCAN_LIMIT)


@cache
def _few(shape: _Shape, number: int) -> Select[Any]:
    return _counted(_sources(shape)[number], _CELL_LOOKUP_LIMIT)


@cache
def _sources(shape: _Shape) -> tuple[Select[Any], ...]:
    """Where everyone of this ring is found, and perhaps others."""
    if shape.inner:
        cells = select(alert_cells.c.cell).where(*_OF_AREA, alert_cells.c.ring == bindparam("ring"))
        return (select(target_cells.c.target_id).where(target_cells.c.cell.in_(cells)),)
    asked = select(targets.c.id).where(targets.c.channel == bindparam("channel"), targets.c.everywhere)
    return (asked, select(enrolled.c.target_id).where(*_PLANNED_BEFORE)) if shape.has_past else (asked,)


@cache
def _from_sources(shape: _Shape) -> Select[Any]:
    sources = _sources(shape)
    found = union(*sources) if len(sources) > 1 else sources[0]
    return _from_all(shape).where(targets.c.id.in_(found))


@cache
def _from_channel(shape: _Shape) -> Select[Any]:
    return _matching(shape).where(targets.c.channel == bindparam("channel"))


@cache
def _index_walk(shape: _Shape) -> Select[Any]:
    # PostgreSQL walks by id of its own accord where it sees the number to start at and knows how many a channel has. A
    # plan made for any number would look at all the rest of a city each time, and sort it.
    return _matching(shape, after=_AFTER_SEEN).where(targets.c.channel == bindparam("channel"))


@cache
def _from_all(shape: _Shape) -> Select[Any]:
    # As an expression, so that no database walks by channel, which is the same for all of them, and sorts.
    return _matching(shape).where(func.coalesce(targets.c.channel, "") == bindparam("channel"))


def _matching(shape: _Shape, after: BindParameter[int] = _AFTER) -> Select[Any]:
    query = (
        select(targets.c.id, targets.c.origin, targets.c.language)
        .where(targets.c.active, targets.c.id > after)
        .order_by(targets.c.id)
        .limit(bindparam("most"))
    )
    if not shape.late_ones:
        # Whoever came after the issue was planned one by one when subscribing (``SqlTargets.put``).
        query = query.where(targets.c.id <= bindparam("watermark"))
    if not shape.places:
        return query.where(_in_a_channel_without_places(shape))
    return query.where(_in_ring(shape) if shape.inner else _elsewhere(shape))


def _in_a_channel_without_places(shape: _Shape) -> Condition:
    wanted: Condition = targets.c.joined if shape.joined_only else targets.c.active
    return or_(wanted, _was_planned(shape)) if shape.match else _was_planned(shape)


def _in_ring(shape: _Shape) -> Condition:
    here = _NEAREST == _RING
    return and_(here, or_(targets.c.joined, _was_planned(shape))) if shape.joined_only else here


def _elsewhere(shape: _Shape) -> Condition:
    if not shape.match:
        return _was_planned(shape)
    asked: Condition = and_(targets.c.everywhere, targets.c.joined) if shape.joined_only else targets.c.everywhere
    return and_(or_(asked, _was_planned(shape)), _NEAREST.is_(None))


def _was_planned(shape: _Shape) -> Condition:
    if not shape.has_past:
        return false()
    return exists().where(*_PLANNED_BEFORE, enrolled.c.target_id == targets.c.id)
