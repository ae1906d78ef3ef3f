"""Pushes through child processes: killed, stopped, mad or orphaned, they lose nothing. Counts arrivals at the peer."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from channels.webpush.channel import WebPush
from channels.webpush.ipc import WorkerConfiguration
from channels.webpush.worker_pool import PoolLimits, WorkerPool
from channels.webpush.worker_process import REPORT_EVERY, policy_name
from realis.egress.client import Egress
from realis.egress.policy import Configured, LoopbackOnly, PublicOnly
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.model.errors import ConfigurationError
from realis.ports.channel import Target
from tests.fakes.push_service import PeerVapid, Phone, PushService
from tests.support.pace import at_pace
from tests.unit.channels.webpush.samples import MESSAGE, StandingClock

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 20.0
IN_FLIGHT = 16
QUICK = PoolLimits(start_s=10, silence_s=3, lock_s=0.3)


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    """A push service."""
    async with PushService() as running:
        yield running


@asynccontextmanager
async def channel(children: WorkerPool, *, timeout_s: float = 5.0) -> AsyncIterator[WebPush]:
    """The channel over these children; loopback counts as one of the big services."""
    opened = WebPush(
        Egress(LoopbackOnly()),
        PeerVapid(),
        StandingClock(),
        pusher=children,
        known=lambda host: True,
        in_flight=IN_FLIGHT,
        timeout_s=timeout_s,
    )
    try:
        yield opened
    finally:
        await opened.close()


def loopback(number: int = 1, bounds: PoolLimits = QUICK, **more: object) -> WorkerPool:
    """Children that may connect to this machine."""
    return WorkerPool(WorkerConfiguration("loopback"), number=number, bounds=bounds, **more)  # type: ignore[arg-type]


async def until(what: Callable[[], bool]) -> None:
    """Wait, bounded, for something to become true."""
    async with asyncio.timeout(WITHIN_S):
        while not what():  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.005)


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def environment_of(pid: int) -> bytes:
    """What a process was given."""
    return Path(f"/proc/{pid}/environ").read_bytes()


def crowd(service: PushService, count: int) -> tuple[dict[str, Phone], list[Target]]:
    """Phones by path, and as targets."""
    phones = [service.phone(str(number)) for number in range(count)]
    by_path = {f"/push/{number}": phone for number, phone in enumerate(phones)}
    return by_path, [phone.target(number) for number, phone in enumerate(phones)]


async def test_every_phone_reads_its_own_warning(service: PushService) -> None:
    """Two children share the work; outcomes stand in the targets' order; each body is for its phone."""
    phones, targets = crowd(service, 300)
    service.by_path = {"/push/7": 410, "/push/123": 500}
    async with channel(loopback(2)) as push:
        halves = await asyncio.gather(push.send(MESSAGE, targets[:150]), push.send(MESSAGE, targets[150:]))
    outcomes = [*halves[0], *halves[1]]
    assert {at: outcome.kind for at, outcome in enumerate(outcomes) if isinstance(outcome, Failed)} == {
        7: FailureKind.GONE,
        123: FailureKind.UNAVAILABLE,
    }
    assert sorted(arrival.path for arrival in service.arrivals) == sorted(phones)
    for arrival in service.arrivals:
        assert json.loads(phones[arrival.path].read(arrival.body))["notification"]["tag"] == str(MESSAGE.incident)


async def test_a_child_killed_in_the_middle_loses_nothing(service: PushService) -> None:
    """Whoever may have been reached is unknown, whoever cannot have been is not sent; a new child takes over."""
    _, targets = crowd(service, 500)
    children = loopback()
    async with channel(children) as push:
        await push.start()
        (before,) = children.processes
        sending = asyncio.create_task(push.send(MESSAGE, targets))
        await until(lambda: len(service.arrivals) > 100)
        os.kill(before, signal.SIGKILL)
        outcomes = await asyncio.wait_for(sending, WITHIN_S)
        _only_what_may_have_arrived_is_unknown(service, outcomes)
        assert len(outcomes) == 500
        retry = [target for target, outcome in zip(targets, outcomes, strict=True) if isinstance(outcome, Failed)]
        assert all(isinstance(outcome, Accepted) for outcome in await push.send(MESSAGE, retry))
        assert children.processes != (before,)
    arrived = [arrival.path for arrival in service.arrivals]
    assert len(set(arrived)) == 500
    assert len(arrived) - 500 <= IN_FLIGHT + REPORT_EVERY


def _only_what_may_have_arrived_is_unknown(service: PushService, outcomes: object) -> None:
    assert isinstance(outcomes, list)
    arrived = {int(arrival.path.rpartition("/")[2]) for arrival in service.arrivals}
    by_kind: dict[str, set[int]] = {}
    for at, outcome in enumerate(outcomes):
        by_kind.setdefault(outcome.kind if isinstance(outcome, Failed) else "accepted", set()).add(at)
    assert by_kind["accepted"] <= arrived
    assert not by_kind["unavailable"] & arrived
    assert arrived - by_kind["accepted"] <= by_kind["unknown"]
    assert len(by_kind["unknown"]) <= IN_FLIGHT + REPORT_EVERY
    assert set(by_kind) == {"accepted", "unknown", "unavailable"}


async def test_a_child_that_stops_is_replaced(service: PushService) -> None:
    """Frozen by SIGSTOP it is killed after a bound of silence; its targets get outcomes."""
    _, targets = crowd(service, 400)
    children = loopback()
    async with channel(children) as push:
        await push.start()
        (frozen,) = children.processes
        sending = asyncio.create_task(push.send(MESSAGE, targets))
        await until(lambda: len(service.arrivals) > 100)
        os.kill(frozen, signal.SIGSTOP)
        _only_what_may_have_arrived_is_unknown(service, await asyncio.wait_for(sending, WITHIN_S))
        await until(lambda: gone(frozen))
        assert await push.send(MESSAGE, targets[:1]) == [Accepted()]


async def test_an_idle_child_that_dies_is_replaced_before_it_is_needed(service: PushService) -> None:
    """Nobody notices."""
    _, targets = crowd(service, 1)
    children = loopback(2)
    async with channel(children) as push:
        await push.start()
        await until(lambda: len(children.processes) == 2)
        before = children.processes
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: gone(before[0]) and len(children.processes) == 2 and before[0] not in children.processes)
        assert await push.send(MESSAGE, targets) == [Accepted()]


async def test_signals_to_the_whole_group_leave_children_to_their_parent(service: PushService) -> None:
    """SIGTERM and Ctrl-C reach everyone in the group; what is in flight is finished all the same."""
    _, targets = crowd(service, 300)
    children = loopback()
    async with channel(children) as push:
        await push.start()
        sending = asyncio.create_task(push.send(MESSAGE, targets))
        await until(lambda: len(service.arrivals) > 20)
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(children.processes[0], number)
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.wait_for(sending, WITHIN_S))


async def test_closing_ends_the_children_within_a_bound(service: PushService) -> None:
    """Also one that is frozen; the lock is free afterwards."""
    children = loopback(2, PoolLimits(close_s=0.5))
    async with channel(children) as push:
        await push.start()
        await until(lambda: len(children.processes) == 2)
        pids = children.processes
        os.kill(pids[0], signal.SIGSTOP)
        started = time.monotonic()
    assert time.monotonic() - started < at_pace(3)
    assert all(gone(pid) for pid in pids)


async def test_a_service_that_never_answers_costs_one_timeout(service: PushService) -> None:
    """The child goes on living and saying so; what is in flight is unknown, the rest was never sent."""
    service.mode = "hang"
    _, targets = crowd(service, 100)
    children = loopback()
    async with channel(children, timeout_s=0.5) as push:
        await push.start()
        before = children.processes
        outcomes = await push.send(MESSAGE, targets)
        kinds = [outcome.kind for outcome in outcomes if isinstance(outcome, Failed)]
        assert kinds.count(FailureKind.UNKNOWN) == len(service.arrivals)
        assert kinds.count(FailureKind.TIMEOUT) == 100 - len(service.arrivals)
        assert children.processes == before


async def test_nothing_is_sent_after_the_deadline(service: PushService) -> None:
    """The child measures what is left, whatever its own clock says."""
    _, targets = crowd(service, 3)
    async with channel(loopback()) as push:
        (first, *_) = await push.send(replace(MESSAGE, deadline=StandingClock().now()), targets)
    assert isinstance(first, Failed)
    assert first.kind is FailureKind.TIMEOUT
    assert service.arrivals == []


async def test_a_child_that_does_not_end_its_job_is_ended(service: PushService) -> None:
    """The bound of a job holds even if everything else says that all is well."""
    service.mode = "hang"
    _, targets = crowd(service, 5)
    async with channel(loopback(bounds=replace(QUICK, job_s=0.5))) as push:
        outcomes = await asyncio.wait_for(push.send(MESSAGE, targets), WITHIN_S)
    assert {outcome.kind for outcome in outcomes if isinstance(outcome, Failed)} == {FailureKind.UNKNOWN}


PROGRAMS = {
    "ends at once": "",
    "says nothing": "import time; time.sleep(60)",
    "speaks nonsense": "import sys, time; sys.stdout.write('HTTP/1.1 200 OK'); sys.stdout.flush(); time.sleep(60)",
    "claims a frame without end": "import sys, time; sys.stdout.buffer.write(b'\\xff' * 9); time.sleep(60)",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
async def test_children_that_do_not_work_stop_the_start(program: str) -> None:
    """A clear error within the bound, not a warning that waits for ever."""
    bounds = PoolLimits(start_s=0.5, silence_s=0.5, close_s=0.5)
    children = loopback(bounds=bounds, program=(sys.executable, "-c", program))
    with pytest.raises(ConfigurationError, match="Versandprozesse"):
        await asyncio.wait_for(children.start(), WITHIN_S)
    await asyncio.wait_for(children.close(), WITHIN_S)


async def test_a_child_that_lies_about_its_targets_is_replaced(service: PushService) -> None:
    """An outcome for a target that is not in the job ends the child; its own targets are settled."""
    liar = (
        "import sys, json, struct\n"
        "def say(x):\n"
        "    b = json.dumps(x).encode(); sys.stdout.buffer.write(struct.pack('>I', len(b)) + b); sys.stdout.flush()\n"
        "say(['report', 0, [], []])\n"
        "n = struct.unpack('>I', sys.stdin.buffer.read(4))[0]; sys.stdin.buffer.read(n); sys.stdin.buffer.read(4)\n"
        "say(['report', 1, [0, 99], []])\n"
        "import time; time.sleep(60)\n"
    )
    _, targets = crowd(service, 3)
    async with channel(loopback(program=(sys.executable, "-c", liar))) as push:
        outcomes: list[Outcome] = list(await asyncio.wait_for(push.send(MESSAGE, targets), WITHIN_S))
    assert [outcome.kind for outcome in outcomes[1:] if isinstance(outcome, Failed)] == [FailureKind.UNKNOWN] * 2


@pytest.mark.parametrize("frame", [b"", b"\x00\x00\x00\x02{]", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}", b"GET / "])
def test_a_child_that_is_told_nonsense_ends(frame: bytes) -> None:
    """It does not guess."""
    ended = subprocess.run(
        [sys.executable, "-m", "channels.webpush.worker_process", str(os.getpid())],
        cwd=ROOT,
        input=frame,
        capture_output=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert (ended.returncode == 0) == (frame == b"")


ORPHANED = """
import asyncio, sys
from pathlib import Path
from channels.webpush.worker_pool import WorkerPool
from channels.webpush.ipc import WorkerConfiguration
async def main():
    children = WorkerPool(WorkerConfiguration("loopback"), number=2, lock=Path(sys.argv[1]))
    await children.start()
    while len(children.processes) < 2:
        await asyncio.sleep(0.01)
    print(*children.processes, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("frozen", [False, True])
async def test_no_child_outlives_its_parent(tmp_path: Path, *, frozen: bool) -> None:
    """kill -9 of the parent ends every child, even a frozen one; only then is the lock free."""
    lock = tmp_path / "push.lock"
    parent = subprocess.Popen(  # noqa: ASYNC220 - it is meant to be killed
        [sys.executable, "-c", ORPHANED, str(lock)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        pids = [int(word) for word in (await asyncio.to_thread(parent.stdout.readline)).split()]
        assert len(pids) == 2
        with lock.open("r+") as held, pytest.raises(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if frozen:
            os.kill(pids[0], signal.SIGSTOP)
        parent.kill()
        await until(lambda: all(gone(pid) for pid in pids))
    with lock.open("r+") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_who_starts_later_waits_for_the_children_of_who_came_before(tmp_path: Path) -> None:
    """While one of them lives nobody else sends; the error says what to do."""
    lock = tmp_path / "push.lock"
    first, second = loopback(lock=lock), loopback(lock=lock)
    await first.start()
    with pytest.raises(ConfigurationError, match="früheren Laufs"):
        await second.start()
    await first.close()
    await second.start()
    await second.close()


async def test_children_hold_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither settings from the environment nor files of ours but the lock."""
    monkeypatch.setenv("REALIS_TELEGRAM__TOKEN", "987:very-secret")
    children = loopback()
    await children.start()
    (pid,) = children.processes
    try:
        assert b"very-secret" not in environment_of(pid)
    finally:
        await children.close()


def test_only_policies_with_a_name_reach_a_child() -> None:
    """The operator's own services are none of its business."""
    assert (policy_name(PublicOnly()), policy_name(LoopbackOnly())) == ("public", "loopback")
    with pytest.raises(ValueError, match="Configured"):
        policy_name(Configured({"example.org"}))
