"""A local nginx that answers 201 to every push and counts what reached it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
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
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_body_buffer_size 16k;
  keepalive_requests 10000000;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /status {{ stub_status; }}
    location / {{ return 201; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """The running server."""

    origin: str

    async def requests(self) -> int:
        """How many requests it has handled, this question included."""
        async with aiohttp.ClientSession() as session, session.get(self.origin + "/status") as response:
            numbers = re.findall(r"\d+", await response.text())
        return int(numbers[3])


@contextlib.asynccontextmanager
async def nginx(workers: int = 1) -> AsyncIterator[Nginx]:
    """Start Debian's nginx on a free loopback port with a configuration of its own; ends it."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        config = _write_config(Path(folder), workers, port)
        process = await asyncio.create_subprocess_exec(program, "-p", folder, "-c", config, "-e", f"{folder}/error.log")
        try:
            running = Nginx(f"http://127.0.0.1:{port}")
            await _until_up(running)
            yield running
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _write_config(folder: Path, workers: int, port: int) -> Path:
    folder.chmod(0o755)  # nginx gives up root for its workers
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(workers=workers, folder=folder, port=port))
    return config


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
