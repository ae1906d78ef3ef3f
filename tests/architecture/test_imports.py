"""Who may know whom: the import contracts hold, cover every module, and no modules import each other in a circle."""

from __future__ import annotations

import configparser
import graphlib
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import channels

ROOT = Path(__file__).parents[2]
OURS = ("realis", "channels", "displays", "mobile_api", "content")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import among our packages."""
    return grimp.build_graph(*OURS, cache_dir=None, exclude_type_checking_imports=True)


def test_the_contracts_hold() -> None:
    """import-linter keeps every contract of importlinter.ini."""
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--config", "importlinter.ini", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_every_room_has_its_place_in_the_order() -> None:
    """No room stands outside the contract on direction, and nothing lies in the root of ``realis``."""
    config = configparser.ConfigParser()
    config.read(ROOT / "importlinter.ini", encoding="utf-8")
    placed = set(config["importlinter:contract:direction"]["layers"].replace("|", " ").split())
    rooms = {f"realis.{path.parent.name}" for path in (ROOT / "realis").glob("*/__init__.py")}
    assert (rooms | set(OURS) - {"realis"}) - placed == set()
    assert {path.name for path in (ROOT / "realis").glob("*.py")} == {"__init__.py", "__main__.py"}


def test_nothing_imports_in_a_circle(graph: grimp.ImportGraph) -> None:
    """Modules can be sorted so that each only needs earlier ones; a type-checking import does not count."""
    needs = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


def test_every_channel_is_independent_of_the_others() -> None:
    """The contract on independence holds for whatever lies in ``channels``, so that a new channel needs no line."""
    config = configparser.ConfigParser()
    config.read(ROOT / "importlinter.ini", encoding="utf-8")
    assert config["importlinter:contract:siblings"]["type"] == "independence"
    assert config["importlinter:contract:siblings"]["modules"].split() == ["channels.*"]


def test_channels_is_ours() -> None:
    """The name also belongs to a well-known package; ours must be the one that is imported."""
    assert channels.__file__ is not None
    assert Path(channels.__file__).is_relative_to(ROOT)
