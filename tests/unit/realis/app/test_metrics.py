"""Metrics: what is counted, what is read, that the labels stay bounded, and that a slow record delays nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from realis.app import web_application
from realis.app.metrics import BUCKETS_S, MAX_AUTHORITIES, Metrics
from realis.model.delivery import FailureKind, State
from realis.model.errors import StoreUnavailable
from realis.ports.metrics import IntakeResult, QueueFigures, RecordFigures, ScreenRefusal
from tests.data.cap import sample
from tests.fakes.clock import SettableClock
from tests.support.installation import installation

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class Record:
    """A record that answers with given figures, or not at all."""

    def __init__(self, figures: RecordFigures | None = None, *, delay_s: float = 0.0) -> None:
        self.figures, self.delay_s, self.asked = figures, delay_s, 0

    async def read(self) -> RecordFigures:
        """The figures, late or never."""
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        if self.figures is None:
            raise StoreUnavailable("store-unavailable")
        return self.figures

    async def takes_writes(self) -> bool:
        """Whether the last write worked."""
        return self.figures is not None

    def since_failed_write_s(self) -> float | None:
        """When a write last failed."""
        return None if self.figures is not None else 1.5


class Sending:
    """A dispatcher with two batches in flight."""

    def in_flight(self) -> Mapping[str, int]:
        """Two on push."""
        return {"push": 2}

    def open_breakers(self) -> Mapping[str, int]:
        """One on push."""
        return {"push": 1}


class Screens:
    """A gateway with seven screens that read the record three seconds ago."""

    connected = 7
    as_of = NOW - timedelta(seconds=3)


def metrics_of(record: Record, *, cache_s: float = 0.0, read_s: float = 2.0) -> Metrics:
    """Metrics over this record."""
    return Metrics(record.read, record, SettableClock(NOW), cache_s=cache_s, read_s=read_s)


def parsed(page: bytes) -> Samples:
    """Every sample of a page by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


async def scraped(metrics: Metrics) -> Samples:
    """What a Prometheus would see."""
    return parsed(await metrics.scrape())


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """One sample, or None where there is none."""
    return samples.get((name, frozenset(labels.items())))


async def test_a_batch_counts_every_target_once() -> None:
    """Accepted and failed targets by kind; latency of all accepted ones, and of the first of a dispatch."""
    metrics = metrics_of(Record(RecordFigures()))
    metrics.committed("push", accepted=400, failed={FailureKind.GONE: 3}, since_issue_s=0.2, first=True)
    metrics.committed("push", accepted=0, failed={FailureKind.UNAVAILABLE: 5}, since_issue_s=9.0, first=False)
    metrics.committed("push", accepted=100, failed={}, since_issue_s=7200.0, first=False)
    found = await scraped(metrics)
    assert value(found, "realis_outcomes_total", channel="push", kind="accepted") == 500
    assert value(found, "realis_outcomes_total", channel="push", kind="gone") == 3
    assert value(found, "realis_outcomes_total", channel="push", kind="unavailable") == 5
    assert value(found, "realis_acceptance_seconds_count", channel="push") == 500
    assert value(found, "realis_acceptance_seconds_sum", channel="push") == 400 * 0.2 + 100 * 7200
    assert value(found, "realis_first_acceptance_seconds_count", channel="push") == 1


async def test_a_latency_falls_into_the_first_bucket_that_holds_it() -> None:
    """Bounds are inclusive and counts cumulative, as Prometheus wants them."""
    metrics = metrics_of(Record(RecordFigures()))
    for seconds in (0.01, 0.011, 3600.0, 3600.1):
        metrics.committed("push", accepted=1, failed={}, since_issue_s=seconds, first=False)
    found = await scraped(metrics)
    counts = [value(found, "realis_acceptance_seconds_bucket", channel="push", le=str(bound)) for bound in BUCKETS_S]
    assert counts == [1, *[2] * (len(BUCKETS_S) - 2), 3]
    assert value(found, "realis_acceptance_seconds_bucket", channel="push", le="+Inf") == 4


async def test_the_record_is_told_as_it_stands() -> None:
    """Queues, holds, decisions and leases; a known channel without work shows zero."""
    queues = {"push": QueueFigures(open=900, held=20, claimed=500, oldest_due=NOW - timedelta(seconds=42))}
    record = Record(
        RecordFigures(
            queues=queues,
            ended={("push", State.EXPIRED): 9},
            on_hold=frozenset({"post"}),
            pending_releases=2,
            oldest_release_due=NOW - timedelta(seconds=8),
            leases=1,
        )
    )
    metrics = metrics_of(record)
    metrics.watch(channels=("push", "post"))
    found = await scraped(metrics)
    assert [value(found, "realis_queue_targets", channel="push", state=of) for of in ("open", "held", "claimed")] == [
        900,
        20,
        500,
    ]
    assert value(found, "realis_queue_targets", channel="post", state="open") == 0
    assert value(found, "realis_queue_oldest_age_seconds", channel="push") == 42
    assert value(found, "realis_targets_ended_total", channel="push", state="expired") == 9
    assert [value(found, "realis_channel_on_hold", channel=name) for name in ("push", "post")] == [0, 1]
    assert (value(found, "realis_releases_pending"), value(found, "realis_release_overdue_seconds")) == (2, 8)
    assert (value(found, "realis_leases_held"), value(found, "realis_database_readable")) == (1, 1)


async def test_counters_exist_before_the_first_event() -> None:
    """Prometheus sees no increase in a series that begins with the event: all of a channel begin at zero."""
    metrics = metrics_of(Record(RecordFigures()))
    metrics.watch(channels=("push",))
    found = await scraped(metrics)
    for kind in ("accepted", *FailureKind):
        assert value(found, "realis_outcomes_total", channel="push", kind=str(kind)) == 0
    assert value(found, "realis_targets_ended_total", channel="push", state="expired") == 0
    assert value(found, "realis_commits_refused_total", channel="push") == 0
    assert value(found, "realis_acceptance_seconds_count", channel="push") == 0
    assert value(found, "realis_screens_refused_total", reason="full") == 0


async def test_what_is_not_due_is_not_late() -> None:
    """A retry or a decision whose time has not come has no age."""
    soon = NOW + timedelta(seconds=10)
    figures = RecordFigures(queues={"push": QueueFigures(open=1, oldest_due=soon)}, oldest_release_due=soon)
    found = await scraped(metrics_of(Record(figures)))
    assert value(found, "realis_queue_oldest_age_seconds", channel="push") == 0
    assert value(found, "realis_release_overdue_seconds") == 0


async def test_a_process_shows_only_what_it_plays() -> None:
    """Without dispatcher, gateway and Redis there are no samples of them; with them there are."""
    metrics = metrics_of(Record(RecordFigures()))
    found = await scraped(metrics)
    names = ("realis_screens_connected", "realis_screens_situation_age_seconds", "realis_redis_connected")
    assert [value(found, name) for name in names] == [None, None, None]
    metrics.watch(sending=Sending(), screens=Screens(), redis_connected=lambda: False)
    found = await scraped(metrics)
    assert [value(found, name) for name in names] == [7, 3, 0]
    assert value(found, "realis_batches_in_flight", channel="push") == 2
    assert value(found, "realis_circuit_breakers_open", channel="push") == 1


async def test_a_record_that_cannot_be_read_costs_only_its_figures() -> None:
    """Away or slow: the page comes all the same, with the counters, and says that it could not read."""
    for record in (Record(None), Record(RecordFigures(), delay_s=30.0)):
        metrics = metrics_of(record, read_s=0.05)
        metrics.commit_refused("push")
        async with asyncio.timeout(5):
            found = await scraped(metrics)
        assert value(found, "realis_database_readable") == 0
        assert value(found, "realis_releases_pending") is None
        assert value(found, "realis_commits_refused_total", channel="push") == 1
    assert value(await scraped(metrics_of(Record(None))), "realis_database_takes_writes") == 0
    assert value(await scraped(metrics_of(Record(None))), "realis_database_last_error_age_seconds") == 1.5


async def test_many_scrapes_ask_the_record_once() -> None:
    """However many ask within a second, and however slow the answer is."""
    record = Record(RecordFigures(), delay_s=0.05)
    metrics = metrics_of(record, cache_s=60.0)
    pages = await asyncio.gather(*(metrics.scrape() for _ in range(20)))
    assert len(set(pages)) == 1
    assert record.asked == 1


async def test_authorities_are_counted_by_name_up_to_a_bound() -> None:
    """A token's label is a label here; those beyond the bound and requests without a token share one each."""
    metrics = metrics_of(Record(RecordFigures()))
    for number in range(MAX_AUTHORITIES + 5):
        metrics.received(f"Behörde {number}", IntakeResult.ACCEPTED)
    metrics.received("Behörde 0", IntakeResult.ACCEPTED)
    metrics.received("", IntakeResult.REFUSED)
    found = await scraped(metrics)
    assert value(found, "realis_intake_messages_total", authority="Behörde 0", result="accepted") == 2
    assert value(found, "realis_intake_messages_total", authority="other", result="accepted") == 5
    assert value(found, "realis_intake_messages_total", authority="unknown", result="refused") == 1
    counted = [name for name, _ in found if name == "realis_intake_messages_total"]
    assert len(counted) == MAX_AUTHORITIES + 2


async def test_two_installations_in_one_process_count_apart() -> None:
    """Each has a registry of its own."""
    first, second = metrics_of(Record(RecordFigures())), metrics_of(Record(RecordFigures()))
    first.screen_refused(ScreenRefusal.FULL)
    assert value(await scraped(first), "realis_screens_refused_total", reason="full") == 1
    assert value(await scraped(second), "realis_screens_refused_total", reason="full") == 0


async def test_a_running_installation_tells_what_it_did(tmp_path: Path) -> None:
    """A warning in the feeds and a message of an authority are seen on the page; from outside there is no page."""
    async with installation(tmp_path) as here, ClientSession() as session:
        await here.finished(await here.issue(here.content(channels=("feeds",))))
        told = {"Authorization": f"Bearer {here.authority_token}", "Content-Type": "application/cap+xml"}
        async with session.post(
            f"{here.url}/api/v1/intake/cap", data=sample("all_clear_double_escaped"), headers=told
        ) as answer:
            assert answer.status == 201
        async with session.get(f"{here.url}/metrics") as answer:
            assert answer.status == 200
            found = parsed(await answer.read())
        assert value(found, "realis_outcomes_total", channel="feeds", kind="accepted") == 1
        assert value(found, "realis_first_acceptance_seconds_count", channel="feeds") == 1
        assert value(found, "realis_targets_ended_total", channel="feeds", state="accepted") == 1
        assert value(found, "realis_intake_messages_total", authority="Kreisleitstelle", result="accepted") == 1
        assert value(found, "realis_screens_connected") == 0
        assert value(found, "realis_batches_in_flight", channel="webpush") == 0
        async with session.get(f"{here.url}/metrics", headers={"X-Forwarded-For": "10.0.0.7"}) as answer:
            assert answer.status == 404
        async with session.get(f"http://127.0.0.1:{here.app.gateway.port}/metrics") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/plain"
            assert value(parsed(await answer.read()), "realis_screens_connected") == 0


async def test_a_process_without_pages_serves_its_metrics_beside_its_health(tmp_path: Path) -> None:
    """As a worker of several machines does on its port."""
    async with (
        installation(tmp_path) as here,
        TestServer(web_application.health_only(here.core)) as server,
        ClientSession() as session,
    ):
        async with session.get(server.make_url("/metrics")) as answer:
            assert value(parsed(await answer.read()), "realis_database_readable") == 1
        async with session.get(server.make_url("/metrics"), headers={"Via": "1.1 proxy"}) as answer:
            assert answer.status == 404
