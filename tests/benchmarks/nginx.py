"""A local nginx that answers 201 to every push and counts what reached it; it plays Telegram's Bot API, too.

A peer outside our process: what arrives there has left, and no loop of ours notes when.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

STARTS_WITHIN_S = 10.0

_CONFIG = """
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  log_format arrival '$msec';
  access_log {log};
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_body_buffer_size 16k;
  keepalive_requests 10000000;
  server {{
    listen 127.0.0.1:{port} backlog=4096{tls};
    location = /status {{ access_log off; stub_status; }}
    location /bot {{
      access_log {bots};
      default_type application/json;
      return 200 '{{"ok":true,"result":{{"message_id":7,"date":1,"chat":{{"id":-1001,"type":"channel"}}}}}}';
    }}
    location / {{ return 201; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """The running server.

    Args:
        arrivals: when each push was answered, one line of seconds each; not there unless it was asked for.
        bots: the same for calls of the Bot API.
        pid: its first process; the worker is that one's child.
        trust: the certificate to trust, PEM; empty without TLS.
    """

    origin: str
    arrivals: Path
    bots: Path
    pid: int
    trust: str = ""

    async def requests(self) -> int:
        """How many requests it has handled, this question included."""
        context = ssl.create_default_context(cadata=self.trust) if self.trust else None
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.origin + "/status", ssl=context or True) as response,
        ):
            numbers = re.findall(r"\d+", await response.text())
        return int(numbers[3])


@contextlib.asynccontextmanager
async def nginx(workers: int = 1, *, log: bool = False, tls: bool = False) -> AsyncIterator[Nginx]:
    """Start Debian's nginx on a free loopback port with a configuration of its own; ends it.

    Args:
        log: write down when each request came (to the millisecond).
        tls: with a certificate made for this run.
    """
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory() as folder:
        port, home = _free_port(), Path(folder)
        trust = _certificate(home) if tls else ""
        config = _write_config(home, workers, port, log=log, tls=tls)
        process = await asyncio.create_subprocess_exec(program, "-p", folder, "-c", config, "-e", f"{folder}/error.log")
        try:
            origin = f"http{'s' if tls else ''}://127.0.0.1:{port}"
            running = Nginx(origin, home / "arrivals", home / "bots", process.pid, trust)
            await _until_up(running)
            yield running
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _write_config(folder: Path, workers: int, port: int, *, log: bool, tls: bool) -> Path:
    folder.chmod(0o755)  # nginx gives up root for its workers
    config = folder / "nginx.conf"
    secured = f" ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem" if tls else ""
    pushes, bots = [f"{folder}/{name} arrival" if log else "off" for name in ("arrivals", "bots")]
    config.write_text(_CONFIG.format(workers=workers, folder=folder, port=port, log=pushes, bots=bots, tls=secured))
    return config


def _certificate(folder: Path) -> str:
    """A self-signed certificate for this machine."""
    key, certificate = ["-keyout", f"{folder}/key.pem"], ["-out", f"{folder}/cert.pem"]
    names = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command = ["openssl", "req", *kind, *names, *key, *certificate]
    subprocess.run(command, check=True, capture_output=True, timeout=STARTS_WITHIN_S)
    return (folder / "cert.pem").read_text()


async def _until_up(server: Nginx) -> None:
    async with asyncio.timeout(STARTS_WITHIN_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await server.requests()
                return
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
