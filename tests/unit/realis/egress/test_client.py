"""The guarded way out: what it tells apart, and that nothing refused ever arrives."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from realis.egress.client import Egress
from realis.egress.failures import Blocked, MaybeSent, NotSent
from realis.egress.policy import Address, LoopbackOnly, PublicOnly
from tests.fakes.push_service import PushService


class OneAddress(AbstractResolver):
    """Answers every name with one address and port, as a hostile name server would."""

    def __init__(self, port: int, *hosts: str) -> None:
        self._port, self._hosts = port, hosts
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The address, whatever was asked."""
        self.asked += 1
        return [
            ResolveResult(
                hostname=host, host=address, port=self._port, flags=0, proto=0,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in self._hosts
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A bare TCP listener; the list grows by one for every connection that arrives."""
    seen: list[bytes] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(b"connected")
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


class EverythingPublic(PublicOnly):
    """The same policy with an open socket check: the control that shows the check is what holds."""

    def allows(self, address: Address) -> bool:
        """Anything."""
        return True


async def test_a_name_that_resolves_to_loopback_reaches_nothing(listener: tuple[int, list[bytes]]) -> None:
    """DNS rebinding: the name passes, the address is refused at the socket, no connection arrives."""
    port, seen = listener
    for hosts in (("127.0.0.1",), ("127.0.0.1", "::1"), ("::ffff:127.0.0.1",)):
        egress = Egress(PublicOnly(), resolver=OneAddress(port, *hosts))
        with pytest.raises(Blocked):
            await egress.post("https://push.example.org/x", data=b"x")
        await egress.close()
    assert seen == []


async def test_without_the_socket_check_the_same_name_would_arrive(listener: tuple[int, list[bytes]]) -> None:
    """The control for the test above: an open policy does connect, and fails only in TLS."""
    port, seen = listener
    egress = Egress(EverythingPublic(), resolver=OneAddress(port, "127.0.0.1"))
    with pytest.raises(NotSent):
        await egress.post("https://push.example.org/x", data=b"x")
    await egress.close()
    assert seen == [b"connected"]


async def test_a_refused_url_is_blocked_before_any_name_is_asked() -> None:
    """Even a stored address that no longer fits the policy never reaches name resolution."""
    resolver = OneAddress(1, "127.0.0.1")
    egress = Egress(PublicOnly(), resolver=resolver)
    for url in (
        "http://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://a.org/" + "x" * 5000,
    ):
        with pytest.raises(Blocked):
            await egress.post(url, data=b"x")
    await egress.close()
    assert resolver.asked == 0


async def test_redirects_are_not_followed() -> None:
    """A redirect to the inside is an answer like any other; the inside hears nothing."""
    async with PushService() as inside, PushService(status=307, extra={"Location": inside.origin}) as outside:
        egress = Egress(LoopbackOnly())
        answer = await egress.post(outside.origin + "/x", data=b"x", headers={"Authorization": "secret"})
        await egress.close()
        assert answer.status == 307
        assert len(outside.arrivals) == 1
        assert inside.arrivals == []


async def test_the_environments_proxy_and_cookies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy from the environment, no cookie sent back."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with PushService(extra={"Set-Cookie": "a=b"}) as service:
        egress = Egress(LoopbackOnly())
        await egress.post(service.origin + "/1")
        await egress.post(service.origin + "/2")
        await egress.close()
        assert ["Cookie" in arrival.headers for arrival in service.arrivals] == [False, False]


async def test_a_long_answer_is_cut_at_the_bound() -> None:
    """At most the body limit is kept, and the answer says so."""
    async with PushService(status=200, body=b"x" * 100_000) as service:
        egress = Egress(LoopbackOnly())
        answer = await egress.get(service.origin)
        assert (len(answer.body_head), answer.truncated) == (4096, True)
        service.body = b"y" * 4096
        answer = await egress.get(service.origin)
        assert (answer.body_head, answer.truncated) == (service.body, False)
        assert answer.headers["content-TYPE"] == "application/octet-stream"
        await egress.close()


async def test_refused_connection_was_not_sent() -> None:
    """Nobody listens: nothing left the house."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        egress = Egress(LoopbackOnly())
        with pytest.raises(NotSent) as failed:
            await egress.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", data=b"x")
        assert not failed.value.timed_out
        await egress.close()


async def test_a_connection_that_never_opens_is_a_timeout_before_sending() -> None:
    """A full backlog swallows the handshake: NotSent, timed out, within the bound."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        plugs = [socket.socket() for _ in range(4)]
        for plug in plugs:
            plug.setblocking(False)
            plug.connect_ex(("127.0.0.1", port))
        egress = Egress(LoopbackOnly(), connect_timeout_s=0.3, total_timeout_s=2)
        with pytest.raises(NotSent) as failed:
            await egress.post(f"http://127.0.0.1:{port}/", data=b"x")
        assert failed.value.timed_out
        await egress.close()
        for plug in plugs:
            plug.close()


@pytest.mark.parametrize("mode", ["hang", "cut"])
async def test_no_answer_after_sending_is_maybe_sent(mode: str) -> None:
    """The request arrived but no answer came: it may have been taken, and arrives once only."""
    async with PushService(mode=mode) as service:
        egress = Egress(LoopbackOnly(), connect_timeout_s=0.2, total_timeout_s=0.4)
        with pytest.raises(MaybeSent):
            await egress.post(service.origin + "/geheim", data=b"x")
        await egress.close()
        assert len(service.arrivals) == 1


async def test_no_error_repeats_the_path() -> None:
    """An endpoint's path is a secret; no error text carries it."""
    async with PushService(mode="hang") as service:
        egress = Egress(LoopbackOnly(), total_timeout_s=0.3)
        for url in (service.origin + "/geheim", "http://127.0.0.1:1/geheim", "http://10.0.0.1/geheim"):
            with pytest.raises((MaybeSent, NotSent, Blocked)) as failed:
                await egress.post(url)
            assert "geheim" not in str(failed.value)
            assert failed.value.__cause__ is None
        await egress.close()


async def test_a_status_stands_even_if_its_body_never_ends() -> None:
    """What was answered counts; the rest is given up within the bound."""
    async with PushService(mode="drip") as service:
        egress = Egress(LoopbackOnly(), total_timeout_s=0.4)
        answer = await egress.post(service.origin)
        assert (answer.status, answer.body_head, answer.truncated) == (201, b"drip", True)
        await egress.close()


async def test_after_closing_nothing_leaves() -> None:
    """A late sender hears that nothing was sent; no socket is opened again."""
    async with PushService() as service:
        egress = Egress(LoopbackOnly())
        await egress.post(service.origin)
        await egress.close()
        with pytest.raises(NotSent):
            await egress.post(service.origin)
        assert len(service.arrivals) == 1
