"""Steps several transactions share on dispatches, batches and tallies. Always inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.delivery import TERMINAL_STATES, UNSENT_STATES, State
from realis.ports.channel import MessageKind
from realis.storage.database import insert
from realis.storage.schema import alerts, batches, dispatches, tallies


class DispatchState(StrEnum):
    """waiting ▸ planning ▸ sending; superseded or voided when a newer revision comes.

    A dispatch in SENDING whose batches are all closed is finished; that is derived, never stored.
    """

    WAITING = "waiting"
    PLANNING = "planning"
    SENDING = "sending"
    SUPERSEDED = "superseded"
    VOIDED = "voided"


RUNNING = (DispatchState.PLANNING, DispatchState.SENDING)


class BatchState(StrEnum):
    """open ▸ claimed ▸ done; closed when it ended without being sent."""

    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    CLOSED = "closed"


def lock_for_update(query: Select[Any]) -> Select[Any]:
    """Lock the dispatches found against claims, plans and commits, in the order of their ids, which avoids deadlocks.

    A transaction that ends or supersedes a dispatch takes this before it touches the batches. No effect on SQLite,
    which has one writer.
    """
    return query.order_by(dispatches.c.id).with_for_update(of=dispatches)


def lock_no_key_update(query: Select[Any]) -> Select[Any]:
    """Lock the dispatches found against another plan or commit; claims (FOR KEY SHARE) are not blocked."""
    return query.with_for_update(of=dispatches, key_share=True)


async def add_tallies(connection: AsyncConnection, dispatch_id: int, counts: Mapping[tuple[State, str], int]) -> None:
    """Add to a dispatch's counts of terminal outcomes, by state and kind of failure.

    Raises:
        ValueError: a state is not terminal; open targets are counted from their batches.
    """
    for (state, failure), number in counts.items():
        if state not in TERMINAL_STATES:
            raise ValueError(f"{state} is not a terminal state")
        if not number:
            continue
        row = {"dispatch_id": dispatch_id, "state": state, "failure": failure, "number": number}
        await connection.execute(_add_tally(connection.dialect.name), row)


@cache
def _add_tally(dialect: str) -> Any:  # noqa: ANN401 - the dialects' Insert share no base
    statement = insert(dialect, tallies)
    return statement.on_conflict_do_update(
        index_elements=["dispatch_id", "state", "failure"],
        set_={"number": tallies.c.number + statement.excluded.number},
    )


def new_batch(
    dispatch_id: int,
    origin: str,
    language: str,
    ids: Sequence[int],
    *,
    due: datetime,
    ring: int,
    attempt: int = 1,
    held: bool = False,
) -> dict[str, object]:
    """Return the row of an open batch, not yet claimed: epoch 0."""
    return {
        "dispatch_id": dispatch_id,
        "ring": ring,
        "origin": origin,
        "language": language,
        "targets": list(ids),
        "size": len(ids),
        "attempt": attempt,
        "due_at": due,
        "state": BatchState.OPEN,
        "held": held,
        "owner": "",
        "epoch": 0,
        "lease_until": None,
    }


async def close_open_batches(connection: AsyncConnection, dispatch_id: int, state: State) -> int:
    """Close the open batches of a dispatch; their targets reach ``state``. Returns how many targets.

    Raises:
        ValueError: only a send can lead to this state.
    """
    if state not in UNSENT_STATES:
        raise ValueError(f"nobody becomes {state} without being sent to")
    waiting = and_(batches.c.dispatch_id == dispatch_id, batches.c.state == BatchState.OPEN)
    # One statement: the sizes returned are exactly those closed, also while a worker claims.
    closed = await connection.execute(
        batches.update().where(waiting).values(state=BatchState.CLOSED).returning(batches.c.size)
    )
    number: int = sum(closed.scalars())
    await add_tallies(connection, dispatch_id, {(state, ""): number})
    return number


async def closing_state(connection: AsyncConnection, dispatch: Row[Any]) -> State:
    """Return the final state of a dispatch's unsent targets: expired, superseded or withdrawn."""
    if dispatch.state != DispatchState.SUPERSEDED:
        return State.EXPIRED
    newest = (
        select(alerts.c.kind).where(alerts.c.incident_id == dispatch.incident_id).order_by(alerts.c.revision.desc())
    )
    kind = (await connection.execute(newest.limit(1))).scalar_one()
    return State.WITHDRAWN if kind == MessageKind.RETRACTION else State.SUPERSEDED
