"""The audience of a dispatch, as queries. Reads only; the plan chosen changes the cost, never the result.

Queries are built once for each shape a dispatch can have: building one costs more than executing it.
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
"""A channel with at most so many targets is scanned as a whole."""

_CELL_LOOKUP_LIMIT = 8_000
"""Up to so many targets of one ring are looked up from its cells, also for a smaller step: a scan of a whole city takes
longer than sorting them."""

_RING: BindParameter[int] = bindparam("ring")
_AFTER: BindParameter[int] = bindparam("after")
_AFTER_SEEN: BindParameter[int] = bindparam("after", type_=BigInteger, literal_execute=True)
_INCIDENT = bindparam("incident", type_=Uuid())
_OF_AREA = (alert_cells.c.incident_id == _INCIDENT, alert_cells.c.revision == bindparam("revision"))
_PLANNED_BEFORE = (enrolled.c.incident_id == _INCIDENT, enrolled.c.channel == bindparam("channel"))


@dataclass(frozen=True, slots=True)
class _Shape:
    """The properties of a dispatch that decide the form of its query.

    Args:
        places: the channel's targets have places.
        inner: one of the rings around the danger, not the outermost.
        match: also targets that match, not only those planned before.
        joined_only: only targets that joined exercises.
        has_past: an earlier dispatch of the incident can have planned targets.
        late_ones: also targets above the watermark, because an expiry does not plan them when they subscribe.
    """

    places: bool
    inner: bool
    match: bool
    joined_only: bool
    has_past: bool
    late_ones: bool


async def audience(connection: AsyncConnection, dispatch: Row[Any], *, ring: int, after: int, most: int) -> Found:
    """Active targets of the channel in this ring that match the area or were planned before, by id.

    In an inner ring the targets whose nearest place lies in it; in the outermost all the rest of the audience.
    A small channel is scanned as a whole; a district is looked up from its cells, at a cost independent of the size
    of the city; a whole city is read by a scan of all targets in the order of their ids.

    Args:
        ring: see ``realis.model.area.rings``.
        after: only targets with a higher id.
    """
    return await _found(connection, dispatch, _shape(dispatch, places=True, ring=ring), ring, after, most)


async def everyone(connection: AsyncConnection, dispatch: Row[Any], *, after: int, most: int) -> Found:
    """As ``audience`` for a channel whose targets have no places."""
    return await _found(
        connection, dispatch, _shape(dispatch, places=False, ring=OUTERMOST_RING), OUTERMOST_RING, after, most
    )


async def next_ring(connection: AsyncConnection, dispatch: Row[Any], ring: int) -> int:
    """The next ring outwards in which the area has cells, or the outermost."""
    found = (await connection.execute(_NEXT_RING, {**_key(dispatch), "ring": ring})).scalar()
    return OUTERMOST_RING if found is None else int(found)


async def ring_of(connection: AsyncConnection, dispatch: Row[Any], places: Collection[str]) -> int:
    """The ring in which a target with these places is planned."""
    if not places or not dispatch.match:
        return OUTERMOST_RING
    found = (await connection.execute(_RING_OF, {**_key(dispatch), "places": sorted(places)})).scalar()
    return OUTERMOST_RING if found is None else int(found)


def numbers(dialect: str) -> Select[Any]:
    """The parameter ``numbers`` as rows: one array parameter, because one for each number costs more than its row."""
    if dialect == "sqlite":
        rows = func.json_each(bindparam("numbers")).table_valued("value")
        # Without a WHERE, SQLite parses an upsert's ON as a join's (https://sqlite.org/lang_upsert.html).
        return select(rows.c.value).where(rows.c.value > 0)
    return select(func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))))


def bind_ids(dialect: str, some: Sequence[int]) -> str | list[int]:
    """The value of the parameter ``numbers`` for these ids."""
    return json.dumps(list(some)) if dialect == "sqlite" else list(some)


# ---- queries

# Nested scalar subqueries and not joins: no planner can reorder them into a scan of the area for every target, or into
# a sort of all targets for every few thousand.
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
        # A first revision has no earlier dispatch; its expiry has.
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
    """Whether each of these counts at most ``bound`` rows; the queries stop counting there."""
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
    """Queries whose union contains every target of this ring, and possibly others."""
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
    # PostgreSQL scans the index of ids when the first id is a literal and its statistics cover the channel. A generic
    # plan would read and sort all the remaining targets at every step.
    return _matching(shape, after=_AFTER_SEEN).where(targets.c.channel == bindparam("channel"))


@cache
def _from_all(shape: _Shape) -> Select[Any]:
    # As an expression, so that no planner uses the index on the channel, which selects nothing here, and then sorts.
    return _matching(shape).where(func.coalesce(targets.c.channel, "") == bindparam("channel"))


def _matching(shape: _Shape, after: BindParameter[int] = _AFTER) -> Select[Any]:
    query = (
        select(targets.c.id, targets.c.origin, targets.c.language)
        .where(targets.c.active, targets.c.id > after)
        .order_by(targets.c.id)
        .limit(bindparam("most"))
    )
    if not shape.late_ones:
        # Targets stored after the issue were planned when they subscribed (``SqlTargets.put``).
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
