"""The floors of coverage: one for every package and room, and a rule that only lets them rise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.coverage_floors import ROOT, part, read, risen, too_low

PACKAGES = {"channels", "displays", "mobile_api", "content"}


def test_every_package_and_room_has_a_floor() -> None:
    """And nothing that is gone still has one."""
    rooms = {f"realis.{file.parent.name}" for file in (ROOT / "realis").glob("*/__init__.py")}
    assert set(read()) == rooms | PACKAGES


@pytest.mark.parametrize(
    ("file", "name"),
    [("realis/cli/run.py", "realis.cli"), ("content/phrases.py", "content"), ("channels/webpush/ipc.py", "channels")],
)
def test_a_file_counts_for_its_room(file: str, name: str) -> None:
    """Rooms within ``realis``, packages elsewhere."""
    assert part(Path(file)) == name


def test_what_falls_is_named() -> None:
    """Below the floor, not measured, without a floor: each is a complaint; at the floor or above is none."""
    shares = {"falls": 89.9, "holds": 90.0, "rises": 97.3, "new": 50.0}
    complaints = too_low(shares, {"falls": 90, "holds": 90, "rises": 90, "gone": 90})
    assert [complaint.partition(":")[0] for complaint in complaints] == ["falls", "gone", "new"]


def test_floors_only_rise() -> None:
    """A higher share becomes the floor, rounded down; a lower one does not."""
    assert risen({"falls": 80.0, "rises": 97.9}, {"falls": 90, "rises": 90, "gone": 70}) == {
        "falls": 90,
        "gone": 70,
        "rises": 97,
    }
