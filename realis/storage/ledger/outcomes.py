"""The outcomes of a batch, in SQL: outcomes and retries in one commit under the epoch of the claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func
from sqlalchemy.ext.asyncio import AsyncConnection

from realis.model.delivery import State
from realis.ports.metrics import DeliveryMetrics
from realis.ports.stores import BatchResult, Claim
from realis.storage.database import Database, Lock, insert
from realis.storage.ledger.dispatch_rows import BatchState, DispatchState, add_tallies, closing_state, new_batch
from realis.storage.schema import (
    Instant,
    addresses,
    batches,
    dispatches,
    failures,
    holds,
    shown,
    target_cells,
    targets,
)

_NUMBER_AT_ONCE = 500

# The fence: a claim made since has raised the epoch, so a late commit updates no row and is rolled back as a whole.
_DONE = (
    batches.update()
    .where(
        batches.c.id == bindparam("batch"),
        batches.c.epoch == bindparam("of_epoch"),
        batches.c.state == BatchState.CLAIMED,
    )
    .values(state=BatchState.DONE, accepted=bindparam("taken"), done_at=bindparam("at", type_=Instant))
    .returning(batches.c.language, batches.c.ring)
)

# The UPDATE locks the dispatch before the batch, the same order as every transaction that ends a dispatch: no deadlock,
# and no retry is inserted after a newer revision has closed the open batches.
_TIMES = (
    dispatches.update()
    .where(dispatches.c.id == bindparam("dispatch"))
    .values(
        first_accepted=func.coalesce(dispatches.c.first_accepted, bindparam("first", type_=Instant)),
        last_accepted=func.coalesce(bindparam("last", type_=Instant), dispatches.c.last_accepted),
    )
    .returning(dispatches)
)


class _StaleError(Exception):
    """The batch has a newer epoch or is no longer claimed."""

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self.channel = channel


class Outcomes:
    """The outcomes of ``realis.ports.stores.BatchStore``."""

    _database: Database
    _metrics: DeliveryMetrics

    async def commit(self, claim: Claim, result: BatchResult, *, now: datetime) -> bool:
        """Write a batch's outcomes and retries in one commit; False (nothing written) if the epoch is stale."""
        result.must_add_up_to(len(claim.targets))
        try:
            dispatch = await self._database.writing(lambda connection: self._commit(connection, claim, result, now))
        except _StaleError as error:
            self._metrics.commit_refused(error.channel)
            return False
        self._report(dispatch, result, now)
        return True

    def _report(self, dispatch: Row[Any], result: BatchResult, now: datetime) -> None:
        began = max(dispatch.issued_at, dispatch.due_at)  # an expiry notice is issued long before it is due
        self._metrics.committed(
            dispatch.channel,
            accepted=result.states.get(State.ACCEPTED, 0),
            failed=Counter(failure.kind for failure in result.failures),
            since_issue_s=((result.last_accepted or now) - began).total_seconds(),
            first=result.first_accepted is not None and dispatch.first_accepted == result.first_accepted,
        )

    async def _commit(self, connection: AsyncConnection, claim: Claim, result: BatchResult, now: datetime) -> Row[Any]:
        """The dispatch as this commit leaves it."""
        times = {"dispatch": claim.dispatch, "first": result.first_accepted, "last": result.last_accepted}
        dispatch: Row[Any] = (await connection.execute(_TIMES, times)).one()
        done = {
            "batch": claim.batch,
            "of_epoch": claim.epoch,
            "taken": result.states.get(State.ACCEPTED, 0),
            "at": now,
        }
        batch = (await connection.execute(_DONE, done)).first()
        if batch is None:
            raise _StaleError(dispatch.channel)
        await _write_tallies(connection, claim, result)
        await _write_failures(connection, claim, result, now)
        await _write_refs(connection, dispatch, result)
        await _end_targets(connection, result.gone)
        await _write_retries(connection, claim, dispatch, batch, result)
        if result.hold:
            await self._database.lock(connection, Lock.HOLDS)
            row = {"channel": dispatch.channel, "since": now, "reason": result.hold}
            await connection.execute(insert(connection, holds).values(row).on_conflict_do_nothing())
        return dispatch


async def _write_tallies(connection: AsyncConnection, claim: Claim, result: BatchResult) -> None:
    failed = Counter(
        (failure.state, failure.kind.value) for failure in result.failures if failure.state in result.states
    )
    counts: dict[tuple[State, str], int] = dict(failed)
    for state, number in result.states.items():
        explained = sum(count for (of, _), count in failed.items() if of is state)
        if number > explained:
            counts[state, ""] = number - explained
    await add_tallies(connection, claim.dispatch, counts)


async def _write_failures(connection: AsyncConnection, claim: Claim, result: BatchResult, now: datetime) -> None:
    if not result.failures:
        return
    rows = [
        {
            "dispatch_id": claim.dispatch,
            "target_id": failure.target_id,
            "state": failure.state,
            "kind": failure.kind,
            "detail": failure.detail[:300],
            "at": now,
        }
        for failure in result.failures
    ]
    statement = insert(connection, failures)
    latest = {name: statement.excluded[name] for name in ("state", "kind", "detail", "at")}
    keyed = statement.on_conflict_do_update(index_elements=["dispatch_id", "target_id"], set_=latest)
    await connection.execute(keyed, rows)


async def _write_refs(connection: AsyncConnection, dispatch: Row[Any], result: BatchResult) -> None:
    if not result.refs:
        return
    key = {"incident_id": dispatch.incident_id, "channel": dispatch.channel, "revision": dispatch.revision}
    rows = [{**key, "target_id": target, "ref": ref} for target, ref in result.refs.items()]
    statement = insert(connection, shown)
    newer = statement.on_conflict_do_update(
        index_elements=["incident_id", "channel", "target_id"],
        set_={"ref": statement.excluded.ref, "revision": statement.excluded.revision},
    )
    await connection.execute(newer, rows)


async def _end_targets(connection: AsyncConnection, gone: Iterable[int]) -> None:
    """Deactivate the targets and delete addresses and places: the only outcome that ends a target (promise 10)."""
    ids = list(gone)
    for start in range(0, len(ids), _NUMBER_AT_ONCE):
        chunk = ids[start : start + _NUMBER_AT_ONCE]
        await connection.execute(targets.update().where(targets.c.id.in_(chunk)).values(active=False))
        await connection.execute(addresses.delete().where(addresses.c.target_id.in_(chunk)))
        await connection.execute(target_cells.delete().where(target_cells.c.target_id.in_(chunk)))


async def _write_retries(
    connection: AsyncConnection, claim: Claim, dispatch: Row[Any], batch: Row[Any], result: BatchResult
) -> None:
    """Insert new batches for what is to be tried again; if the dispatch was superseded, count them as ended instead."""
    if not result.retries:
        return
    if dispatch.state == DispatchState.SUPERSEDED:
        number = sum(len(group.targets) for group in result.retries)
        await add_tallies(connection, claim.dispatch, {(await closing_state(connection, dispatch), ""): number})
        return
    # The batch's own language: its first target may have been deleted, or have changed language, since the planning.
    rows = [
        new_batch(
            claim.dispatch,
            claim.origin,
            batch.language,
            list(group.targets),
            due=group.due,
            ring=batch.ring,
            attempt=claim.attempt + 1,
            held=group.held,
        )
        for group in result.retries
    ]
    await connection.execute(batches.insert(), rows)
