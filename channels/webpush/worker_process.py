"""A child process that seals and posts: jobs come in by its standard input, reports leave by its standard output.

It lives exactly as long as its parent wants: the end of its input ends it at once, and so does the parent's death.
It must not import anything that knows the database, alerts or the city: what it needs is in the job.
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
"""Policies a parent may name. The parent was given its own by injection; there is no setting."""

BEAT_S = 1.0
"""How often a child says that it lives."""

REPORT_EVERY = 32
"""Outcomes told at once: what a child that dies can take along, besides what is in flight."""

_PR_SET_PDEATHSIG = 1


def policy_name(policy: Policy) -> str:
    """The name a child knows a policy by. Raises ``ValueError`` for one that cannot be named."""
    for name, kind in POLICIES.items():
        if type(policy) is kind:
            return name
    raise ValueError(f"{type(policy).__name__} cannot be named to a child process")


def main() -> None:
    """Serve the parent whose process id is the only argument."""
    _die_with(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        # Sent to the whole group by Ctrl-C or a service manager: the parent finishes what is in flight, then ends us.
        signal.signal(number, signal.SIG_IGN)
    # What is loaded by now stays; what comes and goes with each push seldom has cycles to look for.
    gc.freeze()
    gc.set_threshold(50_000)
    uvloop.run(_serve())
    # Whatever is still in flight belongs to a parent that no longer listens.
    os._exit(0)


def _die_with(parent: int) -> None:
    """Ask the kernel to end us when the parent ends, however it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != parent:
        os._exit(1)


class _Reports:
    """Gathers a job's outcomes and tells some at a time."""

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
