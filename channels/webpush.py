"""The channel to citizens' phones: RFC 8030 push with RFC 8291 encryption and RFC 8292 identity.

It classifies answers per target; it never retries, never follows a redirect, never ends a subscription itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from channels.webpush_answers import outcome_of, outcome_of_error
from channels.webpush_brake import Brake
from channels.webpush_crypto import MAX_PLAINTEXT, encrypt, padded
from channels.webpush_message import headers, payload
from channels.webpush_subscription import (
    DamagedAddressError,
    Subscription,
    is_known_service,
    origin_of,
    parse_subscription,
    read_address,
)
from realis.delivery import Failed, FailureKind, Outcome
from realis.egress import Egress, EgressError
from realis.egress_policy import check_url
from realis.errors import InvalidInput
from realis.ports import Clock, LengthUnit, Limits, Message, Target, Vapid

__all__ = ["WebPush", "is_known_service", "parse_subscription", "payload"]

log = structlog.get_logger(__name__)

_LIMITS = Limits(length=1700, unit=LengthUnit.BYTES, lanes=4, batch=500, by_place=True)


@dataclass(slots=True)
class _Batch:
    """What all targets of one ``send`` share."""

    message: Message
    record: bytes
    base: dict[str, str]
    by_origin: dict[str, dict[str, str]] = field(default_factory=dict)
    brakes: dict[str, Brake] = field(default_factory=dict)
    denied: dict[int, Brake] = field(default_factory=dict)


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
        batch = _Batch(message, padded(plaintext), headers(message, self._clock.now()))
        outcomes: list[Outcome] = [Failed(FailureKind.UNAVAILABLE, "nicht gesendet")] * len(targets)
        waiting = iter(enumerate(targets))

        async def work() -> None:
            for index, target in waiting:
                outcomes[index] = await self._send_one(batch, index, target)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._in_flight, len(targets))):
                group.create_task(work())
        for index, brake in batch.denied.items():
            if brake.worked:
                outcomes[index] = _for_this_target_only(outcomes[index])
        return outcomes

    async def close(self) -> None:
        """Give back sockets."""
        await self._egress.close()

    async def _send_one(self, batch: _Batch, index: int, target: Target) -> Outcome:
        try:
            subscription = read_address(target.address)
            url = check_url(subscription.endpoint, self._egress.policy)
        except DamagedAddressError:
            return Failed(FailureKind.REJECTED, "gespeicherte Anmeldung ist unlesbar")
        except InvalidInput as refused:
            return Failed(FailureKind.REJECTED, f"Adresse gesperrt: {refused.message}")
        origin = origin_of(url)
        if self._known((url.raw_host or "").lower()):
            outcome = await self._post(batch, subscription, origin)
            if _is_denial(outcome):
                batch.denied[index] = batch.brakes[origin]
            return outcome
        async with self._strangers:
            outcome = await self._post(batch, subscription, origin)
        return _for_this_target_only(outcome)

    async def _post(self, batch: _Batch, to: Subscription, origin: str) -> Outcome:
        now = self._clock.now()
        brake = batch.brakes.setdefault(origin, Brake())
        if now >= batch.message.deadline:
            return Failed(FailureKind.TIMEOUT, "Frist abgelaufen, nicht gesendet")
        if brake.held is not None:
            return brake.held
        try:
            answer = await self._egress.post(
                to.endpoint,
                headers=self._headers(batch, origin),
                data=encrypt(batch.record, to.receiver),
                timeout_s=self._timeout_s,
            )
        except EgressError as error:
            return brake.note(outcome_of_error(error))
        return brake.note(outcome_of(answer, now))

    def _headers(self, batch: _Batch, origin: str) -> dict[str, str]:
        known = batch.by_origin.get(origin)
        if known is None:
            authorization = self._vapid.authorization(origin, self._clock.now())
            known = batch.by_origin[origin] = {**batch.base, "Authorization": authorization}
        return known


def _is_denial(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.kind is FailureKind.AUTH


def _for_this_target_only(outcome: Outcome) -> Outcome:
    """A denial that must not put the channel on hold for everyone.

    So it is with a stranger's own server, and with one phone whose subscription belongs to another key while the
    service takes our other pushes: else a single false subscription would silence the city.
    """
    if isinstance(outcome, Failed) and outcome.kind is FailureKind.AUTH:
        return Failed(FailureKind.REJECTED, outcome.detail)
    return outcome
