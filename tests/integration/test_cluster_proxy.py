"""The proxy's own file under a real nginx: TLS, websockets, a second's cache of what is public, one node down."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from realis.web.throttle import FREE_PER_ADDRESS
from tests.acceptance.program import ROOT
from tests.support.installation import ANNA, PASSWORD, installation, settings
from tests.support.ports import free_port

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Upstream:
    """Stands for a web node and a gateway: counts what reaches it, and says the number."""

    seen: Counter[str] = field(default_factory=Counter)
    port: int = 0
    runner: web.AppRunner | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The how-manyth request of this path it is; or an echo, over a websocket."""
        if request.path == "/ws":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(f"{request.headers['Origin']} {message.data}")
            return socket
        self.seen[request.path] += 1
        return web.Response(text=str(self.seen[request.path]), headers={"Cache-Control": "no-cache"})

    async def start(self) -> None:
        """Listen on loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port = int(self.runner.addresses[0][1])

    async def stop(self) -> None:
        """Be gone."""
        if self.runner is not None:
            await self.runner.cleanup()


@dataclass(slots=True)
class Front:
    """The proxy and what is behind it."""

    nodes: list[Upstream]
    https: int
    http: int
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text."""
        async with self.session.get(f"https://127.0.0.1:{self.https}{path}", headers=headers) as answer:
            return answer.status, await answer.text()

    def seen(self, path: str) -> int:
        """How often a path reached any node."""
        return sum(node.seen[path] for node in self.nodes)


def certificate(folder: Path) -> None:
    """A certificate for a day, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(BEFORE).not_valid_after(BEFORE + timedelta(days=36_500))
    (folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "privkey.pem").write_bytes(pem)


def here(text: str, folder: Path, ports: list[int], https: int, http: int) -> str:
    """The file with this machine's places, and without what Debian's older nginx has no word for."""
    for number, port in enumerate(ports, 1):
        text = re.sub(rf"(web|gateway){number}:\d+ resolve", f"127.0.0.1:{port}", text)
    text = re.sub(r"^\s*(resolver .*|http2 on);$", "", text, flags=re.MULTILINE)
    text = text.replace(" /tmp/", f" {folder}/").replace("/etc/nginx/tls", str(folder))
    text = text.replace("/dev/stdout", str(folder / "access.log")).replace("/dev/stderr", str(folder / "error.log"))
    return text.replace("listen 443", f"listen 127.0.0.1:{https}").replace("listen 80", f"listen 127.0.0.1:{http}")


@asynccontextmanager
async def front(folder: Path, *, real: int = 0) -> AsyncIterator[Front]:
    """nginx with our file before two nodes; or before the port of a real one."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program, "nginx is missing: `make setup-tests` installs it"
    nodes = [Upstream(), Upstream()]
    for node in nodes:
        await node.start()
    ports = [real, real] if real else [node.port for node in nodes]
    certificate(folder)
    https, http = free_port(), free_port()
    file = folder / "nginx.conf"
    text = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    user = "user root;\n" if os.geteuid() == 0 else ""
    file.write_text(f"{user}daemon off;\n" + here(text, folder, ports, https, http))
    process = await asyncio.create_subprocess_exec(program, "-c", str(file), "-e", str(folder / "error.log"))
    trusting = aiohttp.TCPConnector(ssl=ssl._create_unverified_context())  # noqa: S323 - our own, of a moment ago
    try:
        async with aiohttp.ClientSession(connector=trusting) as session:
            made = Front(nodes, https, http, session)
            async with asyncio.timeout(20):
                while True:
                    try:
                        await made.get("/healthz")
                        break
                    except aiohttp.ClientConnectionError:
                        assert process.returncode is None, (folder / "error.log").read_text()
                        await asyncio.sleep(0.05)
            yield made
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 20)
        for node in nodes:
            await node.stop()


async def attempt(made: Front, source: str, number: int, **headers: str) -> int:
    """The status of a wrong login by somebody unknown, who comes from this address of the machine."""
    trusting = ssl._create_unverified_context()  # noqa: S323 - our own, of a moment ago
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusting, local_addr=(source, 0)), headers=headers
    ) as session:
        form = {"name": f"niemand {number}", "password": "falsch"}
        async with session.post(f"https://127.0.0.1:{made.https}/console/login", data=form) as answer:
            return answer.status


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Front]:
    """The proxy before two nodes."""
    async with front(tmp_path) as made:
        yield made


async def test_a_crowd_costs_one_answer_a_second(proxy: Front) -> None:
    """A hundred requests for what is in force reach the nodes once or twice; a second later they see the new one."""
    for path in ("/", "/api/v1/alerts", "/feeds/cap.atom", "/alerts/x"):
        answers = await asyncio.gather(*(proxy.get(path) for _ in range(100)))
        assert {status for status, _ in answers} == {200}
        assert proxy.seen(path) <= 3, path
    before = proxy.seen("/api/v1/alerts")
    async with asyncio.timeout(20):
        while proxy.seen("/api/v1/alerts") == before:
            await proxy.get("/api/v1/alerts")
            await asyncio.sleep(0.05)


async def test_nothing_personal_is_kept(proxy: Front) -> None:
    """The console, subscriptions, health, and whoever brings a cookie are answered anew each time."""
    for path in ("/console/", "/api/v1/push/subscriptions/1", "/readyz", "/subscribe"):
        for _ in range(5):
            await proxy.get(path)
        assert proxy.seen(path) == 5, path
    for _ in range(5):
        await proxy.get("/", Cookie="language=ar")
    assert proxy.seen("/") == 5
    for _ in range(3):
        async with proxy.session.post(f"https://127.0.0.1:{proxy.https}/api/v1/alerts") as answer:
            assert answer.status == 200
    assert proxy.seen("/api/v1/alerts") == 3


async def test_screens_reach_a_gateway(proxy: Front) -> None:
    """A websocket on /ws is carried both ways, with the page's origin."""
    url = f"wss://127.0.0.1:{proxy.https}/ws"
    async with proxy.session.ws_connect(url, origin="https://warnung.example") as socket:
        for text in ("hello", "again"):
            await socket.send_str(text)
            assert await socket.receive_str(timeout=20) == f"https://warnung.example {text}"


async def test_plain_http_is_sent_to_tls(proxy: Front) -> None:
    """Port 80 answers with the same address over https, also for a POST (308 keeps the method)."""
    url = f"http://127.0.0.1:{proxy.http}/alerts/x?exercise=true"
    async with proxy.session.post(url, allow_redirects=False) as answer:
        assert answer.status == 308
        assert answer.headers["Location"] == "https://127.0.0.1/alerts/x?exercise=true"


async def test_one_node_may_be_down(proxy: Front) -> None:
    """With one of two nodes gone every request is still answered."""
    await proxy.nodes[0].stop()
    answers = [await proxy.get("/console/") for _ in range(10)]
    assert {status for status, _ in answers} == {200}


async def test_behind_the_proxy_clients_are_told_apart(tmp_path: Path) -> None:
    """Who guesses too often has to wait, also when they claim another address; others go on, and cookies are Secure."""
    node, nginx = tmp_path / "node", tmp_path / "nginx"
    node.mkdir()
    nginx.mkdir()
    config = settings(node, public_url="https://localhost", trusted_proxies=("127.0.0.1",))
    async with installation(node, config=config) as running, front(nginx, real=running.app.http_port) as made:
        for number in range(FREE_PER_ADDRESS):
            assert await attempt(made, "127.0.0.2", number) == 422
        forged = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}
        assert await attempt(made, "127.0.0.2", 100, **forged) == 429
        assert await attempt(made, "127.0.0.3", 101) == 422
        async with made.session.get(f"https://127.0.0.1:{made.https}/?lang=tr") as page:
            assert page.cookies["lang"]["secure"]
        form = {"name": ANNA, "password": PASSWORD}
        url = f"https://127.0.0.1:{made.https}/console/login"
        async with made.session.post(url, data=form, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.cookies["__Host-session"]["secure"]
