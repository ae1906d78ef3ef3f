"""A real PostgreSQL of the test's own: Debian's programs, a cluster in a temporary directory, a socket in it.

It runs without fsync, which a crash of the machine would punish and nothing a test does can. PostgreSQL refuses to
run as root, so root starts it as Debian's own user for it.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from realis.storage import migrate
from realis.storage.database import Database

OWNER = "postgres"
ROLE = "realis"
BOUND_S = 60
TEMPLATE = "template_realis"
OPTIONS = (
    "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=80 "
    "-c log_min_messages=fatal -c unix_socket_directories={folder}"
)


def _programs() -> Path:
    """Where Debian keeps the newest version's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    assert found, "PostgreSQL is missing: `make setup-tests` installs it (Debian package postgresql)"
    return found[-1].parent


def _as_owner(*command: str) -> None:
    """Run one of its programs, as its own user where we are root."""
    prefix = ("setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups") if os.geteuid() == 0 else ()
    # Its output goes to a file: a server that inherits our pipes would keep them open for ever.
    with tempfile.TemporaryFile() as output:
        run = subprocess.run([*prefix, *command], stdout=output, stderr=output, timeout=BOUND_S, cwd="/", check=False)
        output.seek(0)
        assert run.returncode == 0, output.read().decode(errors="replace")[-2000:]


@dataclass(slots=True)
class PostgresServer:
    """A running cluster that hands out databases."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _templates: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+asyncpg://{ROLE}@/{name}?host={self.folder}"

    def empty(self) -> str:
        """A new database without a table; its address."""
        return self.url(self._create("template0"))

    def database(self) -> str:
        """A new database with today's schema; its address."""
        if not self._templates:
            # In a thread: an event loop may be running in this one.
            name = self._create("template0", TEMPLATE)
            _in_thread(self.url(name))
            self._templates.add(name)
        return self.url(self._create(TEMPLATE))

    def _create(self, template: str, name: str = "") -> str:
        name = name or f"test_{next(self._numbers)}"
        self.query(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def query(self, sql: str, database: str = "postgres") -> str:
        """What psql answers, without decoration."""
        command = (str(_programs() / "psql"), "-X", "-A", "-t", "-h", str(self.folder), "-U", ROLE, "-d", database)
        run = subprocess.run([*command, "-c", sql], capture_output=True, timeout=BOUND_S, check=False)
        assert run.returncode == 0, run.stderr.decode()
        return run.stdout.decode().strip()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._control("start", "-o", OPTIONS.format(folder=self.folder))

    def stop(self, mode: str = "immediate") -> None:
        """Stop without a word to whoever is connected; ``fast`` rolls back and says so."""
        self._control("stop", "-m", mode)

    def _control(self, *order: str) -> None:
        _as_owner(str(_programs() / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "30", *order)


def _in_thread(url: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _migrate(url)).result()


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await migrate.upgrade(database)
    finally:
        await database.close()


def _folder(name: str) -> Path:
    """A new folder that belongs to whoever runs PostgreSQL here; its path is short, because sockets' paths are."""
    folder = Path(tempfile.mkdtemp(prefix=f"realis-{name}-", dir="/tmp"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam(OWNER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


@cache
def _made() -> Path:
    """A cluster in which nothing ran yet, made once per process: copying it takes a tenth of making another."""
    folder = _folder("initdb")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _as_owner(
        *(str(_programs() / "initdb"), "-D", str(folder / "data"), "-U", ROLE, "-A", "trust"),
        *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
    )
    return folder / "data"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A cluster of its own, gone at the end."""
    folder = _folder("pg")
    try:
        _as_owner("cp", "-a", str(_made()), str(folder / "data"))
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
