"""The channel to citizens' phones: RFC 8030 push with RFC 8291 encryption and RFC 8292 identity.

It classifies responses per target; it never retries, never follows a redirect, never ends a subscription itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from channels.webpush.batch import Batch, records, resolved
from channels.webpush.batch_breaker import BatchBreaker
from channels.webpush.encryption import MAX_PLAINTEXT
from channels.webpush.ipc import Job, Route, WorkerConfiguration
from channels.webpush.job_runner import InProcessSender
from channels.webpush.payload import headers, payload
from channels.webpush.request_encryption import seal
from channels.webpush.responses import for_this_target_only, outcome_of
from channels.webpush.subscription import (
    DamagedAddressError,
    endpoint_of,
    is_known_service,
    origin_of,
    parse_subscription,
)
from channels.webpush.worker_pool import WorkerPool
from channels.webpush.worker_process import policy_name
from realis.egress.channel_spec import ChannelConfig, ChannelContext, ChannelSpec
from realis.egress.client import Egress
from realis.egress.failures import EgressError, failed
from realis.egress.policy import check_url
from realis.model.delivery import Failed, FailureKind, Outcome
from realis.model.errors import InvalidInput, SigningFailed
from realis.ports.channel import ChannelCapabilities, LengthUnit, Message, Target
from realis.ports.clock import Clock
from realis.ports.signing import Vapid

__all__ = ["PushSender", "WebPush", "is_known_service", "parse_subscription", "payload"]

log = structlog.get_logger(__name__)

_CAPABILITIES = ChannelCapabilities(length=1700, unit=LengthUnit.BYTES, concurrency=4, batch=500, geo_targeted=True)
UNLISTED = "strangers"
"""The common origin of all hosts that are not a known push service."""

_NOT_SIGNED = Failed(FailureKind.UNAVAILABLE, "unsere Kennung ließ sich nicht signieren")
_TOO_LATE = Failed(FailureKind.TIMEOUT, "Frist abgelaufen, nicht gesendet")


class PushSender(Protocol):
    """Encrypts and posts to known services: in child processes, or in this one for tests."""

    async def start(self) -> None:
        """Start; returns when a job can be taken."""
        ...

    async def work(self, job: Job) -> list[Outcome]:
        """Return one outcome per target of the job, in order."""
        ...

    async def close(self) -> None:
        """Release all resources."""
        ...


class WebPush:
    """Push to browsers and installed apps.

    Known services are posted to by the ``pusher``; unlisted (self-hosted) services, which may behave arbitrarily, go
    one by one through ``egress`` in a bounded lane of their own, so that a slow one delays no other.

    Args:
        egress: client for unlisted services; its policy is the one subscriptions are checked with.
        pusher: encrypts and posts for ``known`` hosts; by default in this process.
        in_flight: requests at once per batch.
        strangers_in_flight: requests at once to unlisted services, over all batches; one batch, which has one origin,
            gets a quarter of them.
        timeout_s: for one push, connecting included.
    """

    def __init__(
        self,
        egress: Egress,
        vapid: Vapid,
        clock: Clock,
        *,
        pusher: PushSender | None = None,
        in_flight: int = 64,
        strangers_in_flight: int = 16,
        timeout_s: float = 10.0,
        known: Callable[[str], bool] = is_known_service,
    ) -> None:
        self._egress = egress
        self._vapid = vapid
        self._clock = clock
        self._pusher = pusher or InProcessSender(egress.policy)
        self._in_flight = in_flight
        self._strangers = asyncio.Semaphore(strangers_in_flight)
        self._strangers_per_batch = max(1, strangers_in_flight // 4)
        self._timeout_s = timeout_s
        self._known = known
        self._sealer = ThreadPoolExecutor(1, thread_name_prefix="webpush")

    name = "webpush"
    label = "Push aufs Handy"
    capabilities = _CAPABILITIES
    unavailable_reason = ""

    def subscription(self, data: object) -> tuple[str, str]:
        """``parse_subscription`` under this channel's own policy: address to store, and origin.

        Unlisted hosts count as one origin, so that however many of them hang, a lane stays free for the others.
        """
        address, origin = parse_subscription(data, self._egress.policy)
        known = self._known((urlsplit(origin).hostname or "").lower())
        return address, origin if known else UNLISTED

    async def start(self) -> None:
        """Start the sender, so that the first warning does not wait for it."""
        await self._pusher.start()

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Encrypt and post to each target; one outcome per target, in order.

        A target whose service answers 413 is sent a reduced message, once; a second 413 is the outcome.
        """
        fitting = records(message)
        if not fitting:
            log.error("webpush_too_large", incident=str(message.incident), limit=MAX_PLAINTEXT)
            return [Failed(FailureKind.TOO_LARGE, "Nachricht zu lang für Push")] * len(targets)
        batch = Batch(message, fitting[0], self._clock.now(), targets)
        await self._round(batch, range(len(targets)))
        if len(fitting) > 1 and (refused := batch.too_large()):
            log.info("webpush_sends_less", incident=str(message.incident), targets=len(refused))
            batch.record, batch.now = fitting[1], self._clock.now()
            await self._round(batch, refused)
        return batch.outcomes

    async def _round(self, batch: Batch, indices: Sequence[int]) -> None:
        """Send the batch's record to the targets with these indexes, once."""
        known, strangers = self._sorted(batch, indices)
        slots = asyncio.Semaphore(self._strangers_per_batch)
        async with asyncio.TaskGroup() as group:
            for index in strangers:
                group.create_task(self._to_stranger(batch, index, slots))
            if known:
                await self._to_known(batch, known)

    async def close(self) -> None:
        """Close processes, sockets and the thread."""
        await self._pusher.close()
        self._sealer.shutdown(wait=False, cancel_futures=True)
        await self._egress.close()

    # ---- known services

    def _sorted(self, batch: Batch, indices: Sequence[int]) -> tuple[list[tuple[int, str]], list[int]]:
        """Return the targets at known services with their origin, and the others."""
        known: list[tuple[int, str]] = []
        strangers: list[int] = []
        sorts: dict[str, bool] = {}
        for index in indices:
            target = batch.targets[index]
            try:
                origin = self._origin(target)
            except DamagedAddressError:
                batch.outcomes[index] = Failed(FailureKind.REJECTED, "gespeicherte Anmeldung ist unlesbar")
                continue
            except InvalidInput as refused:
                batch.outcomes[index] = Failed(FailureKind.REJECTED, f"Adresse gesperrt: {refused.code}")
                continue
            if origin not in sorts:
                sorts[origin] = self._known((urlsplit(origin).hostname or "").lower())
            if sorts[origin]:
                known.append((index, origin))
            else:
                strangers.append(index)
        return known, strangers

    def _origin(self, target: Target) -> str:
        """Return the stored origin; for an unlisted one that of the address, which may be a known service by now."""
        if target.origin and target.origin != UNLISTED:
            return target.origin
        return origin_of(check_url(endpoint_of(target.address), self._egress.policy))

    async def _to_known(self, batch: Batch, known: list[tuple[int, str]]) -> None:
        """Give one job to the pusher, without the targets whose origin cannot be signed for."""
        found = {origin: self._route(batch, origin) for origin in {origin for _, origin in known}}
        routes = [route for route in found.values() if isinstance(route, Route)]
        places = {route.origin: place for place, route in enumerate(routes)}
        for index, origin in known:
            if isinstance(route := found[origin], Failed):
                batch.outcomes[index] = route
        ours = [(index, places[origin]) for index, origin in known if origin in places]
        job = Job(
            number=0,
            record=batch.record,
            now=batch.now,
            left_s=batch.left_s(batch.now),
            timeout_s=self._timeout_s,
            in_flight=self._in_flight,
            routes=tuple(routes),
            targets=tuple((place, batch.targets[index].address) for index, place in ours),
        )
        outcomes = await self._pusher.work(job) if ours else []
        for (index, _), outcome in zip(ours, resolved(job, outcomes), strict=True):
            batch.outcomes[index] = outcome

    def _route(self, batch: Batch, origin: str) -> Route | Failed:
        known = batch.routes.get(origin)
        if known is None:
            try:
                authorization = self._vapid.authorization(origin, batch.now)
                known = Route(origin, {**headers(batch.message, batch.now), "Authorization": authorization})
            except SigningFailed:
                log.exception("webpush_identity_not_signed", incident=str(batch.message.incident))
                known = _NOT_SIGNED
            batch.routes[origin] = known
        return known

    # ---- unlisted services

    async def _to_stranger(self, batch: Batch, index: int, slots: asyncio.Semaphore) -> None:
        async with slots, self._strangers:
            address = batch.targets[index].address
            loop = asyncio.get_running_loop()
            sealed = await loop.run_in_executor(self._sealer, seal, batch.record, address, self._egress.policy)
            if isinstance(sealed, Failed):
                batch.outcomes[index] = sealed
                return
            route = self._route(batch, sealed.origin)
            brake = batch.brakes.setdefault(sealed.origin, BatchBreaker())
            unsent = route if isinstance(route, Failed) else self._unsent(batch, brake)
            if unsent is None and isinstance(route, Route):
                unsent_or_told = await self._post(sealed.endpoint, route, sealed.body)
                batch.outcomes[index] = for_this_target_only(brake.note(unsent_or_told))
            elif unsent is not None:
                batch.outcomes[index] = unsent

    def _unsent(self, batch: Batch, brake: BatchBreaker) -> Failed | None:
        return brake.held if batch.left_s(self._clock.now()) > 0 else _TOO_LATE

    async def _post(self, endpoint: str, route: Route, body: bytes) -> Outcome:
        try:
            answer = await self._egress.post(endpoint, headers=route.headers, data=body, timeout_s=self._timeout_s)
        except EgressError as error:
            return failed(error, "Push-Dienst", blocked=FailureKind.REJECTED)
        return outcome_of(answer.status, answer.headers.get("Retry-After", ""), self._clock.now())


def _make(_config: ChannelConfig, context: ChannelContext) -> WebPush:
    """With worker processes for known services; they get the same policy as the egress."""
    push = context.push
    pool = WorkerPool(WorkerConfiguration(policy_name(context.egress.policy), push.trust), lock=push.lock)
    return WebPush(context.egress, push.vapid, context.clock, pusher=pool, known=push.known, timeout_s=push.timeout_s)


SPEC = ChannelSpec(
    name=WebPush.name,
    label=WebPush.label,
    capabilities=WebPush.capabilities,
    config=ChannelConfig,
    make=_make,
    any_public_host=True,
)
