"""The disk runs full while the whole program on SQLite is sending, then has room again: no restart, no loss."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest

from tests.acceptance.program import Child, EndedError, Post, child, until
from tests.acceptance.test_killed import crowd, over, record_holds
from tests.support.installation import seed, settings

ALTSTADT, HAFEN = 3_500, 200
IN_FLIGHT = 3 * 500
"""Pushes to one service that may be on their way at once."""


class Disk(Protocol):
    """Something that can run full under a program's data."""

    def fill(self, running: Child) -> None:
        """From here on no file grows."""
        ...

    def make_room(self, running: Child) -> None:
        """From here on they do again."""
        ...


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A real one, in memory, for the data alone. To be mounted one has to be root."""

    data: Path
    size: str = "48m"

    def mount(self) -> None:
        """Put it under the data."""
        self.data.mkdir()
        options = ("-t", "tmpfs", "-o", f"size={self.size},mode=700", "realis-test", str(self.data))
        subprocess.run(["mount", *options], check=True, timeout=10)

    def umount(self) -> None:
        """Take it away, whoever still uses it."""
        subprocess.run(["umount", "--lazy", str(self.data)], check=True, timeout=10)

    def fill(self, running: Child) -> None:
        """Write until nothing more fits."""
        with suppress(OSError), (self.data / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x" * 65_536):
                pass
        assert os.statvfs(self.data).f_bavail == 0

    def make_room(self, running: Child) -> None:
        """Remove what was written."""
        (self.data / "filler").unlink()


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """The kernel refuses to let any file of the process grow; Python ignores the signal that would come with it."""

    data: Path

    def fill(self, running: Child) -> None:
        """No longer than the write-ahead log is now."""
        longest = (self.data / "realis.db-wal").stat().st_size
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))

    def make_room(self, running: Child) -> None:
        """As long as they like."""
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)


Kind = Callable[[Path], AbstractContextManager[Disk]]


@contextmanager
def small_disk(data: Path) -> Iterator[Disk]:
    """Mounted, and gone at the end."""
    disk = SmallDisk(data)
    disk.mount()
    try:
        yield disk
    finally:
        disk.umount()


@contextmanager
def small_files(data: Path) -> Iterator[Disk]:
    """Nothing to prepare."""
    yield SmallFiles(data)


ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk of its own")


async def status(running: Child, path: str) -> int:
    """What it answers there."""
    url = f"http://127.0.0.1:{running.ports['http']}{path}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as client, client.get(url) as answer:
        return answer.status


async def silence(post: Post, for_s: float = 1.0) -> None:
    """Wait until nothing has arrived for a while."""
    async with asyncio.timeout(60):
        before = -1
        while before != post.count:
            before = post.count
            await asyncio.sleep(for_s)


async def fill_while_sending(running: Child, disk: Disk, post: Post) -> None:
    """Issue a warning and let the disk run full in the middle of it, until nothing is sent any more."""
    await running.order("alert", "-", "altstadt")
    await until(lambda: post.count >= 300)
    at_once = post.count
    disk.fill(running)
    await until(lambda: running.logged("store_lost"))
    await silence(post)
    # One batch of each lane may have been written down before the last byte was taken.
    assert post.count - at_once <= 2 * IN_FLIGHT
    assert post.count < ALTSTADT


@pytest.mark.parametrize(
    "kind", [pytest.param(small_disk, marks=ONLY_ROOT, id="disk"), pytest.param(small_files, id="files")]
)
async def test_a_full_disk_loses_nothing_and_repeats_nothing(kind: Kind, tmp_path: Path) -> None:
    """What was sent waits to be written down, nothing else is sent, pages are served; room mends it, nobody restarts.

    A release tried meanwhile is refused in plain words and is not lost. Everyone hears everything once.
    """
    async with Post(delay_s=0.02).open() as post:
        with kind(tmp_path / "data") as disk:
            await seed(settings(tmp_path), crowd(post.origin, altstadt=ALTSTADT, hafen=HAFEN))
            async with child(tmp_path) as running:
                waiting = await running.say("submit", "hafen")
                await fill_while_sending(running, disk, post)
                refused = await running.say("release", waiting["draft"], waiting["digest"])
                assert refused["refused"] == "StoreUnavailable"
                assert "Platte" in refused["remedy"]
                assert [await status(running, path) for path in ("/healthz", "/", "/readyz")] == [200, 200, 503]
                assert not running.logged("store_back")

                disk.make_room(running)
                await until(lambda: running.logged("store_back"))
                again = await running.say("release", waiting["draft"], waiting["digest"])
                assert again["refused"] in ("", "WrongState"), "or the decision itself had still found room"
                await until(lambda: post.count >= ALTSTADT + HAFEN and over(tmp_path, 1))
                assert await running.end(signal.SIGTERM) == 0
                assert "Traceback" not in running.errors.read_text()
            await record_holds(tmp_path, entries=8)
    assert set(post.per_path().values()) == {1}
    assert post.count == ALTSTADT + HAFEN


@ONLY_ROOT
async def test_a_kill_while_the_disk_is_full(tmp_path: Path) -> None:
    """Without room it does not start and says why; with room everyone is reached, and only what was in flight twice."""
    async with Post(delay_s=0.02).open() as post:
        with small_disk(tmp_path / "data") as disk:
            await seed(settings(tmp_path), crowd(post.origin, altstadt=ALTSTADT))
            async with child(tmp_path) as running:
                await fill_while_sending(running, disk, post)
                await running.end(signal.SIGKILL)
                with pytest.raises(EndedError, match="StoreUnavailable"):
                    async with child(tmp_path):
                        pass
                disk.make_room(running)
            async with child(tmp_path):
                await until(lambda: over(tmp_path, 1))
            await record_holds(tmp_path, entries=4)
    assert len(post.per_path()) == ALTSTADT
    assert set(post.per_path().values()) <= {1, 2}
    assert post.count - ALTSTADT <= IN_FLIGHT
