"""Hold every package, and every room of ``realis``, to the share of lines that tests ran before.

``python -m tests.coverage_floors`` reads what ``pytest --cov`` left (``make coverage`` does both), compares it with
``coverage_floors.toml`` and fails where a share fell below its floor. With ``--raise`` it writes down higher shares; it
never lowers one: whoever removes a room or its tests changes the table by hand and says why.

Floors are whole percent, rounded down, because random tests run a few lines more or less each time.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from coverage import Coverage

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = Path(__file__).with_suffix(".toml")
HEAD: Final = (
    "# Percent of lines run by `make coverage`, rounded down. They only rise: `make coverage RAISE=--raise`.\n\n"
)


def part(file: Path) -> str:
    """The package of a file, or the room for one of ``realis``; the path is relative to the repository."""
    package, *rest = file.parts
    return f"{package}.{rest[0]}" if package == "realis" else package


def measured(coverage: Coverage) -> dict[str, float]:
    """Percent of lines that ran, by part."""
    all_, missed = Counter[str](), Counter[str]()
    for name in coverage.get_data().measured_files():
        _, lines, _, missing, _ = coverage.analysis2(name)
        here = part(Path(name).relative_to(ROOT))
        all_[here] += len(lines)
        missed[here] += len(missing)
    return {name: 100 * (1 - missed[name] / number) for name, number in sorted(all_.items()) if number}


def too_low(shares: Mapping[str, float], floors: Mapping[str, int]) -> list[str]:
    """What is below its floor, was not measured or has no floor yet, one sentence each."""
    fallen = [
        f"{name}: {shares[name]:.1f} % of its lines are run, its floor is {floor} %"
        for name, floor in floors.items()
        if name in shares and shares[name] < floor
    ]
    gone = [f"{name}: has a floor, and nothing of it was measured" for name in floors.keys() - shares.keys()]
    new = [f"{name}: has no floor yet (--raise sets it)" for name in shares.keys() - floors.keys()]
    return fallen + sorted(gone) + sorted(new)


def risen(shares: Mapping[str, float], floors: Mapping[str, int]) -> dict[str, int]:
    """The floors after this measurement: none lower than before."""
    return {name: max(int(shares.get(name, 0)), floors.get(name, 0)) for name in sorted(shares.keys() | floors.keys())}


def read() -> dict[str, int]:
    """The committed floors."""
    floors: dict[str, int] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["floors"]
    return floors


def write(floors: Mapping[str, int]) -> None:
    """Commit to these."""
    lines = "".join(f'"{name}" = {floor}\n' for name, floor in floors.items())
    TABLE.write_text(f"{HEAD}[floors]\n{lines}", encoding="utf-8")


def main(words: list[str]) -> int:
    """The exit code."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    shares, floors = measured(coverage), read()
    for name, share in shares.items():
        print(f"{share:6.1f} %  floor {floors.get(name, 0):3d} %  {name}")
    if "--raise" in words:
        floors = risen(shares, floors)
        write(floors)
    problems = too_low(shares, floors)
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
