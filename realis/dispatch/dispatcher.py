"""The worker loop: claim a batch, send it, commit its outcomes. A slow channel delays no other.

On disk before a send: the alert, the frozen batch and the claim with its epoch and lease. After it: every outcome and
every retry, in one commit under the same epoch (promises 1 and 2). No pause is spent holding a claim. While the
database is unreachable nothing is claimed, and outcomes of batches in flight are committed once it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from realis.dispatch.planner import Planner
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome, State, must_follow
from realis.model.errors import StoreUnavailable
from realis.policy.circuit_breaker import CircuitBreaker
from realis.policy.retry import Again, Attempt, Final, decide
from realis.ports.channel import Channel, Message, Target
from realis.ports.clock import Clock
from realis.ports.events import Events, Topic
from realis.ports.stores import BatchResult, BatchStore, Claim, Failure, Leases, RetryGroup
from realis.ports.waiting import wait_for_event

log = structlog.get_logger(__name__)

IDLE_S = 1.0
"""Seconds between two polls of the store: the most a lost hint can delay work."""

STORE_RETRY_S = 0.5
"""Seconds between two attempts while the database is unreachable."""

RECORD_FOR = timedelta(minutes=30)
"""How long past the deadline a batch's outcomes are still retried to be committed; then they are dropped."""

_ENDS_WITHOUT_SENDING = Failed(FailureKind.TIMEOUT, "Frist abgelaufen")
_CHANNEL_BUG = Failed(FailureKind.UNKNOWN, "Fehler im Kanal")
_UNREADABLE = Failed(FailureKind.REJECTED, "Adresse nicht lesbar")
_DELETED = Failed(FailureKind.GONE, "Abmeldung vor dem Senden")


@dataclass(frozen=True, slots=True)
class Lease:
    """Seconds a claim is valid, and seconds a send may take.

    A claim that is not renewed must outlast its send; one that is renewed may be short, so that the claims of a crashed
    process can soon be claimed again.
    """

    length_s: float = 120.0
    send_s: float = 100.0


@dataclass(slots=True)
class _Verdicts:
    """The accumulated result of a batch's outcomes. ``before`` is the state its targets were in when claimed."""

    before: State
    states: Counter[State] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    refs: dict[int, str] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    later: dict[bool, list[tuple[datetime, int]]] = field(default_factory=dict)
    hold: str = ""

    def add(self, target: Target, outcome: Outcome, attempt: Attempt) -> None:
        decision = decide(outcome, attempt)
        if isinstance(outcome, Accepted) and outcome.ref is not None:
            self.refs[target.id] = outcome.ref
        if isinstance(outcome, Failed):
            self._add_failure(target, outcome, decision)
        if isinstance(decision, Final):
            self.states[decision.state] += 1
        else:
            self.later.setdefault(decision.held, []).append((decision.due, target.id))

    def _add_failure(self, target: Target, outcome: Failed, decision: Final | Again) -> None:
        after = decision.state if isinstance(decision, Final) else (State.HELD if decision.held else State.RETRYING)
        state = must_follow(self.before, after)
        self.failures.append(Failure(target.id, state, outcome.kind, outcome.detail))
        if state is State.GONE and target.address:
            # Without an address the target had ended before the send, and may have subscribed again since.
            self.gone.append(target.id)
        if state is State.HELD:
            self.hold = outcome.detail or "Zugangsdaten abgelehnt"

    def result(self, finished: datetime) -> BatchResult:
        accepted = self.states[State.ACCEPTED] > 0
        return BatchResult(
            states=dict(self.states),
            failures=tuple(self.failures),
            refs=self.refs,
            gone=tuple(self.gone),
            retries=tuple(self._groups()),
            hold=self.hold,
            first_accepted=finished if accepted else None,
            last_accepted=finished if accepted else None,
        )

    def _groups(self) -> list[RetryGroup]:
        """Return one retry for all targets of the batch, at the latest due time of any (one more for held ones)."""
        return [
            RetryGroup(max(due for due, _ in entries), tuple(target for _, target in entries), held=held)
            for held, entries in self.later.items()
        ]


def judge(claim: Claim, outcomes: Sequence[Outcome], now: datetime, jitter: float) -> BatchResult:
    """Return what to commit for a batch: every target ends in a state or in a retry, none is lost (promise 1)."""
    verdicts = _Verdicts(State.PLANNED if claim.attempt == 1 else State.RETRYING)
    message = claim.message
    ending = message.kind.ending is not None
    attempt = Attempt(claim.attempt, now, message.deadline, message.level, jitter, ending=ending)
    for target, outcome in zip(claim.targets, outcomes, strict=True):
        if isinstance(outcome, Accepted) and outcome.ref is None:
            verdicts.states[State.ACCEPTED] += 1
        else:
            verdicts.add(target, outcome, attempt)
    return verdicts.result(now)


class Dispatcher:
    """Runs the lanes of every channel until it is stopped. Owned by the composition root."""

    def __init__(
        self,
        store: BatchStore,
        planner: Planner,
        channels: Mapping[str, Channel],
        *,
        events: Events,
        clock: Clock,
        lease: Lease | None = None,
        leases: Leases | None = None,
    ) -> None:
        self._store = store
        self._planner = planner
        self._channels = channels
        self._events = events
        self._clock = clock
        self._lease = lease or Lease()
        self._leases = leases
        self.owner = f"{os.uname().nodename[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._in_flight: dict[int, str] = {}
        self._taken: dict[int, datetime] = {}
        self._store_lost: float | None = None
        self._ready = {name: asyncio.Event() for name in channels}
        self._busy: dict[str, Counter[str]] = {name: Counter() for name in channels}
        self._breakers = {name: CircuitBreaker() for name in channels}
        self._free_from: dict[str, datetime] = {}
        self._claiming = {name: asyncio.Lock() for name in channels}
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Plan and send until ``stop``, then finish the batches in flight. An exception in a lane ends all of it."""
        async with asyncio.TaskGroup() as group:
            aside = [
                group.create_task(self._listen(), name="dispatcher.listen"),
                group.create_task(self._renew(), name="dispatcher.renew"),
            ]
            lanes = [
                group.create_task(self._lane(name), name=f"lane.{name}.{number}")
                for name, channel in self._channels.items()
                for number in range(channel.capabilities.concurrency)
            ]
            await self._coordinate()
            for event in self._ready.values():
                event.set()
            await asyncio.gather(*lanes)
            for task in aside:
                task.cancel()
        await self._hand_over()

    async def _hand_over(self) -> None:
        """End the leases of the accounts, so that another process can post for them at once."""
        if self._leases is not None:
            accounts = [_account(name) for name in self._channels if self._is_account(name)]
            with contextlib.suppress(StoreUnavailable):  # the leases lapse anyway, only later
                await self._leases.renew(self.owner, sending=(), names=accounts, now=self._clock.now(), lease_s=0)

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when the batches in flight are committed."""
        self._stopping.set()
        self._wake.set()

    def in_flight(self) -> Mapping[str, int]:
        """The number of batches being sent, by channel."""
        flying = Counter(self._in_flight.values())
        return {name: flying[name] for name in self._channels}

    def open_breakers(self) -> Mapping[str, int]:
        """The number of origins whose breaker is open now, by channel."""
        now = self._clock.now()
        return {name: len(breaker.shut(now, ())) for name, breaker in self._breakers.items()}

    async def _listen(self) -> None:
        async for _ in self._events.listen(Topic.WORK):
            self._wake.set()

    async def _renew(self) -> None:
        """Renew the leases of the batches in flight, while this process makes progress."""
        # Every third of a lease, so that one failed renewal does not let it lapse.
        while self._leases is not None:
            await asyncio.sleep(self._lease.length_s / 3)
            if not self._in_flight:
                continue
            accounts = [_account(name) for name in set(self._in_flight.values()) if self._is_account(name)]
            try:
                await self._leases.renew(
                    self.owner,
                    sending=tuple(self._in_flight),
                    names=accounts,
                    now=self._clock.now(),
                    lease_s=self._lease.length_s,
                )
            except StoreUnavailable as error:
                self._away(error)

    async def _coordinate(self) -> None:
        """Plan new dispatches, wake the lanes that have work, wait for the next hint or due time."""
        while not self._stopping.is_set():
            self._wake.clear()  # before the round, so that a hint during it starts the next one at once
            try:
                wait_s = await self._round()
            except StoreUnavailable as error:
                self._away(error)
                await asyncio.sleep(STORE_RETRY_S)
                continue
            self._back()
            await wait_for_event(self._wake, wait_s)

    async def _round(self) -> float:
        """Plan and wake once; returns the seconds until something is due."""
        await self._plan()  # first, so that a new release does not wait for the upkeep below
        if await self._planner.begin():
            await self._events.publish(Topic.SITUATION)
            await self._plan()
        now = self._clock.now()
        self._wake_lanes(await self._store.ready_channels(now))
        due = await self._store.next_due(now)
        return min(IDLE_S, max(0.01, (due - now).total_seconds())) if due else IDLE_S

    async def _plan(self) -> None:
        while not self._stopping.is_set() and (planned := await self._planner.step()) is not None:
            self._wake_lanes(planned)
            await asyncio.sleep(0)  # lets the lanes queue their claims for the writer before the next planning step

    def _away(self, error: StoreUnavailable) -> None:
        if self._store_lost is None:
            log.error("store_lost", code=error.code, cause=type(error.__cause__).__name__)
        self._store_lost = asyncio.get_running_loop().time()

    def _back(self) -> None:
        """Log the recovery once 2 s passed without any failure: reads may succeed while writes still fail."""
        if self._store_lost is not None and asyncio.get_running_loop().time() - self._store_lost > 4 * STORE_RETRY_S:
            log.info("store_back")
            self._store_lost = None

    def _wake_lanes(self, names: Collection[str]) -> None:
        """Wake accounts first, because one post reaches all of its followers; then the channels with the most lanes."""
        limits = {name: self._channels[name].capabilities for name in self._ready if name in names}
        for name in sorted(limits, key=lambda name: (not limits[name].min_interval_s, -limits[name].concurrency)):
            self._ready[name].set()

    async def _lane(self, name: str) -> None:
        ready = self._ready[name]
        while not self._stopping.is_set():
            await ready.wait()
            claim = await self._claim(name)
            if claim is not None:
                await self._work(self._channels[name], claim)
                ready.set()  # a batch that waited for this origin or for a free lane may be claimable now

    async def _claim(self, name: str) -> Claim | None:
        """Claim a batch whose origin does not fill the other lanes, so that one that hangs never takes all of them."""
        # One lane at a time: two lanes that claim at once would both count the same origin as having room.
        async with self._claiming[name]:
            if self._stopping.is_set() or not self._ready[name].is_set():
                return None  # another lane has just tried, and there was nothing to claim
            self._ready[name].clear()
            begun = self._clock.now()
            if (wait_s := (self._free_from.get(name, begun) - begun).total_seconds()) > 0:
                asyncio.get_running_loop().call_later(wait_s, self._ready[name].set)
                return None
            try:
                claim = await self._take(name, self._crowded(name, begun))
            except StoreUnavailable as error:
                # If the claim was committed all the same, it is not renewed, and claimable again when its lease ends.
                self._away(error)
                return None
            if claim is not None:
                self._ready[name].set()  # there may be more: the other lanes try too
                self._busy[name][claim.origin] += 1
                self._in_flight[claim.batch] = name
                self._taken[claim.batch] = begun
        return claim

    def _crowded(self, name: str, now: datetime) -> frozenset[str]:
        """Return the origins that get no further batch now: they fill all lanes but one, or their breaker is open."""
        lanes, busy = self._channels[name].capabilities.concurrency, self._busy[name]
        full = frozenset(origin for origin, number in busy.items() if lanes > 1 and number >= lanes - 1)
        return full | self._breakers[name].shut(now, busy)

    async def _take(self, name: str, crowded: frozenset[str]) -> Claim | None:
        now, lease_s = self._clock.now(), self._lease.length_s
        # One process at a time posts for an account, because the account's pace is kept in that process's memory.
        shared = self._leases if self._is_account(name) else None
        if shared is not None and not await shared.take(_account(name), self.owner, now=now, lease_s=lease_s):
            return None
        return await self._store.claim(name, self.owner, now=now, lease_s=lease_s, busy_origins=crowded)

    def _is_account(self, name: str) -> bool:
        limits = self._channels[name].capabilities
        return limits.concurrency == 1 and not limits.geo_targeted

    async def _work(self, channel: Channel, claim: Claim) -> None:
        """Send one batch and commit it; the commit is shielded, so that a cancellation does not lose its outcomes."""
        try:
            if self._came_too_late(self._taken.pop(claim.batch)):
                log.warning("claim_lapsed", channel=channel.name, batch=claim.batch, epoch=claim.epoch)
                return
            outcomes = await self._send(channel, claim)
            self._keep_pace(channel)
            self._learn(channel.name, claim.origin, outcomes)
            result = judge(claim, outcomes, self._clock.now(), random.random())  # noqa: S311 - jitter
            committed = await self._record(claim, result)
        finally:
            self._in_flight.pop(claim.batch, None)
            self._release_origin(channel.name, claim.origin)
        if not committed:
            log.warning("commit_refused", channel=channel.name, batch=claim.batch, epoch=claim.epoch)
        if result.hold:
            log.error("channel_on_hold", channel=channel.name, reason=result.hold)
        if result.retries:
            self._wake.set()  # a retry may be due before the next poll; this lane claims the other batches itself
        await self._events.publish(Topic.DELIVERY, str(claim.message.incident))

    def _keep_pace(self, channel: Channel) -> None:
        """Set the time before which nothing is claimed for the account; no claim is held during the pause."""
        if channel.capabilities.min_interval_s:
            self._free_from[channel.name] = self._clock.now() + timedelta(seconds=channel.capabilities.min_interval_s)

    def _learn(self, name: str, origin: str, outcomes: Sequence[Outcome]) -> None:
        pause_s = self._breakers[name].note(origin, outcomes, self._clock.now())
        if pause_s is not None:
            log.warning("origin_paused", channel=name, origin=origin, for_s=round(pause_s, 1))

    def _came_too_late(self, begun: datetime) -> bool:
        """Whether the claim could lapse during its send, because this process was suspended since it claimed.

        Another worker may be sending the batch by then, or a newer revision: the claim is left to lapse (promise 3).
        """
        # A lease that is not renewed must have room for the whole send; a renewed one need only be valid still.
        room_s = self._lease.length_s - (0.0 if self._leases else self._lease.send_s)
        return self._clock.now() - begun >= timedelta(seconds=room_s)

    async def _record(self, claim: Claim, result: BatchResult) -> bool:
        """Commit, retrying while the database is unreachable: a batch whose outcomes are not committed is sent again.

        Returns:
            False if the epoch is stale, or ``RECORD_FOR`` has passed since the deadline.
        """
        while True:
            now = self._clock.now()
            try:
                return await asyncio.shield(self._store.commit(claim, result, now=now))
            except StoreUnavailable as error:
                self._away(error)
                if now > claim.message.deadline + RECORD_FOR:
                    return False
            await asyncio.sleep(STORE_RETRY_S)

    def _release_origin(self, name: str, origin: str) -> None:
        busy = self._busy[name]
        busy[origin] -= 1
        if busy[origin] <= 0:
            del busy[origin]

    async def _send(self, channel: Channel, claim: Claim) -> Sequence[Outcome]:
        if self._clock.now() >= claim.message.deadline:
            return [_ENDS_WITHOUT_SENDING] * len(claim.targets)
        alive = [target for target in claim.targets if target.address]
        sent = iter(await self._try(channel, claim.message, alive))
        return [
            next(sent) if target.address else _UNREADABLE if target.id in claim.unreadable else _DELETED
            for target in claim.targets
        ]

    async def _try(self, channel: Channel, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        if not targets:
            return []
        try:
            async with asyncio.timeout(self._lease.send_s):
                outcomes = await channel.send(message, targets)
        except TimeoutError:
            log.exception("channel_too_slow", channel=channel.name)
            return [Failed(FailureKind.UNKNOWN, "Zeit überschritten")] * len(targets)
        except Exception:
            # The boundary of a channel: a bug in one must neither stop the others nor lose the targets of its batch.
            log.exception("channel_crashed", channel=channel.name)
            return [_CHANNEL_BUG] * len(targets)
        if len(outcomes) != len(targets):
            # Outcomes are matched to targets by position: with a wrong number none can be attributed.
            log.error("channel_miscounted", channel=channel.name, targets=len(targets), outcomes=len(outcomes))
            return [_CHANNEL_BUG] * len(targets)
        return outcomes


def _account(channel: str) -> str:
    return f"channel:{channel}"
