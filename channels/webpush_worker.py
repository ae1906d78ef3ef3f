"""Works off one job: seals each push and posts it, nearest first. Runs in a child process, or in ours for tests.

It opens no database, holds no key of ours and knows no time but what the job says and how long ago that was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from channels.webpush_answers import outcome_of
from channels.webpush_brake import Brake
from channels.webpush_frames import Job, Route
from channels.webpush_http import Peer, Poster
from channels.webpush_seal import Sealer
from realis.delivery import Failed, FailureKind, Outcome
from realis.egress_policy import Policy
from realis.errors import InvalidInput

Tell = Callable[[int, Outcome], None]
"""Hears what became of the target in this place; once for each."""

_OWN_HEADERS = {"User-Agent": "REALIS", "Accept-Encoding": "identity"}
_NOT_TRIED = Failed(FailureKind.UNAVAILABLE, "nicht gesendet")
_AT_ONCE = 8
"""Pushes begun before the loop may look at answers: the first ones one by one, so that they leave at once."""

_TOO_LATE = Failed(FailureKind.TIMEOUT, "Frist abgelaufen, nicht gesendet")


@dataclass(slots=True)
class _Service:
    """What all pushes of the job to one service share."""

    sealer: Sealer
    peer: Peer
    head: str
    brake: Brake = field(default_factory=Brake)


class Worker:
    """Seals and posts."""

    def __init__(self, policy: Policy, *, trust: str = "") -> None:
        self._policy = policy
        self._poster = Poster(policy, trust=trust)

    async def work(self, job: Job, tell: Tell) -> None:
        """Send to every target of the job, begun in their order."""
        await _Run(job, [self._service(job, route) for route in job.routes], self._poster, tell).run()

    def close(self) -> None:
        """Give back connections."""
        self._poster.close()

    def _service(self, job: Job, route: Route) -> _Service | Failed:
        try:
            sealer = Sealer(job.record, route.origin, self._policy)
        except InvalidInput as refused:
            return Failed(FailureKind.REJECTED, f"Adresse gesperrt: {refused.message}")
        url = sealer.url
        peer = Peer(url.raw_host or "", url.port or 443, url.scheme == "https")
        headers = {"Host": route.origin.partition("//")[2], **route.headers, **_OWN_HEADERS}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        return _Service(sealer, peer, "\r\n".join([*lines, "Content-Length: "]))


class InProcess:
    """``channels.webpush.Pusher`` without child processes, for tests and small installations."""

    def __init__(self, policy: Policy, *, trust: str = "") -> None:
        self._worker = Worker(policy, trust=trust)

    async def start(self) -> None:
        """Nothing to do."""

    async def work(self, job: Job) -> list[Outcome]:
        """One outcome per target of the job, in order."""
        outcomes: list[Outcome] = [_NOT_TRIED] * len(job.targets)
        await self._worker.work(job, outcomes.__setitem__)
        return outcomes

    async def close(self) -> None:
        """Give back connections."""
        self._worker.close()


class _Run:
    """One job being worked off."""

    def __init__(self, job: Job, services: list[_Service | Failed], poster: Poster, tell: Tell) -> None:
        self._job = job
        self._services = services
        self._poster = poster
        self._tell = tell
        self._slots = asyncio.Semaphore(job.in_flight)
        self._clock = asyncio.get_running_loop().time
        self._started = self._clock()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for index, (route, address) in enumerate(self._job.targets):
                await self._slots.acquire()
                service = self._services[route]
                sealed = self._unsent(service) or _seal(service, address)
                if isinstance(sealed, Failed):
                    self._slots.release()
                    self._tell(index, sealed)
                elif isinstance(service, _Service):
                    group.create_task(self._post(index, service, *sealed))
                    if index < _AT_ONCE or index % _AT_ONCE == 0:
                        await asyncio.sleep(0)  # let it leave before more are sealed

    def _unsent(self, service: _Service | Failed) -> Failed | None:
        """Why nothing may be sent to this service now, or None."""
        if isinstance(service, Failed):
            return service
        return _TOO_LATE if self._clock() - self._started >= self._job.left_s else service.brake.held

    async def _post(self, index: int, service: _Service, path: str, body: bytes) -> None:
        request = f"POST {path} HTTP/1.1\r\n{service.head}{len(body)}\r\n\r\n".encode() + body
        reply = await self._poster.post(service.peer, request, self._job.timeout_s)
        self._slots.release()
        outcome = reply if isinstance(reply, Failed) else outcome_of(reply.status, reply.retry_after, self._now())
        self._tell(index, service.brake.note(outcome))

    def _now(self) -> datetime:
        return self._job.now + timedelta(seconds=self._clock() - self._started)


def _seal(service: _Service | Failed, address: str) -> tuple[str, bytes] | Failed:
    return service if isinstance(service, Failed) else service.sealer.seal(address)
