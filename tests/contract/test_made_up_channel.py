"""What follows from one row: a made-up account channel is added to a copy of the table, and nothing else is changed."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from yarl import URL

from realis.app import channel_registry
from realis.app.channel_registry import TABLE, EgressPolicies
from realis.app.diagnostics import Grade
from realis.app.settings import Settings
from realis.backplane.memory import MemoryEvents
from realis.cli.doctor import channel_findings
from realis.cli.init import channel_sections
from realis.model.delivery import Accepted
from realis.model.errors import ConfigurationError
from tests.contract import channel_benches, test_channels
from tests.contract.channel_benches import BENCHES, CITY, SECRET, Bench, NothingHappens, made
from tests.fakes import fax_channel
from tests.fakes.channel_messages import message
from tests.fakes.clock import SettableClock
from tests.fakes.push_service import PeerVapid
from tests.fakes.scripted_http import ScriptedServer

LONGER = (*TABLE, fax_channel.SPEC)
FILE = """
[city]
name = "Siegen"
authority = "Stadt Siegen"

[cap]
sender = "realis@siegen.example"
identifier_prefix = "DE-NW-SI"
"""
FAX = """
[fax]
base_url = "https://fax.siegen.example"
token = "from the file"
"""


def load(folder: Path, more: str = FAX) -> Settings:
    """The settings of an installation whose table has the row."""
    file = folder / "realis.toml"
    file.write_text(FILE + more, encoding="utf-8")
    return Settings.with_channels(LONGER).load(file)


def test_it_has_a_section_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From file and environment, with its defaults where there is none; the other sections stay."""
    assert load(tmp_path).channel(fax_channel.SPEC).token.get_secret_value() == "from the file"
    monkeypatch.setenv("REALIS_FAX__TOKEN", "from outside")
    settings = load(tmp_path)
    assert settings.channel(fax_channel.SPEC).token.get_secret_value() == "from outside"
    assert "from outside" not in repr(settings) + settings.model_dump_json()
    assert [settings.channel(spec).complete for spec in LONGER if spec.has_settings] == [False, False, True]
    assert load(tmp_path, "").channel(fax_channel.SPEC).base_url == "https://fax.example"


def test_what_is_unknown_is_refused(tmp_path: Path) -> None:
    """A wrong name in its section, and its section where the table has no such row; both in German."""
    with pytest.raises(ConfigurationError, match="gibt es nicht") as caught:
        load(tmp_path, '[fax]\ntokn = "x"\n')
    assert caught.value.where == "fax.tokn"
    with pytest.raises(ConfigurationError, match="gibt es nicht") as caught:
        Settings.load(tmp_path / "realis.toml")
    assert caught.value.where == "fax"


def test_init_writes_its_section(tmp_path: Path) -> None:
    """With its comments; what has a default stands there as one. The file as written means "not set up"."""
    section = channel_sections(LONGER)[-1]
    assert section.splitlines() == [
        "# Konto bei einem Faxdienst. Leer heißt: nicht eingerichtet.",
        "[fax]",
        "# Adresse des Faxdienstes.",
        '# base_url = "https://fax.example"',
        "# Zugangsschlüssel.",
        'token = ""',
        "# Auch Übungen senden.",
        "# exercises = false",
    ]
    assert tomllib.loads(section) == {"fax": {"token": ""}}
    assert load(tmp_path, section).channel(fax_channel.SPEC) == fax_channel.Config()


def test_doctor_says_how_it_stands(tmp_path: Path) -> None:
    """Set up, not set up, or on hold, by its label."""
    for more, held, grade in ((FAX, {}, Grade.OK), ("", {}, Grade.HINT), (FAX, {"fax": "401"}, Grade.PROBLEM)):
        finding = channel_findings(load(tmp_path, more), held, LONGER)[-1]
        assert (finding.level, finding.what.split()[0]) == (grade, "Fax")


def test_it_reaches_its_host_and_nothing_else(tmp_path: Path) -> None:
    """Its own host over https; in the demo this machine only. Other channels may not reach its host."""
    policies = EgressPolicies.for_settings(load(tmp_path), LONGER)
    assert policies.of("fax").refusal(URL("https://fax.siegen.example/send")) == ""
    for url in ("http://fax.siegen.example/", "https://fax.example/", "https://siegen.example/"):
        assert policies.of("fax").refusal(URL(url))
    for other in [spec.name for spec in TABLE if not spec.any_public_host] + ["unheard-of"]:
        assert policies.of(other).refusal(URL("https://fax.siegen.example/send"))
    demo = EgressPolicies.loopback().of("fax")
    assert demo.refusal(URL("https://fax.siegen.example/send"))
    assert demo.refusal(URL("http://127.0.0.1:1/send")) == ""


def test_it_has_one_target(tmp_path: Path) -> None:
    """Which takes part in exercises in the demo, or where its settings say so."""
    for more, demo, joined in ((FAX, False, False), (FAX + "exercises = true\n", False, True), (FAX, True, True)):
        found = channel_registry.account_targets(load(tmp_path, more), demo=demo, table=LONGER)
        (target,) = (target for target in found if target.channel == "fax")
        assert (target.label, target.everywhere, target.joined) == ("Fax", True, joined)


async def test_it_is_built_with_an_egress_of_its_own(tmp_path: Path) -> None:
    """Beside the others, under the policy of its name."""
    settings = load(tmp_path)
    table = channel_registry.build(
        settings,
        EgressPolicies.for_settings(settings, LONGER),
        city=CITY,
        situation=NothingHappens(),
        events=MemoryEvents(),
        vapid=PeerVapid(),
        clock=SettableClock(),
        table=LONGER,
    )
    await table.close()
    assert list(table.channels)[-1] == "fax"
    assert table.channels["fax"].unavailable_reason == ""
    assert table.capabilities["fax"] == fax_channel.Fax.capabilities
    assert table.egresses[-1].policy.refusal(URL("https://fax.siegen.example/send")) == ""


@asynccontextmanager
async def fax(base_url: str = "") -> AsyncIterator[Bench]:
    """Its one fake: a server that says yes."""
    async with ScriptedServer() as service:
        config = fax_channel.Config(base_url=base_url or service.base_url, token=SecretStr(SECRET))
        async with made(fax_channel.SPEC, config) as bench:
            yield bench


async def test_it_joins_the_groups_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its row alone it is an account, on the network, does not edit and must not be repeated; the suite holds it."""
    assert "fax" in channel_benches.accounts(LONGER)
    assert "fax" in channel_benches.over_network(LONGER)
    assert "fax" not in channel_benches.editing(LONGER)
    assert not channel_benches.repeatable("fax", "1", LONGER)
    monkeypatch.setitem(BENCHES, "fax", fax)
    await test_channels.test_introduces_itself("fax")
    await test_channels.test_one_outcome_per_target_in_order("fax")
    await test_channels.test_accepts_every_kind("fax")
    await test_channels.test_unreachable_service_is_tried_again("fax")
    await test_channels.test_blocked_address_holds_the_channel("fax")
    await test_channels.test_channels_without_credentials_say_so(fax_channel.SPEC)
    async with BENCHES["fax"]() as bench:
        assert await bench.send(message(), None) == [Accepted()]
