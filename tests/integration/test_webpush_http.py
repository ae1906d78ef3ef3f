"""The small HTTP client against a server that says exactly what it is told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from channels.webpush.channel import WebPush
from channels.webpush.http_client import Endpoint, HttpClient, Reply
from channels.webpush.ipc import Job
from realis.egress.client import Egress
from realis.egress.policy import LoopbackOnly, PublicOnly
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.ports.channel import Target
from tests.fakes.push_service import PeerVapid, PushService
from tests.support.pace import at_pace
from tests.unit.channels.webpush.samples import MESSAGE, StandingClock

REQUEST = b"POST /push/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
BOUND_S = 20.0


@dataclass(slots=True)
class Raw:
    """A server that answers every request with the same bytes; ``connections`` counts."""

    answer: bytes
    hang_up: bool = False
    connections: int = 0
    requests: int = 0
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self._writers.append(writer)
        while await reader.read(len(REQUEST)):
            self.requests += 1
            writer.write(self.answer)
            if self.hang_up:
                writer.close()
                return


@asynccontextmanager
async def raw(answer: bytes, *, hang_up: bool = False) -> AsyncIterator[Raw]:
    """Such a server, running."""
    running = Raw(answer, hang_up)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        for writer in running._writers:
            writer.close()


def post(poster: HttpClient, peer: Endpoint, timeout_s: float) -> asyncio.Future[Reply | Failed]:
    """One request, and what is heard of it."""
    answer: asyncio.Future[Reply | Failed] = asyncio.get_running_loop().create_future()
    poster.post(peer, REQUEST, timeout_s, answer.set_result)
    return answer


async def ask(server: Raw, poster: HttpClient | None = None, timeout_s: float = 0.5) -> Reply | Failed:
    """One request."""
    own = poster or HttpClient(LoopbackOnly())
    try:
        return await asyncio.wait_for(post(own, Endpoint("127.0.0.1", server.port, False), timeout_s), BOUND_S)
    finally:
        if poster is None:
            own.close()


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", Reply(201)),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Reply(201)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(204)),
        (b"HTTP/1.1 429 Slow\r\nretry-after:  30 \r\nContent-Length: 0\r\n\r\n", Reply(429, "30")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", Reply(410)),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\npart", Reply(201)),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 999999\r\n\r\n" + b"x" * 90_000, Reply(201)),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", Reply(302)),
    ],
)
async def test_a_status_stands_whatever_follows_it(answer: bytes, reply: Reply) -> None:
    """Bodies of every form, interim answers, an end that never comes, a redirect that is not followed."""
    async with raw(answer) as server:
        assert await ask(server) == reply
        assert server.requests == 1


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 20", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 2x1 Hm\r\n\r\n"]
)
@pytest.mark.parametrize("hang_up", [False, True])
async def test_no_status_is_unknown_in_time_and_sent_once(answer: bytes, *, hang_up: bool) -> None:
    """The service may have taken it; nobody repeats it here."""
    async with raw(answer, hang_up=hang_up) as server:
        started = time.monotonic()
        outcome = await ask(server)
        assert time.monotonic() - started < at_pace(2)
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.UNKNOWN
        assert server.requests == 1


async def test_a_connection_is_used_again() -> None:
    """One for many requests, unless the server asks for another."""
    for extra, expected in ((b"", 1), (b"Connection: close\r\n", 5)):
        async with raw(b"HTTP/1.1 201 Created\r\n" + extra + b"Content-Length: 0\r\n\r\n") as server:
            poster = HttpClient(LoopbackOnly())
            for _ in range(5):
                assert await ask(server, poster) == Reply(201)
            assert server.connections == expected
            poster.close()


async def test_what_a_server_says_unasked_is_never_the_next_answer() -> None:
    """An answer too many ends the connection."""
    once = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    async with raw(once + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n") as server:
        poster = HttpClient(LoopbackOnly())
        assert [await ask(server, poster) for _ in range(3)] == [Reply(201)] * 3
        assert server.connections == 3
        poster.close()


async def test_the_address_is_checked_at_the_socket() -> None:
    """Whatever the name says: a public policy opens nothing inside."""
    async with raw(b"") as server:
        for host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
            outcome = await post(HttpClient(PublicOnly()), Endpoint(host, server.port, False), 1.0)
            assert isinstance(outcome, Failed)
            assert outcome.kind is FailureKind.REJECTED
        assert server.connections == 0


class NoPusher:
    """A pusher nobody may use."""

    async def start(self) -> None:
        """Nothing."""

    async def work(self, job: Job) -> list[Outcome]:
        """Never."""
        raise AssertionError(f"{len(job.targets)} strangers on the fast way")

    async def close(self) -> None:
        """Nothing."""


async def test_unknown_hosts_never_take_the_fast_way() -> None:
    """Not by their stored origin, not without one, not by claiming a known service's origin."""
    async with PushService() as stranger:
        channel = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(), pusher=NoPusher())
        phone = stranger.phone("a")
        targets = [phone.target(1), Target(2, phone.address, "de", stranger.origin)]
        assert await channel.send(MESSAGE, targets) == [Accepted(), Accepted()]
        await channel.close()
        claiming = WebPush(Egress(LoopbackOnly()), PeerVapid(), StandingClock(), known=lambda host: host == "localhost")
        false_origin = Target(3, phone.address, "de", "http://localhost:1")
        (outcome,) = await claiming.send(MESSAGE, [false_origin])
        await claiming.close()
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.REJECTED
        assert len(stranger.arrivals) == 2
