"""The whole program, killed in the middle of sending: promises 1 to 4 with a process that really dies."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from realis.storage import audit
from realis.storage.database import Database
from tests.acceptance.program import Post, child, until
from tests.fakes.push_service import phone
from tests.support.installation import Subscriber, ledger, revisions, seed, settings

ALTSTADT, HAFEN, NORDFELD = 1700, 400, 50
IN_FLIGHT = 4 * 500
"""Most pushes one process may have begun and not yet written down: lanes times batch."""

KILLS = 5


def crowd(origin: str, **sizes: int) -> list[Subscriber]:
    """So many phones in each place, each with keys of its own, in two languages."""
    return [
        Subscriber(phone(f"{origin}/{place}/{number}"), (place,), ("de", "ar")[number % 2])
        for place, size in sizes.items()
        for number in range(size)
    ]


def path(one: Subscriber) -> str:
    """A phone's endpoint as the service sees it."""
    return f"/{one.phone.endpoint.split('/', 3)[3]}"


def paths(crowd: Sequence[Subscriber], *places: str) -> set[str]:
    """The endpoints of the phones in these places."""
    return {path(one) for one in crowd if set(one.places) & set(places)}


def over(folder: Path, revision: int) -> bool:
    """Whether every dispatch of this revision is done, as the file says."""
    rows = [row for row in ledger(folder / "data" / "realis.db") if row[0] == revision]
    return bool(rows) and all(state == "sending" and planned == ended for _, _, state, planned, ended, _ in rows)


def reached(post: Post, count: int, folder: Path) -> bool:
    """Whether so many pushes arrived, or no more will come for the first revision."""
    return post.count >= count or over(folder, 1)


def kill_points(seed: int) -> Iterator[int]:
    """After how many further arrivals to kill: seeded, so that a failure can be repeated."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    while True:
        yield chance.randint(1, 900)


async def test_no_one_is_lost_when_the_program_is_killed_again_and_again(tmp_path: Path) -> None:
    """Five kills during a warning, one during the update that moves the area, one during the all-clear.

    Everybody planned hears every revision that was not overtaken, and the ending; a kill repeats at most what was
    in flight; nothing older follows anything newer; sums equal the plan; the audit chain holds.
    """
    points = kill_points(20260314)
    async with Post().open() as post:
        everyone = crowd(post.origin, altstadt=ALTSTADT, hafen=HAFEN, nordfeld=NORDFELD)
        warned, moved_to = paths(everyone, "altstadt"), paths(everyone, "altstadt", "hafen")
        await seed(settings(tmp_path), everyone)

        incident = ""
        for _ in range(KILLS):
            async with child(tmp_path) as running:
                seen = post.count
                if not incident:
                    incident = await running.order("alert", "-", "altstadt")
                await until(partial(reached, post, seen + next(points), tmp_path))
                assert await running.end(signal.SIGKILL) == -signal.SIGKILL

        async with child(tmp_path) as running:
            await until(lambda: over(tmp_path, 1))
            first = post.per_path()
            assert set(first) == warned
            assert max(first.values()) <= KILLS + 1
            assert sum(first.values()) - len(warned) <= KILLS * IN_FLIGHT

            before_update = post.count
            await running.order("update", incident, "hafen")
            await until(lambda: post.count >= before_update + 500)
            await running.end(signal.SIGKILL)
        async with child(tmp_path) as running:
            await until(lambda: post.count >= before_update + 900)
            await running.order("all_clear", incident, "hafen")
            before_kill = post.count
            await until(lambda: post.count >= before_kill + next(points))
            await running.end(signal.SIGKILL)
        async with child(tmp_path) as running:
            await until(lambda: over(tmp_path, 3))
            assert await running.end(signal.SIGTERM) == 0

    phones = {path(one): one.phone for one in everyone}
    heard: dict[str, list[bytes]] = {name: [] for name in phones}
    for name, body in post.arrivals:
        heard[name].append(body)
    for name in moved_to:
        order = revisions(phones[name], heard[name])
        assert order, f"{name} heard nothing"
        assert order[-1] == 3, f"{name} did not hear the ending: {order}"
        assert all(earlier <= later for earlier, later in pairwise(order)), f"{name} heard {order}"
        assert name not in warned or order[0] == 1
    assert not any(heard[name] for name in paths(everyone, "nordfeld"))
    await record_holds(tmp_path, entries=14)


async def record_holds(folder: Path, *, entries: int) -> None:
    """Every dispatch's outcomes add up to its plan, nothing is open, and the audit chain is whole."""
    file = folder / "data" / "realis.db"
    for revision, channel, state, planned, ended, still_open in ledger(file):
        assert (planned, still_open) == (ended, 0), f"revision {revision} on {channel} ({state})"
    database = Database(f"sqlite+aiosqlite:///{file}")
    try:
        verdict = await audit.verify(database)
    finally:
        await database.close()
    assert (verdict.broken_at, verdict.entries) == (0, entries)


async def test_a_clean_end_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """SIGTERM in the middle of sending: what is in flight is finished, exit code 0; the next start does the rest.

    Everybody gets the warning exactly once.
    """
    async with Post(delay_s=0.01).open() as post:
        everyone = crowd(post.origin, altstadt=1300)
        await seed(settings(tmp_path), everyone)
        async with child(tmp_path) as running:
            await running.order("alert", "-", "altstadt")
            await until(lambda: post.count >= 100)
            assert await running.end(signal.SIGTERM) == 0
        assert 100 <= post.count <= len(everyone)
        assert "Traceback" not in running.errors.read_text()
        async with child(tmp_path) as running:
            await until(lambda: over(tmp_path, 1))
            assert await running.end(signal.SIGTERM) == 0
    assert set(post.per_path().values()) == {1}
    assert post.count == len(everyone)
    await record_holds(tmp_path, entries=4)


async def test_a_program_that_has_nothing_to_do_ends_at_once(tmp_path: Path) -> None:
    """SIGTERM while idle and SIGTERM right after the start both end it with exit code 0."""
    for _ in range(2):
        async with child(tmp_path) as running:
            assert await running.end(signal.SIGTERM, bound_s=10) == 0
        assert "Traceback" not in running.errors.read_text()


async def test_a_push_service_that_hangs_does_not_keep_the_program_alive(tmp_path: Path) -> None:
    """SIGTERM while every push waits for an answer that never comes: it ends within its bound, and loses nobody."""
    async with Post(delay_s=3600).open() as post:
        everyone = crowd(post.origin, altstadt=100)
        await seed(settings(tmp_path), everyone)
        async with child(tmp_path) as running:
            await running.order("alert", "-", "altstadt")
            await until(lambda: post.count >= 10)
            assert await running.end(signal.SIGTERM, bound_s=45) == 0
        post.delay_s = 0
        async with child(tmp_path) as running:
            await until(lambda: over(tmp_path, 1))
    assert len(post.per_path()) == len(everyone)
    await record_holds(tmp_path, entries=4)
