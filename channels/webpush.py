"""The channel to citizens' phones: RFC 8030 push with RFC 8291 encryption and RFC 8292 identity.

It classifies answers per target; it never retries, never follows a redirect, never ends a subscription itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from channels.webpush_answers import for_this_target_only, outcome_of, outcome_of_error
from channels.webpush_brake import Brake
from channels.webpush_crypto import MAX_PLAINTEXT, padded
from channels.webpush_message import headers, payload
from channels.webpush_seal import Sealed, seal
from channels.webpush_subscription import is_known_service, parse_subscription
from realis.delivery import Failed, FailureKind, Outcome
from realis.egress import Egress, EgressError
from realis.errors import SigningFailed
from realis.ports import Clock, LengthUnit, Limits, Message, Target, Vapid

__all__ = ["WebPush", "is_known_service", "parse_subscription", "payload"]

log = structlog.get_logger(__name__)

_FIRST, _CHUNK = 8, 64
"""Targets sealed in one go: at first a few, so that the nearest phones are reached at once."""

_Queue = asyncio.Queue[tuple[int, Sealed] | None]

_LIMITS = Limits(length=1700, unit=LengthUnit.BYTES, lanes=4, batch=500, by_place=True)


@dataclass(slots=True)
class _Batch:
    """What all targets of one ``send`` share, and what became of them."""

    message: Message
    base: dict[str, str]
    size: int
    by_origin: dict[str, dict[str, str]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(init=False)
    _brakes: dict[str, Brake] = field(default_factory=dict)
    _denied: dict[int, Brake] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outcomes = [Failed(FailureKind.UNAVAILABLE, "nicht gesendet")] * self.size

    def brake(self, origin: str) -> Brake:
        """The origin's brake."""
        return self._brakes.setdefault(origin, Brake())

    def note(self, index: int, origin: str, outcome: Outcome) -> None:
        """Keep a known service's outcome."""
        self.outcomes[index] = outcome
        if isinstance(outcome, Failed) and outcome.kind is FailureKind.AUTH:
            self._denied[index] = self.brake(origin)

    def settled(self) -> list[Outcome]:
        """All outcomes; denials by a service that took other pushes concern their target only."""
        for index, brake in self._denied.items():
            if brake.worked:
                self.outcomes[index] = for_this_target_only(self.outcomes[index])
        return self.outcomes


class WebPush:
    """Push to browsers and installed apps.

    Args:
        egress: bounds and guards every connection; its policy is the one subscriptions were checked with.
        in_flight: requests at once per batch.
        strangers_in_flight: requests at once, over all batches, to hosts that are not ``known``: a slow server
            somebody runs at home must not hold up the big services.
        timeout_s: for one push, connecting included.
    """

    def __init__(
        self,
        egress: Egress,
        vapid: Vapid,
        clock: Clock,
        *,
        in_flight: int = 64,
        strangers_in_flight: int = 16,
        timeout_s: float = 10.0,
        known: Callable[[str], bool] = is_known_service,
    ) -> None:
        self._egress = egress
        self._vapid = vapid
        self._clock = clock
        self._in_flight = in_flight
        self._strangers = asyncio.Semaphore(strangers_in_flight)
        self._timeout_s = timeout_s
        self._known = known
        # One thread, measured: a second one only fights with the event loop over the interpreter lock.
        self._sealer = ThreadPoolExecutor(1, thread_name_prefix="webpush")

    name = "webpush"
    label = "Push aufs Handy"
    limits = _LIMITS
    problem = ""

    def subscription(self, data: object) -> tuple[str, str]:
        """``parse_subscription`` under this channel's own policy: address to store, and origin."""
        return parse_subscription(data, self._egress.policy)

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Encrypt and post to each target; one outcome per target, in order."""
        plaintext = payload(message)
        if len(plaintext) > MAX_PLAINTEXT:
            log.error("webpush_too_large", incident=str(message.incident), size=len(plaintext), limit=MAX_PLAINTEXT)
            return [Failed(FailureKind.TOO_LARGE, "Nachricht zu lang für Push")] * len(targets)
        batch = _Batch(message, headers(message, self._clock.now()), len(targets))
        queue: _Queue = asyncio.Queue(2 * _CHUNK)
        workers = min(self._in_flight, len(targets))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(batch, queue))
            await self._seal_all(batch, padded(plaintext), targets, queue)
            for _ in range(workers):
                await queue.put(None)
        return batch.settled()

    async def close(self) -> None:
        """Give back sockets and the thread."""
        self._sealer.shutdown(wait=False, cancel_futures=True)
        await self._egress.close()

    async def _seal_all(self, batch: _Batch, record: bytes, targets: Sequence[Target], queue: _Queue) -> None:
        """Seal in a thread, some at a time: the cipher gives up the interpreter lock, so posting goes on meanwhile."""
        loop = asyncio.get_running_loop()
        start, end = 0, _FIRST
        while some := targets[start:end]:
            done = await loop.run_in_executor(self._sealer, seal, record, some, self._egress.policy)
            for index, sealed in enumerate(done, start):
                if isinstance(sealed, Failed):
                    batch.outcomes[index] = sealed
                else:
                    await queue.put((index, sealed))
            start, end = end, end + _CHUNK

    async def _work(self, batch: _Batch, queue: _Queue) -> None:
        while (item := await queue.get()) is not None:
            index, sealed = item
            if self._known(sealed.host):
                batch.note(index, sealed.origin, await self._post(batch, sealed))
            else:
                async with self._strangers:
                    batch.outcomes[index] = for_this_target_only(await self._post(batch, sealed))

    async def _post(self, batch: _Batch, sealed: Sealed) -> Outcome:
        now = self._clock.now()
        brake = batch.brake(sealed.origin)
        if now >= batch.message.deadline:
            return Failed(FailureKind.TIMEOUT, "Frist abgelaufen, nicht gesendet")
        if brake.held is not None:
            return brake.held
        try:
            answer = await self._egress.post(
                sealed.endpoint,
                headers=self._headers(batch, sealed.origin),
                data=sealed.body,
                timeout_s=self._timeout_s,
            )
        except SigningFailed:
            log.exception("webpush_identity_not_signed", incident=str(batch.message.incident))
            return brake.note(Failed(FailureKind.UNAVAILABLE, "unsere Kennung ließ sich nicht signieren"))
        except EgressError as error:
            return brake.note(outcome_of_error(error))
        return brake.note(outcome_of(answer, now))

    def _headers(self, batch: _Batch, origin: str) -> dict[str, str]:
        known = batch.by_origin.get(origin)
        if known is None:
            authorization = self._vapid.authorization(origin, self._clock.now())
            known = batch.by_origin[origin] = {**batch.base, "Authorization": authorization}
        return known
