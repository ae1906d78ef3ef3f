"""Counts per channel, derived from tallies, open batches and confirmations. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Row, Uuid, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.delivery import State
from realis.ports.channel import MessageKind
from realis.ports.read_models import ChannelCount
from realis.storage.ledger.dispatch_rows import BatchState, DispatchState
from realis.storage.schema import batches, confirmations, dispatches, tallies

_INCIDENT: BindParameter[UUID] = bindparam("incident", type_=Uuid())
_DISPATCH: BindParameter[int] = bindparam("dispatch")

_SHOWN = (
    select(dispatches)
    .where(
        dispatches.c.incident_id == _INCIDENT,
        dispatches.c.revision
        == select(func.max(dispatches.c.revision)).where(dispatches.c.incident_id == _INCIDENT).scalar_subquery(),
        dispatches.c.state.not_in((DispatchState.WAITING, DispatchState.VOIDED)),
    )
    .order_by(dispatches.c.channel, dispatches.c.id)
)

_CLOSED = select(tallies).where(tallies.c.dispatch_id == _DISPATCH)

_STAGE = case(
    (batches.c.held, State.HELD.value), (batches.c.attempt > 1, State.RETRYING.value), else_=State.PLANNED.value
)
_OPEN = (
    select(
        _STAGE.label("stage"),
        func.sum(batches.c.size).label("number"),
        func.min(case((batches.c.state == BatchState.OPEN, batches.c.due_at))).label("due"),
    )
    .where(batches.c.dispatch_id == _DISPATCH, batches.c.state.in_((BatchState.OPEN, BatchState.CLAIMED)))
    .group_by("stage")
)

_DONE = (
    select(batches.c.done_at, batches.c.accepted)
    .where(batches.c.dispatch_id == _DISPATCH, batches.c.accepted > 0)
    .order_by(batches.c.done_at)
)

_CONFIRMED = (
    select(func.count())
    .select_from(confirmations)
    .where(
        confirmations.c.incident_id == _INCIDENT,
        confirmations.c.revision == bindparam("revision"),
        confirmations.c.channel == bindparam("channel"),
    )
)


async def channel_counts(connection: AsyncConnection, incident: UUID) -> tuple[ChannelCount, ...]:
    """Return the counts of the dispatches of the incident's newest revision, by channel."""
    rows = (await connection.execute(_SHOWN, {"incident": incident})).all()
    return tuple([await count_dispatch(connection, row) for row in rows])


async def count_dispatch(connection: AsyncConnection, dispatch: Row[Any]) -> ChannelCount:
    """Return one dispatch's counts; over all states they add up to what was planned so far."""
    key = {"dispatch": dispatch.id}
    states, kinds = _ended((await connection.execute(_CLOSED, key)).all())
    retry_due: datetime | None = None
    for stage, number, due in (await connection.execute(_OPEN, key)).all():
        states[State(stage)] = states.get(State(stage), 0) + int(number)
        retry_due = due if stage == State.RETRYING else retry_due
    done = [(at, number) for at, number in (await connection.execute(_DONE, key)).all()]
    shown = {"incident": dispatch.incident_id, "revision": dispatch.revision, "channel": dispatch.channel}
    return ChannelCount(
        channel=dispatch.channel,
        incident=dispatch.incident_id,
        revision=dispatch.revision,
        kind=MessageKind(dispatch.kind),
        planned=dispatch.planned,
        states=states,
        failures=kinds,
        confirmed=int((await connection.execute(_CONFIRMED, shown)).scalar_one()),
        planning_done=dispatch.state != DispatchState.PLANNING,
        first_ms=_ms(dispatch.issued_at, dispatch.first_accepted),
        p50_ms=_ms(dispatch.issued_at, _share(done, 0.5)),
        p99_ms=_ms(dispatch.issued_at, _share(done, 0.99)),
        last_ms=_ms(dispatch.issued_at, dispatch.last_accepted),
        retry_due=retry_due,
        deadline=dispatch.deadline,
    )


def _ended(rows: Iterable[Row[Any]]) -> tuple[dict[State, int], dict[str, int]]:
    states: dict[State, int] = {}
    kinds: dict[str, int] = {}
    for row in rows:
        states[State(row.state)] = states.get(State(row.state), 0) + row.number
        if row.failure:
            kinds[row.failure] = kinds.get(row.failure, 0) + row.number
    return states, kinds


def _share(done: Sequence[tuple[datetime, int]], share: float) -> datetime | None:
    """Return when this share of the targets accepted so far had been recorded."""
    wanted = share * sum(number for _, number in done)
    for at, so_far in zip((at for at, _ in done), accumulate(number for _, number in done), strict=True):
        if so_far >= wanted:
            return at
    return None


def _ms(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds() * 1000
