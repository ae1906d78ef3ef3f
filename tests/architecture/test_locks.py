"""The locks hold on every supported Python, the oldest patch release included."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11.0", "3.11.2", "3.11.14", "3.12.0", "3.13.0", "3.14.0")
_PIN = re.compile(r"^([A-Za-z0-9][\w.\[\],-]*==[^\\\n]+?)\s*\\$", re.MULTILINE)


def _environment(python: str, extra: str = "") -> dict[str, str]:
    version = ".".join(python.split(".")[:2])
    marks = {"python_full_version": python, "python_version": version, "extra": extra}
    return {key: str(value) for key, value in default_environment().items()} | marks


def _locked(lock: str, python: str) -> dict[str, Requirement]:
    """The pins of a lock file that a machine with this Python installs, by name."""
    pins = [Requirement(pin) for pin in _PIN.findall((ROOT / lock).read_text("utf-8"))]
    here = _environment(python)
    return {canonicalize_name(pin.name): pin for pin in pins if pin.marker is None or pin.marker.evaluate(here)}


def _missing(lock: str, python: str) -> list[str]:
    """What a pinned package demands on this Python and the lock does not bring."""
    locked = _locked(lock, python)
    assert len(locked) > 30
    missing = []
    for name, pin in locked.items():
        try:
            demands = requires(name) or []
        except PackageNotFoundError:
            continue  # pinned for another platform or another Python than the one that runs this test
        for demand in map(Requirement, demands):
            wanted = any(
                demand.marker is None or demand.marker.evaluate(_environment(python, extra))
                for extra in (pin.extras or {""})
            )
            found = locked.get(canonicalize_name(demand.name))
            if wanted and (found is None or not demand.specifier.contains(next(iter(found.specifier)).version, True)):
                missing.append(f"{name} on Python {python} needs {demand}")
    return missing


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_every_python_finds_all_it_needs_in_the_lock(lock: str, python: str) -> None:
    """``pip install --require-hashes`` refuses what a lock made on a newer Python left out."""
    assert _missing(lock, python) == []
