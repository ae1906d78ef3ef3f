"""Runs one job: encrypts each push and posts it, nearest first. In a child process, or in the parent for tests.

No database, no private key, and no clock but the job's ``now`` plus the time elapsed since it was received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice

from channels.webpush.batch_breaker import BatchBreaker
from channels.webpush.http_client import Endpoint, HttpClient, Reply
from channels.webpush.ipc import Job, Route
from channels.webpush.request_encryption import RequestEncryptor
from channels.webpush.responses import outcome_of
from realis.egress.policy import Policy
from realis.model.delivery import Failed, FailureKind, Outcome
from realis.model.errors import InvalidInput

OnReport = Callable[[int, Outcome], None]
"""Called exactly once for each target, with its index and outcome."""

_OWN_HEADERS = {"User-Agent": "REALIS", "Accept-Encoding": "identity"}
_NOT_TRIED = Failed(FailureKind.UNAVAILABLE, "nicht gesendet")
_WRITE_CHUNK = 8
"""Pushes begun before control returns to the event loop, which reads responses."""

_COALESCE_S = 0.002
"""Delay before refilling, so that several requests are written in one wake-up."""

_TOO_LATE = Failed(FailureKind.TIMEOUT, "Frist abgelaufen, nicht gesendet")


@dataclass(slots=True)
class _Service:
    """The data all pushes of the job to one service share."""

    sealer: RequestEncryptor
    peer: Endpoint
    head: str
    brake: BatchBreaker = field(default_factory=BatchBreaker)


class JobRunner:
    """Encrypts and posts the targets of jobs."""

    def __init__(self, policy: Policy, *, trust: str = "") -> None:
        self._policy = policy
        self._poster = HttpClient(policy, trust=trust)

    async def work(self, job: Job, tell: OnReport) -> None:
        """Send to every target of the job, in their order; returns when each has been reported."""
        await _Run(job, [self._service(job, route) for route in job.routes], self._poster, tell).run()

    def close(self) -> None:
        """Close all connections."""
        self._poster.close()

    def _service(self, job: Job, route: Route) -> _Service | Failed:
        try:
            sealer = RequestEncryptor(job.record, route.origin, self._policy)
        except InvalidInput as refused:
            return Failed(FailureKind.REJECTED, f"Adresse gesperrt: {refused.code}")
        url = sealer.url
        peer = Endpoint(url.raw_host or "", url.port or 443, url.scheme == "https")
        headers = {"Host": route.origin.partition("//")[2], **route.headers, **_OWN_HEADERS}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        return _Service(sealer, peer, "\r\n".join([*lines, "Content-Length: "]))


class InProcessSender:
    """``channels.webpush.channel.PushSender`` without child processes, for tests and small installations."""

    def __init__(self, policy: Policy, *, trust: str = "") -> None:
        self._worker = JobRunner(policy, trust=trust)

    async def start(self) -> None:
        """Nothing to do."""

    async def work(self, job: Job) -> list[Outcome]:
        """Return one outcome per target of the job, in order."""
        outcomes: list[Outcome] = [_NOT_TRIED] * len(job.targets)
        await self._worker.work(job, outcomes.__setitem__)
        return outcomes

    async def close(self) -> None:
        """Close all connections."""
        self._worker.close()


class _Run:
    """One running job: a bounded number of requests is in flight; each response makes room for the next."""

    def __init__(self, job: Job, services: list[_Service | Failed], poster: HttpClient, tell: OnReport) -> None:
        self._job = job
        self._services = services
        self._poster = poster
        self._tell = tell
        self._sealed = self._requests()
        self._out = 0
        self._spent = False
        self._refill: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Return when every target has an outcome."""
        for _ in range(_WRITE_CHUNK):
            self._fill(1)
            await asyncio.sleep(0)  # the first ones are written one by one, for the least time to the first push
        while not self._over.done() and not self._spent and self._out < self._job.in_flight:
            self._fill(_WRITE_CHUNK)
            await asyncio.sleep(0)
        await self._over

    def _fill(self, most: int) -> None:
        """Start more pushes, as far as there is room: encrypt all, then send, so that they are written together."""
        room = min(most, self._job.in_flight - self._out)
        for index, service, request in list(islice(self._sealed, room)):
            self._out += 1
            self._poster.post(service.peer, request, self._job.timeout_s, partial(self._answered, index, service))
        if self._out == 0 and not self._over.done():
            self._over.set_result(None)

    def _requests(self) -> Iterator[tuple[int, _Service, bytes]]:
        """Yield every target's request in turn, encrypted lazily; a target that cannot be sent to is reported."""
        for index, (route, address) in enumerate(self._job.targets):
            service = self._services[route]
            sealed = self._unsent(service) or _seal(service, address)
            if isinstance(sealed, Failed):
                self._tell(index, sealed)
            elif isinstance(service, _Service):
                path, body = sealed
                yield index, service, f"POST {path} HTTP/1.1\r\n{service.head}{len(body)}\r\n\r\n".encode() + body
        self._spent = True

    def _unsent(self, service: _Service | Failed) -> Failed | None:
        """Return why nothing may be sent to this service now, or None."""
        if isinstance(service, Failed):
            return service
        return _TOO_LATE if self._loop.time() - self._started >= self._job.left_s else service.brake.held

    def _answered(self, index: int, service: _Service, reply: Reply | Failed) -> None:
        if self._over.done():
            return  # the job was cancelled meanwhile
        self._out -= 1
        self._tell(index, service.brake.note(self._outcome(reply)))
        # Requests written together wake the server once; the delay for that is bounded by _COALESCE_S.
        if self._out == 0 or self._job.in_flight - self._out >= _WRITE_CHUNK:
            self._go_on()
        elif self._refill is None and not self._spent:
            self._refill = self._loop.call_later(_COALESCE_S, self._go_on)

    def _outcome(self, reply: Reply | Failed) -> Outcome:
        if isinstance(reply, Failed):
            return reply
        now = (
            self._job.now + timedelta(seconds=self._loop.time() - self._started) if reply.retry_after else self._job.now
        )
        return outcome_of(reply.status, reply.retry_after, now)

    def _go_on(self) -> None:
        if self._refill is not None:
            self._refill.cancel()
            self._refill = None
        if self._over.done():
            return
        try:
            self._fill(_WRITE_CHUNK)
        except Exception as error:  # noqa: BLE001 - called by the event loop: raised where ``run`` is awaited
            self._over.set_exception(error)


def _seal(service: _Service | Failed, address: str) -> tuple[str, bytes] | Failed:
    return service if isinstance(service, Failed) else service.sealer.seal(address)
