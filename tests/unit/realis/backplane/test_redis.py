"""What a failing Redis costs: time, one line in the log, and nothing else."""

from __future__ import annotations

import asyncio
import time

import structlog

from realis.backplane.redis import RedisEvents, RedisLimits
from realis.ports.events import Topic
from tests.fakes.backplane import BOUND_S, QUICK, SINCE, hear, node, rest, until
from tests.fakes.redis_server import RedisServer, redis_server
from tests.support.pace import at_pace


async def test_without_redis_this_process_still_hears_itself() -> None:
    """A Redis that was never there keeps nothing from starting, and its loss is logged once."""
    with structlog.testing.capture_logs() as logs:
        async with RedisEvents("unix:///nonexistent/redis.sock", role="web", since=SINCE, bounds=QUICK) as events:
            heard = events.listen(Topic.WORK)
            before = time.monotonic()
            await events.publish(Topic.WORK)
            assert await hear(heard, 1) == [(Topic.WORK, "")]
            assert time.monotonic() - before < at_pace(0.1)
            await until(lambda: not events.connected)
            assert await events.here() == ()
            assert await rest(heard) == []
    assert [entry["event"] for entry in logs] == ["redis_lost"]


async def test_what_was_said_during_an_outage_is_heard_after_it() -> None:
    """Stop and start: every topic is hinted on both sides, what was unsaid is said, one line for each turn."""
    with redis_server() as server:
        async with node(server) as here, node(server) as there:
            heard = there.listen(*Topic)
            with structlog.testing.capture_logs() as logs:
                server.stop()
                await until(lambda: not here.connected and not there.connected)
                await here.publish(Topic.DESK, "meanwhile")
                server.start()
                await until(lambda: here.connected and there.connected)
                found = await rest(heard)
            assert {topic for topic, _ in found} == set(Topic)
            assert sorted(entry["event"] for entry in logs) == ["redis_back", "redis_back", "redis_lost", "redis_lost"]
            await here.publish(Topic.DESK, "again")
            assert await hear(heard, 1) == [(Topic.DESK, "again")]


async def test_an_emptied_redis_makes_everyone_look() -> None:
    """FLUSHALL is noticed within a beat: all topics are hinted, presence comes back, hints flow on."""
    with redis_server() as server:
        async with node(server) as here, node(server) as there:
            await here.publish(Topic.DESK)
            heard = there.listen(*Topic)
            assert server.command("FLUSHALL") == "OK"
            await hear(heard, len(Topic))
            await rest(heard)
            await here.publish(Topic.WORK, "on")
            assert await hear(heard, 1) == [(Topic.WORK, "on")]
            await seen(here, there="web", number=2)


async def test_a_redis_that_stops_answering_is_given_up() -> None:
    """A server frozen in the middle (no answer, connection open) blocks no publisher and is found again."""
    with redis_server() as server:
        bounds = RedisLimits(block_s=0.3, beat_s=0.1, answer_s=0.3, longest_wait_s=0.3)
        async with node(server, bounds=bounds) as here:
            server.freeze()
            await until(lambda: not here.connected)
            before = time.monotonic()
            await here.publish(Topic.WORK)
            assert time.monotonic() - before < at_pace(0.1)
            server.thaw()
            await until(lambda: here.connected)


async def test_a_reader_too_far_behind_looks_at_the_store_instead() -> None:
    """More hints than it reads at once become one for each topic, and it carries on from the newest."""
    with redis_server() as server:
        async with node(server, bounds=RedisLimits(read=5, block_s=0.5, beat_s=0.1)) as there:
            heard = there.listen(*Topic)
            say = "for i = 1, 20 do redis.call('XADD', 'realis:hints', '*', 'topic', 'desk', 'key', i, 'node', 'x') end"
            server.command("EVAL", say, "0")
            assert {topic for topic, _ in await hear(heard, len(Topic))} == set(Topic)
            await rest(heard)
            server.command("XADD", "realis:hints", "*", "topic", "work", "key", "k", "node", "x")
            assert await hear(heard, 1) == [(Topic.WORK, "k")]


async def test_a_hint_of_a_newer_version_is_passed_over(redis: RedisServer) -> None:
    """An unknown topic in the stream disturbs nobody."""
    async with node(redis) as there:
        heard = there.listen(*Topic)
        redis.command("XADD", "realis:hints", "*", "topic", "weather", "key", "", "node", "x")
        redis.command("XADD", "realis:hints", "*", "topic", "work", "key", "k", "node", "x")
        assert await hear(heard, 1) == [(Topic.WORK, "k")]


async def test_the_stream_stays_short(redis: RedisServer) -> None:
    """However much is said, Redis keeps about as much as is set."""
    async with node(redis, bounds=RedisLimits(kept=100, block_s=0.5, beat_s=0.1)) as here, node(redis) as there:
        heard = there.listen(Topic.SCREENS)
        for number in range(2_000):
            await here.publish(Topic.DELIVERY, str(number))
            if not number % 50:
                await asyncio.sleep(0)
        await here.publish(Topic.SCREENS, "end")
        await hear(heard, 1)
        assert int(redis.command("XLEN", "realis:hints")) < 1_000


async def seen(events: RedisEvents, *, there: str, number: int) -> None:
    """Wait until so many processes of a role are listed."""
    async with asyncio.timeout(BOUND_S):
        while sum(one.role == there for one in await events.here()) != number:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.02)


async def test_who_is_here(redis: RedisServer) -> None:
    """Each process is listed with role, host and since; one that ended is gone at once, one that died later."""
    redis.command("FLUSHALL")
    async with node(redis, "web") as here:
        async with node(redis, "worker"):
            assert [(one.role, one.since) for one in await here.here()] == [("web", SINCE), ("worker", SINCE)]
        assert [one.role for one in await here.here()] == ["web"]
        redis.command("SET", "realis:here:strange", "{}")
        assert [one.role for one in await here.here()] == ["web"]
        redis.command("SET", "realis:here:dead", redis.command("GET", "realis:here:" + here.node), "PX", "300")
        await seen(here, there="web", number=2)
        await seen(here, there="web", number=1)
