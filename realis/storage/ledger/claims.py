"""Claims of batches in SQL, each by one worker at a time, fenced by an epoch.

The statements are built once: sending to a city takes hundreds of claims within seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import Row, Select, Uuid, and_, bindparam, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from realis.model.alert import Level, Occasion
from realis.model.errors import InvalidInput, NotFound
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.channel import Message, MessageKind, Target
from realis.ports.metrics import DeliveryMetrics, NoMetrics
from realis.ports.stores import Claim
from realis.storage.addresses import AddressBook
from realis.storage.database import Database
from realis.storage.ledger.audience_queries import bind_ids, numbers
from realis.storage.ledger.dispatch_rows import RUNNING, BatchState
from realis.storage.schema import Instant, addresses, alerts, batches, dispatches, holds, shown, texts
from realis.storage.serialization import RENDERED

log = structlog.get_logger(__name__)

_REMEMBERED = 256
"""Messages in the cache; each belongs to one dispatch and language and is immutable, so none is ever stale."""

_NOW = bindparam("now", type_=Instant)


def _claimable() -> Any:  # noqa: ANN401 - a SQL condition
    """The batch may be claimed: its dispatch runs, its channel is not on hold, it is open and due or its lease lapsed.

    A lapsed lease makes a batch claimable again without any recovery step; the new epoch refuses the late commit of
    the former owner.
    """
    due = and_(batches.c.state == BatchState.OPEN, batches.c.due_at <= _NOW, ~batches.c.held)
    abandoned = and_(batches.c.state == BatchState.CLAIMED, batches.c.lease_until <= _NOW)
    running = and_(dispatches.c.state.in_(RUNNING), dispatches.c.deadline > _NOW)
    on_hold = exists().where(holds.c.channel == dispatches.c.channel)
    return and_(running, ~on_hold, or_(due, abandoned))


def _older_in_flight() -> Any:  # noqa: ANN401 - a SQL condition
    """Whether an older revision of the same incident is still being sent on this channel (promise 3)."""
    older, older_batch = aliased(dispatches), aliased(batches)
    return exists().where(
        older.c.incident_id == dispatches.c.incident_id,
        older.c.channel == dispatches.c.channel,
        older.c.id < dispatches.c.id,
        older_batch.c.dispatch_id == older.c.id,
        older_batch.c.state == BatchState.CLAIMED,
        older_batch.c.lease_until > _NOW,
    )


_READY = (
    select(dispatches.c.channel).distinct().join(batches, batches.c.dispatch_id == dispatches.c.id).where(_claimable())
)

_NEXT = (
    select(batches.c.id)
    .join(dispatches, dispatches.c.id == batches.c.dispatch_id)
    .where(
        dispatches.c.channel == bindparam("channel"),
        batches.c.origin.not_in(bindparam("busy", expanding=True)),
        _claimable(),
        ~_older_in_flight(),
    )
    .order_by(dispatches.c.gravity, batches.c.ring, batches.c.id)
    .limit(1)
    .with_for_update(of=batches, skip_locked=True)
)

_TAKE = (
    batches.update()
    .where(batches.c.id == _NEXT.scalar_subquery())
    .values(
        state=BatchState.CLAIMED,
        owner=bindparam("by"),
        epoch=batches.c.epoch + 1,
        lease_until=bindparam("until", type_=Instant),
        held=False,
    )
    .returning(batches)
)

_STILL_RUNNING = (
    select(dispatches.c.id)
    .where(dispatches.c.id == bindparam("dispatch"), dispatches.c.state.in_(RUNNING))
    .with_for_update(read=True, key_share=True, skip_locked=True)
)

_DISPATCH = select(dispatches).where(dispatches.c.id == bindparam("dispatch"))


@cache
def _addressed(dialect: str) -> Select[Any]:
    """Sealed addresses of targets, and the reference of what they show now. A deleted target has no row."""
    is_shown = and_(
        shown.c.target_id == addresses.c.target_id,
        shown.c.channel == bindparam("channel"),
        shown.c.incident_id == bindparam("incident", type_=Uuid()),
    )
    return (
        select(addresses.c.target_id, addresses.c.sealed, shown.c.ref)
        .outerjoin(shown, is_shown)
        .where(addresses.c.target_id.in_(numbers(dialect)))
    )


class _OvertakenError(Exception):
    """Another transaction is ending the dispatch: the claim just made is rolled back."""


class Claims:
    """The claims of ``realis.ports.stores.BatchStore``."""

    def __init__(self, database: Database, book: AddressBook, metrics: DeliveryMetrics | None = None) -> None:
        self._database = database
        self._book = book
        self._metrics = metrics or NoMetrics()
        self._messages: dict[tuple[int, str], Message] = {}

    async def ready_channels(self, now: datetime) -> frozenset[str]:
        """Return the channels with a batch that may be claimed now. Reads only."""

        async def look(connection: AsyncConnection) -> frozenset[str]:
            return frozenset((await connection.execute(_READY, {"now": now})).scalars())

        return await self._database.reading(look)

    async def claim(
        self, channel: str, owner: str, *, now: datetime, lease_s: float, busy_origins: frozenset[str]
    ) -> Claim | None:
        """Claim the gravest due batch of a channel, fenced by a new epoch; None if there is none."""
        wanted = {
            "now": now,
            "channel": channel,
            "busy": list(busy_origins),
            "by": owner,
            "until": now + timedelta(seconds=lease_s),
        }

        async def take(connection: AsyncConnection) -> Claim | None:
            batch = (await connection.execute(_TAKE, wanted)).first()
            return None if batch is None else await self._claimed(connection, channel, batch)

        try:
            return await self._database.writing(take)
        except _OvertakenError:
            return None

    async def _claimed(self, connection: AsyncConnection, channel: str, batch: Row[Any]) -> Claim:
        if not self._database.is_sqlite:
            # SKIP LOCKED, never a wait: a transaction that ends the dispatch locks it first and may be waiting for this
            # batch, which would be a deadlock.
            running = await connection.execute(_STILL_RUNNING, {"dispatch": batch.dispatch_id})
            if running.first() is None:
                raise _OvertakenError
        message = await self._message(connection, batch.dispatch_id, batch.language)
        found, unreadable = await self._targets(connection, channel, message, batch)
        return Claim(
            batch=batch.id,
            dispatch=batch.dispatch_id,
            epoch=batch.epoch,
            attempt=batch.attempt,
            origin=batch.origin,
            message=message,
            targets=found,
            unreadable=unreadable,
        )

    async def _message(self, connection: AsyncConnection, dispatch_id: int, language: str) -> Message:
        """Return the dispatch's message in this language; immutable since its issue."""
        known = self._messages.get((dispatch_id, language))
        if known is None:
            dispatch = (await connection.execute(_DISPATCH, {"dispatch": dispatch_id})).one()
            known = await _message(connection, dispatch, language)
            if len(self._messages) >= _REMEMBERED:
                self._messages.clear()
            self._messages[dispatch_id, language] = known
        return known

    async def _targets(
        self, connection: AsyncConnection, channel: str, message: Message, batch: Row[Any]
    ) -> tuple[tuple[Target, ...], frozenset[int]]:
        """Return the batch's targets in order, and the ids of those whose address cannot be decrypted."""
        dialect, ids = connection.dialect.name, batch.targets
        wanted = {"channel": channel, "incident": message.incident, "numbers": bind_ids(dialect, ids)}
        found: dict[int, Target] = {}
        unreadable: set[int] = set()
        for target_id, sealed, ref in (await connection.execute(_addressed(dialect), wanted)).all():
            address = self._open(target_id, sealed)
            if address is None:
                unreadable.add(target_id)
            found[target_id] = Target(target_id, address or "", batch.language, batch.origin, ref)
        # A target deleted since planning still counts as planned; it is committed as gone, so the sums add up.
        gone = [number for number in ids if number not in found]
        found.update((number, Target(number, "", batch.language, batch.origin)) for number in gone)
        return tuple([found[number] for number in ids]), frozenset(unreadable)

    def _open(self, target_id: int, sealed: bytes) -> str | None:
        try:
            return self._book.open(target_id, sealed)
        except InvalidInput:
            log.exception("address_unreadable", target=target_id)
            return None


async def _message(connection: AsyncConnection, dispatch: Row[Any], language: str) -> Message:
    alert = (
        await connection.execute(
            select(alerts.c.sent, alerts.c.ends_at, alerts.c.event_code, alerts.c.url).where(
                alerts.c.incident_id == dispatch.incident_id, alerts.c.revision == dispatch.revision
            )
        )
    ).one()
    rows = (
        await connection.execute(
            select(texts.c.language, texts.c.body).where(
                texts.c.incident_id == dispatch.incident_id,
                texts.c.revision == dispatch.revision,
                texts.c.channel == dispatch.channel,
                texts.c.variant == dispatch.variant,
                texts.c.language.in_((language, SOURCE_LANGUAGE)),
            )
        )
    ).all()
    bodies = {row.language: row.body for row in rows}
    body = bodies.get(language, bodies.get(SOURCE_LANGUAGE))
    if body is None:
        raise NotFound("channel-text-missing", channel=dispatch.channel)
    kind = MessageKind(dispatch.kind)
    return Message(
        incident=dispatch.incident_id,
        revision=dispatch.revision,
        kind=kind,
        occasion=Occasion(dispatch.occasion),
        level=Level(dispatch.level),
        event_code=alert.event_code,
        text=RENDERED.validate_json(body),
        sent=alert.sent,
        expires=None if kind.ending else alert.ends_at,
        deadline=dispatch.deadline,
        realert=dispatch.realert,
        url=alert.url,
    )
