"""The metrics of one process, in a registry of its own, as Prometheus reads them.

Counters live in memory and are added to as things happen. Figures of the record are read when somebody asks, at most
once a second and for at most two seconds: monitoring must never hold up a warning. docs/operate.md lists every metric.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from realis.model.delivery import TERMINAL_STATES, FailureKind
from realis.model.errors import StoreUnavailable
from realis.ports.clock import Clock
from realis.ports.metrics import IntakeResult, QueueFigures, RecordFigures, ScreenRefusal

CACHE_S = 1.0
"""How old a page may be: however many ask, the record is read once a second."""

READ_S = 2.0
"""How long reading the record may take before the page comes without its figures."""

MAX_AUTHORITIES = 100
"""Authorities counted by name; those after them count as ``other``, so that the number of series stays bounded."""

BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Upper bounds of the latencies: from the best a machine can do to a warning that came too late."""


class SendingFigures(Protocol):
    """What the dispatcher can be asked at any time."""

    def in_flight(self) -> Mapping[str, int]:
        """Batches being sent by this process, for each of its channels."""
        ...

    def open_breakers(self) -> Mapping[str, int]:
        """Origins that are left alone for now, for each of its channels."""
        ...


class ScreenFigures(Protocol):
    """What the screens' gateway can be asked at any time."""

    @property
    def connected(self) -> int:
        """How many screens are connected to it."""
        ...

    @property
    def as_of(self) -> datetime | None:
        """When it last read what is in force."""
        ...


class DatabaseFigures(Protocol):
    """What the database's connection can be asked without a question to the database."""

    async def takes_writes(self) -> bool:
        """Whether no write failed in the last seconds."""
        ...

    def since_failed_write_s(self) -> float | None:
        """Seconds since a write last failed; None if none has."""
        ...


class LatencyHistogram:
    """A histogram by channel that takes a whole batch in one step; prometheus-client's takes one target at a time."""

    def __init__(self, name: str, documentation: str) -> None:
        self._name, self._documentation = name, documentation
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, channel: str, seconds: float, number: int = 1) -> None:
        """Count so many targets at this latency."""
        counts = self._counts.setdefault(channel, [0] * (len(BUCKETS_S) + 1))
        counts[bisect_left(BUCKETS_S, seconds)] += number
        self._sums[channel] = self._sums.get(channel, 0.0) + seconds * number

    def family(self) -> HistogramMetricFamily:
        """The histogram as it stands, for the registry."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=["channel"])
        bounds = [*(str(bound) for bound in BUCKETS_S), "+Inf"]
        for channel, counts in self._counts.items():
            buckets = list(zip(bounds, (float(below) for below in accumulate(counts)), strict=True))
            family.add_metric([channel], buckets, sum_value=self._sums[channel])
        return family


class _One(Collector):
    """A single family, to be written by itself."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        """The family."""
        return (self._family,)


class Metrics(Collector):
    """All metrics of one process. Implements the ports of ``realis.ports.metrics``.

    Args:
        read: the figures of the record; may fail with ``StoreUnavailable``.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[RecordFigures]],
        database: DatabaseFigures,
        clock: Clock,
        *,
        cache_s: float = CACHE_S,
        read_s: float = READ_S,
    ) -> None:
        self._read, self._database, self._clock = read, database, clock
        self._cache_s, self._read_s = cache_s, read_s
        self._channels: Collection[str] = ()
        self._sending: SendingFigures | None = None
        self._screens: ScreenFigures | None = None
        self._redis_connected: Callable[[], bool] | None = None
        self._record: RecordFigures | None = None
        self._takes_writes = True
        self._authorities: set[str] = set()
        self._page, self._page_at = b"", float("-inf")
        self._turn = asyncio.Lock()
        self.registry = CollectorRegistry()
        self._outcomes = self._counter("realis_outcomes", "Attempts by outcome.", "channel", "kind")
        self._refused_commits = self._counter(
            "realis_commits_refused", "Batches whose claim had passed to another worker.", "channel"
        )
        self._intake = self._counter("realis_intake_messages", "Requests of authorities.", "authority", "result")
        self._refused_screens = self._counter("realis_screens_refused", "Refused connections of screens.", "reason")
        for reason in ScreenRefusal:
            self._refused_screens.labels(reason.value)
        self._first = LatencyHistogram(
            "realis_first_acceptance_seconds", "From issue to the first accepted target of a dispatch."
        )
        self._accepted = LatencyHistogram("realis_acceptance_seconds", "From issue to acceptance, each target.")
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def watch(
        self,
        *,
        channels: Collection[str] | None = None,
        sending: SendingFigures | None = None,
        screens: ScreenFigures | None = None,
        redis_connected: Callable[[], bool] | None = None,
    ) -> None:
        """Ask these parts at every scrape from now on; what this process does not play is left out."""
        if channels is not None:
            self._begin_at_zero(channels)
        self._sending = sending or self._sending
        self._screens = screens or self._screens
        self._redis_connected = redis_connected or self._redis_connected

    def _begin_at_zero(self, channels: Collection[str]) -> None:
        """Give every counter of these channels a value before its first event.

        Prometheus sees no increase in a series that begins with it, so the first of all failures would go unnoticed.
        """
        self._channels = channels
        for channel in channels:
            self._refused_commits.labels(channel)
            for latency in (self._first, self._accepted):
                latency.observe(channel, 0.0, 0)
            for kind in ("accepted", *FailureKind):
                self._outcomes.labels(channel, str(kind))

    # ------------------------------------------------------------ what is reported

    def committed(
        self, channel: str, *, accepted: int, failed: Mapping[FailureKind, int], since_issue_s: float, first: bool
    ) -> None:
        """Count a committed batch: one step for each kind of outcome, however many targets it has."""
        for kind, number in failed.items():
            self._outcomes.labels(channel, kind.value).inc(number)
        if accepted:
            self._outcomes.labels(channel, "accepted").inc(accepted)
            self._accepted.observe(channel, since_issue_s, accepted)
        if first:
            self._first.observe(channel, since_issue_s)

    def commit_refused(self, channel: str) -> None:
        """Count a batch that another worker had taken over."""
        self._refused_commits.labels(channel).inc()

    def received(self, authority: str, result: IntakeResult) -> None:
        """Count a request to the intake."""
        self._intake.labels(self._authority_label(authority), result.value).inc()

    def screen_refused(self, reason: ScreenRefusal) -> None:
        """Count a refused connection."""
        self._refused_screens.labels(reason.value).inc()

    def _authority_label(self, authority: str) -> str:
        if not authority:
            return "unknown"
        if authority not in self._authorities and len(self._authorities) >= MAX_AUTHORITIES:
            return "other"
        self._authorities.add(authority)
        return authority

    # ------------------------------------------------------------ what is asked

    async def scrape(self) -> bytes:
        """All metrics in Prometheus' text format, at most ``CACHE_S`` old."""
        async with self._turn:
            now_s = asyncio.get_running_loop().time()
            if now_s - self._page_at >= self._cache_s:
                self._record = await self._read_record()
                self._takes_writes = await self._database.takes_writes()
                self._page, self._page_at = await self._written(), asyncio.get_running_loop().time()
        return self._page

    async def _written(self) -> bytes:
        parts = []
        for family in list(self.registry.collect()):
            parts.append(generate_latest(_One(family)))
            # The whole takes milliseconds; what sends a warning must get its turn in between.
            await asyncio.sleep(0)
        return b"".join(parts)

    async def _read_record(self) -> RecordFigures | None:
        """None if the record cannot be read now; ``realis_database_readable`` says so."""
        try:
            async with asyncio.timeout(self._read_s):
                return await self._read()
        except (StoreUnavailable, TimeoutError):
            return None

    def collect(self) -> Iterable[Metric]:
        """Every metric that is not a counter of the registry's own."""
        yield self._first.family()
        yield self._accepted.family()
        yield from self._of_the_database()
        yield from self._of_the_queues(self._record)
        yield from self._of_releases(self._record)
        yield from self._of_sending()
        yield from self._of_screens()
        connected = None if self._redis_connected is None else float(self._redis_connected())
        yield _gauge("realis_redis_connected", "1 while Redis answers.", connected)

    def _of_the_database(self) -> Iterator[Metric]:
        readable, writable = self._record is not None, self._takes_writes
        yield _gauge("realis_database_readable", "1 if the record could be read for this page.", float(readable))
        yield _gauge("realis_database_takes_writes", "0 if a write failed in the last seconds.", float(writable))
        yield _gauge(
            "realis_database_last_error_age_seconds",
            "Seconds since a write last failed.",
            self._database.since_failed_write_s(),
        )
        leases = None if self._record is None else float(self._record.leases)
        yield _gauge("realis_leases_held", "Leases that run, of all processes.", leases)

    def _of_the_queues(self, record: RecordFigures | None) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "realis_queue_targets", "Targets in batches that are not done.", labels=["channel", "state"]
        )
        age = GaugeMetricFamily(
            "realis_queue_oldest_age_seconds", "Since when the oldest batch could be sent.", labels=["channel"]
        )
        on_hold = GaugeMetricFamily("realis_channel_on_hold", "1 while a channel is on hold.", labels=["channel"])
        ended = CounterMetricFamily(
            "realis_targets_ended", "Final outcomes, of all processes.", labels=["channel", "state"]
        )
        if record is not None:
            for channel in sorted(
                {*self._channels, *record.queues, *record.on_hold, *(name for name, _ in record.ended)}
            ):
                queue = record.queues.get(channel, QueueFigures())
                for stage, number in (("open", queue.open), ("held", queue.held), ("claimed", queue.claimed)):
                    depth.add_metric([channel, stage], number)
                age.add_metric([channel], self._age_s(queue.oldest_due))
                on_hold.add_metric([channel], float(channel in record.on_hold))
                for state in sorted(TERMINAL_STATES):
                    ended.add_metric([channel, state.value], record.ended.get((channel, state), 0))
        yield from (depth, age, on_hold, ended)

    def _of_releases(self, record: RecordFigures | None) -> Iterator[Metric]:
        pending = None if record is None else float(record.pending_releases)
        overdue = None if record is None else self._age_s(record.oldest_release_due)
        yield _gauge("realis_releases_pending", "Decisions that are not issued yet.", pending)
        yield _gauge("realis_release_overdue_seconds", "How long the oldest of them should have been issued.", overdue)

    def _of_sending(self) -> Iterator[Metric]:
        sending = self._sending
        flying, breakers = (sending.in_flight(), sending.open_breakers()) if sending else ({}, {})
        yield _by_channel("realis_batches_in_flight", "Batches this process is sending.", flying)
        yield _by_channel("realis_circuit_breakers_open", "Origins this process leaves alone for now.", breakers)

    def _of_screens(self) -> Iterator[Metric]:
        screens = self._screens
        connected = None if screens is None else float(screens.connected)
        age_s = None if screens is None or screens.as_of is None else self._age_s(screens.as_of)
        yield _gauge("realis_screens_connected", "Screens connected to this gateway.", connected)
        yield _gauge("realis_screens_situation_age_seconds", "How old the state is that this gateway shows.", age_s)

    def _age_s(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self._clock.now() - since).total_seconds())


def _gauge(name: str, documentation: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels; without a sample where the value is not known here."""
    family = GaugeMetricFamily(name, documentation)
    if value is not None:
        family.add_metric([], value)
    return family


def _by_channel(name: str, documentation: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=["channel"])
    for channel, value in values.items():
        family.add_metric([channel], value)
    return family
