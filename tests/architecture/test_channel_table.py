"""The table of channels: what each row must hold, what a channel costs, and that the documents know every row."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from realis.app.channel_registry import TABLE
from realis.app.settings import Settings, channel_sections
from realis.egress.channel_spec import ChannelSpec
from tests.contract.channel_benches import BENCHES, accounts

ROOT = Path(__file__).parents[2]
SEARCHED = ("realis", "channels", "displays", "mobile_api", "content", "tests/contract")
STAND_INS = ROOT / "realis" / "demo"
"""The demo plays the services it wants to show; a channel need not be among them."""

each = pytest.mark.parametrize("spec", TABLE, ids=lambda spec: spec.name)
Spec = ChannelSpec[Any]  # Any: each row has a model of its own


def test_names_are_used_once() -> None:
    """No two channels, and no channel's section and another setting, share a name."""
    names = [spec.name for spec in TABLE]
    assert len(set(names)) == len(names)
    assert channel_sections(TABLE).keys() & Settings.__annotations__.keys() == set()


@each
def test_settings_can_be_left_out_and_explain_themselves(spec: Spec) -> None:
    """A file without the section is complete; the section ``realis init`` writes is commented, in sentences."""
    assert isinstance(spec.config(), spec.config)
    assert spec.about.endswith(".") is spec.has_settings
    for name, setting in spec.config.model_fields.items():
        assert (setting.description or "").endswith("."), name
        assert "\n" not in (setting.description or ""), name


@each
def test_an_account_is_not_matched_by_place(spec: Spec) -> None:
    """Its one target is always meant."""
    assert not (spec.account and spec.capabilities.geo_targeted)


@pytest.mark.parametrize("name", accounts())
def test_an_account_costs_a_module_a_row_a_fake_and_a_line_of_documents(name: str) -> None:
    """Nothing else names it: settings, init, doctor, policies, targets and the contract suite follow from the row."""
    code = [path for folder in SEARCHED for path in (ROOT / folder).rglob("*.py")]
    files = [path for path in code if not path.is_relative_to(STAND_INS)] + [ROOT / "docs" / "delivery.md"]
    word = re.compile(rf"\b{re.escape(name)}\b")
    naming = {path.relative_to(ROOT).as_posix() for path in files if word.search(path.read_text(encoding="utf-8"))}
    module = {path for path in naming if re.match(rf"channels/{re.escape(name)}(\.py|/)", path)}
    assert module
    assert naming - module == {
        "realis/app/channel_registry.py",
        "tests/contract/channel_benches.py",
        "docs/delivery.md",
    }


def test_every_channel_has_a_fake() -> None:
    """The contract suite has a bench for each row."""
    assert set(BENCHES) == {spec.name for spec in TABLE}


def test_every_channel_has_its_row_in_the_documents() -> None:
    """``docs/delivery.md`` lists the table's channels in its order; an account's limit is the one it declares."""
    section = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8").split("\n## Channels\n")[1].split("\n## ")[0]
    rows = {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", section, re.MULTILINE)}
    assert list(rows) == [spec.name for spec in TABLE]
    for spec in TABLE:
        if spec.name in accounts():
            assert f"{spec.capabilities.length:,}" in rows[spec.name]
