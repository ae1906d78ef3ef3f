"""Rotation on disk: wherever it is cut off, one whole set of keys is in use and nothing sealed is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from realis.keystore.files import announce, on_disk, read_announced, read_current, rotation
from realis.keystore.keys import Keys
from realis.model.errors import ConfigurationError

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from realis.keystore import files
from realis.keystore.keys import Keys

start, runs = Path(sys.argv[1]), Path(sys.argv[2])

def doomed(folder, moment):
    left = moment
    def watch(event, _):
        nonlocal left
        if event in ("open", "os.rename", "os.listdir", "os.scandir"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    files.announce(folder, "cap")
    for kind in ("seal", "cap"):
        with files.rotation(folder, kind):
            pass
    os._exit(0)

for moment in range(1000):
    folder = runs / str(moment)
    shutil.copytree(start, folder)
    child = os.fork()
    if not child:
        doomed(folder, moment)
    status = os.waitpid(child, 0)[1]
    print(moment, status, flush=True)
    if status == 0:
        break
"""


def test_killed_at_any_step(tmp_path: Path) -> None:
    """A process killed before each file it touches leaves keys that open, sign and can be rotated again."""
    keys = Keys.open(tmp_path / "keys")
    sealed = keys.seal("https://push.example/1", "target:1")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "keys"), str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    statuses = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert statuses[-1] == 0
    assert len(statuses) > 20, "the kills hit the middle of it"
    assert set(statuses[:-1]) == {9}
    switched = set()
    for moment in range(len(statuses)):
        folder = tmp_path / str(moment)
        found = Keys.open(folder, create=False, expect_existing=True)
        assert found.open_sealed(sealed, "target:1") == "https://push.example/1"
        assert found.open_sealed(found.seal("x", "c"), "c") == "x"
        assert found.cap_certificates().startswith(found.cap_certificate)
        assert keys.cap_certificate in found.cap_certificates()
        switched.add(tuple(found.current[kind] != keys.current[kind] for kind in ("seal", "cap")))
        with rotation(folder, "seal") as again:
            assert again.old == found.current["seal"]
        assert Keys.open(folder, create=False).open_sealed(sealed, "target:1") == "https://push.example/1"
    assert switched == {(False, False), (True, False), (True, True)}


def test_a_rotation_that_fails_changes_nothing(tmp_path: Path) -> None:
    """What goes wrong inside, such as a record that cannot be written, leaves the old key in use."""
    keys = Keys.open(tmp_path / "keys")

    def fail() -> None:
        with rotation(keys.directory, "cap"):
            raise RuntimeError("the record is away")

    with pytest.raises(RuntimeError):
        fail()
    assert read_current(keys.directory) == keys.current


def test_what_is_announced_is_taken(tmp_path: Path) -> None:
    """The next key is the announced one; after that nothing is announced any more."""
    keys = Keys.open(tmp_path / "keys")
    announced = announce(keys.directory, "cap")
    assert read_announced(keys.directory) == {"cap": announced}
    assert read_current(keys.directory) == keys.current
    with rotation(keys.directory, "cap") as change:
        assert (change.old, change.new) == (keys.current["cap"], announced)
    assert read_current(keys.directory)["cap"] == announced
    assert read_announced(keys.directory) == {}
    assert sorted(on_disk(keys.directory, "cap")) == sorted([announced, keys.current["cap"]])
    with rotation(keys.directory, "cap") as change:
        assert change.new not in (announced, keys.current["cap"])


def test_a_damaged_announcement_is_named(tmp_path: Path) -> None:
    """It stops a rotation before anything is made."""
    keys = Keys.open(tmp_path / "keys")
    (keys.directory / "next.json").write_text(json.dumps({"cap": "../x"}))
    with pytest.raises(ConfigurationError, match=r"next\.json"), rotation(keys.directory, "cap"):
        pass
    assert on_disk(keys.directory, "cap") == [keys.current["cap"]]
