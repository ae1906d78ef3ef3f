"""Metrics, alert rules and their documentation name the same things."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types

from realis.app.metrics import Metrics
from realis.model.delivery import State
from realis.ports.metrics import IntakeResult, RecordFigures, ScreenRefusal

ROOT = Path(__file__).parents[2]
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
SUFFIXES = ("_bucket", "_sum", "_count")
NOT_OURS = {"up"}
"""Made by Prometheus itself."""


class _Quiet:
    """A database and a clock that have nothing to tell."""

    async def read(self) -> RecordFigures:
        """No work."""
        return RecordFigures()

    async def takes_writes(self) -> bool:
        """Yes."""
        return True

    def since_failed_write_s(self) -> float | None:
        """Never."""
        return None

    def now(self) -> datetime:
        """A day."""
        return datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def exposed() -> set[str]:
    """Every metric of ours by the name it is queried with."""
    quiet = _Quiet()
    families = Metrics(quiet.read, quiet, quiet).registry.collect()
    names = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    return {name for name in names if name.startswith("realis_")}


def rules() -> list[dict[str, Any]]:
    """The alert rules, in the order of the file."""
    read = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


def _first_cells(heading: str) -> list[str]:
    """What the first column of the table below this heading row names."""
    _, _, rest = OPERATE.partition(f"\n| {heading} |")
    rows = rest.split("\n\n", 1)[0].splitlines()[2:]
    return [row.split("|")[1].strip().strip("`") for row in rows]


def metrics_in(expression: str) -> set[str]:
    """The metrics an expression reads, without the suffixes of a histogram's series."""
    named = set(re.findall(r"\b(?:realis_\w+|up)\b", expression))
    return {name.removesuffix(next((end for end in SUFFIXES if name.endswith(end)), "")) for name in named}


def test_every_metric_is_documented_once(exposed: set[str]) -> None:
    """And none is documented that is not there."""
    listed = [name for name in _first_cells("metric") if name.startswith("realis_")]
    assert len(listed) == len(set(listed))
    assert set(listed) == exposed


def test_every_rule_reads_metrics_that_exist(exposed: set[str]) -> None:
    """Each rule at least one, and every one of ours is read by some rule."""
    read = {rule["alert"]: metrics_in(rule["expr"]) for rule in rules()}
    assert [name for name, metrics in read.items() if not metrics or metrics - exposed - NOT_OURS] == []
    assert exposed - set().union(*read.values()) == set()


def test_every_rule_says_what_it_means_and_what_to_do() -> None:
    """One row for each in the order of the file; a sentence for whoever is woken; a severity."""
    names = [rule["alert"] for rule in rules()]
    assert _first_cells("alert") == names
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule
        assert rule["annotations"]["summary"], rule


def test_labels_that_rules_choose_by_exist() -> None:
    """A state, result or reason named in a rule is one the code uses."""
    known = {
        "state": {"open", "held", "claimed", *(state.value for state in State)},
        "result": {result.value for result in IntakeResult},
        "reason": {reason.value for reason in ScreenRefusal},
    }
    chosen = [pair for rule in rules() for pair in re.findall(r'(\w+)="([\w|]+)"', rule["expr"])]
    assert chosen
    assert [pair for pair in chosen if pair[0] in known and pair[1] not in known[pair[0]]] == []
