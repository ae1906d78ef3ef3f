"""A child process that encrypts and posts: jobs on standard input, reports on standard output.

It never outlives its parent: the end of its input ends it at once, and so does the end of the parent's process. It must
not import modules that depend on the database, alerts or the installation: a job contains all it needs.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Mapping

import uvloop

from channels.webpush.ipc import Job, Report, WorkerConfiguration, decode_hello, decode_job, encode_report, read_frame
from channels.webpush.job_runner import JobRunner
from realis.egress.policy import LoopbackOnly, Policy, PublicOnly
from realis.model.delivery import Outcome

POLICIES: Mapping[str, type[Policy]] = {"public": PublicOnly, "loopback": LoopbackOnly}
"""Policies by name. The parent names the one it was constructed with; there is no setting."""

BEAT_S = 1.0
"""Seconds between two heartbeats of a child."""

REPORT_EVERY = 32
"""Outcomes in one report: at most so many are lost with a child that crashes, besides those in flight."""

_PR_SET_PDEATHSIG = 1


def policy_name(policy: Policy) -> str:
    """Return the policy's name in ``POLICIES``. Raises ``ValueError`` for any other policy."""
    for name, kind in POLICIES.items():
        if type(policy) is kind:
            return name
    raise ValueError(f"{type(policy).__name__} cannot be named to a child process")


def main() -> None:
    """Serve the parent whose process id is the only argument."""
    _die_with(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        # Sent to the whole group by Ctrl-C or a service manager: the parent finishes the batches in flight, then ends
        # its children.
        signal.signal(number, signal.SIG_IGN)
    # Objects loaded by now are permanent, and those of a push seldom form cycles: collecting often costs time only.
    gc.freeze()
    gc.set_threshold(50_000)
    uvloop.run(_serve())
    # Immediately: requests still in flight cannot be reported any more.
    os._exit(0)


def _die_with(parent: int) -> None:
    """Let the kernel kill this process when the parent ends, however it ends (prctl(2), PR_SET_PDEATHSIG)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != parent:
        os._exit(1)


class _Reports:
    """Collects a job's outcomes and writes them ``REPORT_EVERY`` at a time."""

    def __init__(self, number: int, out: asyncio.WriteTransport) -> None:
        self._number = number
        self._out = out
        self._some: list[tuple[int, Outcome]] = []

    def tell(self, index: int, outcome: Outcome) -> None:
        self._some.append((index, outcome))
        if len(self._some) >= REPORT_EVERY:
            self.flush()

    def flush(self) -> None:
        if self._some:
            self._out.write(encode_report(Report(self._number, tuple(self._some))))
            self._some = []


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    jobs = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(jobs), sys.stdin.buffer)
    out, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout.buffer)
    first = await read_frame(jobs)
    if first is None:
        return
    async with asyncio.TaskGroup() as group:
        worker = _worker(decode_hello(first))
        beating = group.create_task(_beat(out), name="beat")
        working: set[asyncio.Task[None]] = set()
        while (frame := await read_frame(jobs)) is not None:
            task = group.create_task(_work(worker, decode_job(frame), out))
            working.add(task)
            task.add_done_callback(working.discard)
        for task in (beating, *working):
            task.cancel()
    worker.close()


def _worker(hello: WorkerConfiguration) -> JobRunner:
    return JobRunner(POLICIES[hello.policy](), trust=hello.trust)


async def _work(worker: JobRunner, job: Job, out: asyncio.WriteTransport) -> None:
    reports = _Reports(job.number, out)
    await worker.work(job, reports.tell)
    reports.flush()


async def _beat(out: asyncio.WriteTransport) -> None:
    while True:
        out.write(encode_report(Report()))
        await asyncio.sleep(BEAT_S)


if __name__ == "__main__":
    main()
