"""The pool of worker processes: starts, feeds, watches and replaces them; none outlives the parent.

A child that crashes or hangs costs its own unreported targets an ``unknown`` or a retry, never more.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import msgspec
import structlog

from channels.webpush import worker_process
from channels.webpush.ipc import (
    FrameError,
    Job,
    WorkerConfiguration,
    decode_report,
    encode_hello,
    encode_job,
    read_frame,
)
from channels.webpush.worker_process import BEAT_S, REPORT_EVERY
from realis.model.delivery import Failed, FailureKind, Outcome
from realis.model.errors import ConfigurationError

log = structlog.get_logger(__name__)

_LOCK_POLL_S = 0.02
_NOT_READY = Failed(FailureKind.UNAVAILABLE, "Versandprozess nicht bereit, nicht gesendet")
_NEVER_BEGUN = Failed(FailureKind.UNAVAILABLE, "Versandprozess beendet, nicht gesendet")
_MAYBE_SENT = Failed(FailureKind.UNKNOWN, "Versandprozess beendet, vielleicht gesendet")


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Time-outs in seconds.

    Args:
        start_s: from a child's start to its first report.
        silence_s: without a report (a child sends one every second) before the child is replaced.
        job_s: for one job as a whole.
        lock_s: for children of an earlier run to end.
        pause_s: between two starts of a child that ends at once; doubles up to ten times that.
        close_s: for a child to end when the pool is closed.
    """

    start_s: float = 15.0
    silence_s: float = 6.0
    job_s: float = 90.0
    lock_s: float = 10.0
    pause_s: float = 0.2
    close_s: float = 2.0


class _Pending:
    """A job a child is running, and the outcomes reported so far."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.outcomes: list[Outcome | None] = [None] * len(job.targets)
        self.left = len(job.targets)
        self.done = asyncio.get_running_loop().create_future()

    def take(self, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        for index, outcome in outcomes:
            if index >= len(self.outcomes):
                raise FrameError("no such target")
            if self.outcomes[index] is None:
                self.outcomes[index] = outcome
                self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result(None)

    def abandon(self) -> None:
        """Give the other targets an outcome: ``unknown`` to those that may have been sent, a retry to the rest.

        A child begins targets in order, with a bounded number in flight and a bounded number not reported yet.
        """
        answered = len(self.outcomes) - self.left
        begun = answered + self.job.in_flight + REPORT_EVERY
        rest = [(at, _MAYBE_SENT if at < begun else _NEVER_BEGUN) for at, told in enumerate(self.outcomes) if not told]
        self.take(rest)

    def settled(self) -> list[Outcome]:
        return [outcome or _NEVER_BEGUN for outcome in self.outcomes]


class _WorkerProcess:
    """One running child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._descriptor = os.pidfd_open(process.pid)
        self.pending: dict[int, _Pending] = {}
        self.heard = time.monotonic()
        self.greeted = False

    @property
    def load(self) -> int:
        return sum(pending.left for pending in self.pending.values())

    def send(self, frame: bytes) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(frame)

    def kill(self) -> None:
        # By pidfd: the process id of a reaped child may have been given to another process.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    async def end(self) -> None:
        """Kill the child, give its targets an outcome, and wait for the process to end."""
        self.kill()
        self.abandon()
        await self.process.wait()
        os.close(self._descriptor)

    def abandon(self) -> None:
        for pending in self.pending.values():
            pending.abandon()
        self.pending.clear()


class WorkerPool:
    """Child processes that encrypt and post. ``start`` them, ``close`` them once.

    Args:
        number: of children; by default one for each core available to this process.
        lock: a file locked as long as any child is running. The next start waits for it, so that no child of an
            earlier run can still be sending.
        program: the command of a child; the parent's process id is appended.
    """

    def __init__(
        self,
        hello: WorkerConfiguration,
        *,
        number: int | None = None,
        lock: Path | None = None,
        bounds: PoolLimits | None = None,
        program: Sequence[str] = (sys.executable, "-m", worker_process.__name__),
    ) -> None:
        self._hello = hello
        self._number = number or len(os.sched_getaffinity(0))
        self._lock = lock
        self._bounds = bounds or PoolLimits()
        self._program = program
        self._held: int | None = None
        self._ready: dict[int, _WorkerProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._any_ready = asyncio.Event()
        self._numbers = count(1)
        self._closing = False

    @property
    def processes(self) -> tuple[int, ...]:
        """The process ids of the children that are ready."""
        return tuple(child.process.pid for child in self._ready.values())

    async def start(self) -> None:
        """Start them and wait until one is ready.

        Raises:
            ConfigurationError: children of an earlier run do not end, or new ones do not start.
        """
        async with self._starting:
            if self._keepers:
                return
            if self._lock is not None:
                self._held = await _locked(self._lock, self._bounds.lock_s)
            self._keepers = [
                asyncio.create_task(self._keep(slot), name=f"webpush.child.{slot}") for slot in range(self._number)
            ]
        if await self._least_busy() is None:
            raise ConfigurationError(
                "Die Versandprozesse für Push starten nicht.", remedy="Das Protokoll nennt den Grund."
            )

    async def work(self, job: Job) -> list[Outcome]:
        """Return one outcome per target of the job, in order, within ``job_s``."""
        await self.start()
        child = await self._least_busy()
        if child is None:
            return [_NOT_READY] * len(job.targets)
        pending = _Pending(job)
        number = next(self._numbers)
        child.pending[number] = pending
        child.send(encode_job(msgspec.structs.replace(job, number=number)))
        try:
            async with asyncio.timeout(self._bounds.job_s):
                await pending.done
        except TimeoutError:
            log.error("webpush_child_too_slow", pid=child.process.pid, left=pending.left)  # noqa: TRY400 - no trace
            child.kill()  # first, so that nothing is sent after its targets have an outcome
            pending.abandon()
        finally:
            child.pending.pop(number, None)
        return pending.settled()

    async def close(self) -> None:
        """End every child within ``close_s`` and release the lock."""
        self._closing = True
        for child in self._ready.values():
            if child.process.stdin is not None:
                child.process.stdin.close()
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=self._bounds.close_s)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None

    async def _least_busy(self) -> _WorkerProcess | None:
        """Return the ready child with the least load; None if none is ready within the bound."""
        try:
            async with asyncio.timeout(self._bounds.start_s):
                await self._any_ready.wait()
        except TimeoutError:
            return None
        return min(self._ready.values(), key=lambda child: child.load)

    async def _keep(self, slot: int) -> None:
        """Restart one child whenever it ends, with a doubling pause if it ends soon after its start."""
        pause_s = self._bounds.pause_s
        while not self._closing:
            started = time.monotonic()
            try:
                await self._live(slot)
            except (OSError, FrameError):
                log.exception("webpush_child_unusable", slot=slot)
            if self._closing:
                return
            log.error("webpush_child_ended", slot=slot)
            if time.monotonic() - started > self._bounds.start_s:
                pause_s = self._bounds.pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, self._bounds.pause_s * 10)

    async def _live(self, slot: int) -> None:
        """Run one child from its start to its end, then give its targets an outcome."""
        process = await asyncio.create_subprocess_exec(
            *self._program,
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=() if self._held is None else (self._held,),
            env=_environment(),
        )
        child = _WorkerProcess(process)
        watching = asyncio.create_task(self._watch(child), name=f"webpush.watch.{slot}")
        try:
            child.send(encode_hello(self._hello))
            await self._listen(slot, child)
        finally:
            self._ready.pop(slot, None)
            if not self._ready:
                self._any_ready.clear()
            watching.cancel()
            await child.end()

    async def _listen(self, slot: int, child: _WorkerProcess) -> None:
        if child.process.stdout is None:
            return
        while (frame := await read_frame(child.process.stdout)) is not None:
            child.heard = time.monotonic()
            report = decode_report(frame)
            if not child.greeted:
                child.greeted = True
                self._ready[slot] = child
                self._any_ready.set()
            # A report of a job that was abandoned is ignored: its targets have an outcome already.
            if (pending := child.pending.get(report.number)) is not None:
                pending.take(report.outcomes)

    async def _watch(self, child: _WorkerProcess) -> None:
        """Kill a child that sends no report in time; ``_listen`` then reads the end of its output."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            if now - before > 2 * BEAT_S:
                child.heard = now  # this process was suspended, not the child
            bound_s = self._bounds.silence_s if child.greeted else self._bounds.start_s
            if now - child.heard > bound_s:
                log.error("webpush_child_silent", pid=child.process.pid)
                child.kill()
                return


async def _locked(path: Path, within_s: float) -> int:
    """Return the descriptor of the lock, once every child of an earlier run has ended."""
    # A flock belongs to the open file, which the children inherit: it lasts until the last of them has ended.
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(held)
                raise ConfigurationError(
                    "Versandprozesse eines früheren Laufs sind noch nicht beendet.",
                    where=str(path),
                    remedy="Beenden Sie die Prozesse „channels.webpush.worker_process“ und starten Sie erneut.",
                ) from None
            await asyncio.sleep(_LOCK_POLL_S)
        else:
            return held


def _environment() -> Mapping[str, str]:
    """Return only the variables Python and TLS need: the parent's may contain secrets."""
    home = Path(worker_process.__file__).parents[2]
    wanted = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
    return {"PYTHONPATH": str(home), **{name: os.environ[name] for name in wanted if name in os.environ}}
