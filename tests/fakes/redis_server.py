"""A real redis-server of the test's own, on a socket in a temporary directory, keeping nothing on disk."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BOUND_S = 30


@dataclass(slots=True)
class RedisServer:
    """A redis-server that can be stopped, started and emptied."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix://{self.folder}/redis.sock"

    def start(self) -> None:
        """Start, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: `make setup-tests` installs it (Debian package redis-server)"
        socket = str(self.folder / "redis.sock")
        options = ("--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", str(self.folder))
        self.process = subprocess.Popen(
            [program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        end = time.monotonic() + BOUND_S
        while self.command("PING") != "PONG":
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, with all it holds."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(BOUND_S)
            self.process = None
            (self.folder / "redis.sock").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let it hang: connections stay, answers stop."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words: str) -> str:
        """What redis-cli answers."""
        run = subprocess.run(
            ["redis-cli", "-s", str(self.folder / "redis.sock"), *words],
            capture_output=True,
            timeout=BOUND_S,
            check=False,
        )
        return run.stdout.decode().strip()


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A server of its own, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="realis-redis-", dir="/tmp"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
