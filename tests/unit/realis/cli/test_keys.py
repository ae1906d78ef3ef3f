"""``realis keys`` over a real record: who is told, who is asked first, and what is still readable afterwards."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner, Result

from realis.app.clock import SystemClock
from realis.app.settings import Settings
from realis.app.wiring import open_database
from realis.cli.init import SetupAnswers, write_settings
from realis.cli.main import app
from realis.keystore.keys import Keys
from realis.model.audit import stored_facts
from realis.ports.targets import NewTarget
from realis.storage import audit
from realis.storage.addresses import AddressBook
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.targets import SqlTargets

T = TypeVar("T")
SILENCE, PAIR = "--yes-silence-every-phone", "--yes-pair-every-screen-again"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An installation with keys, two phones and a screen."""
    file = tmp_path / "realis.toml"
    write_settings(file, SetupAnswers("Siegen", "Stadt Siegen", 50.87, 8.02, 8.0, "admin", "http://localhost:8080"))
    file.write_text(file.read_text().replace('"var/realis"', f'"{tmp_path / "data"}"'))
    (tmp_path / "data").mkdir()
    keys = Keys.open(tmp_path / "data/keys")

    async def furnish(database: Database) -> None:
        targets = SqlTargets(database, AddressBook(keys), SystemClock())
        for number in (1, 2):
            await targets.put(NewTarget("webpush", f"address {number}", f"print {number}", "de", everywhere=True))
        await targets.put(NewTarget("display", "screen", "screen:Markt", "de", everywhere=True, label="Markt"))

    inside(file, furnish)
    return file


def inside(config: Path, work: Callable[[Database], Awaitable[T]]) -> T:
    """What some work on the installation's database finds."""

    async def go() -> T:
        database = await open_database(Settings.load(config), demo=False)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(go())


def keys_of(config: Path) -> Keys:
    """The keys as a start would read them."""
    return Keys.open(config.parent / "data/keys", create=False, expect_existing=True)


def realis(config: Path, *arguments: str) -> Result:
    """The command's end and what it said, in single spaces."""
    return CliRunner().invoke(app, ["keys", *arguments, "--config", str(config)], terminal_width=200)


def said(result: Result) -> str:
    """Its words in single spaces."""
    return " ".join(result.output.split())


def trail(config: Path) -> list[tuple[str, str, str]]:
    """Action, subject and detail of what was recorded, the newest first; the chain must hold."""

    async def read(database: Database) -> list[tuple[str, str, str]]:
        assert (await audit.verify(database)).broken_at == 0
        lines = await SqlDesk(database, SystemClock()).trail()
        return [(line.action, line.subject, line.detail) for line in lines]

    return inside(config, read)


def phones(config: Path) -> int:
    """How many are subscribed."""
    keys = keys_of(config)
    return inside(config, lambda database: SqlTargets(database, AddressBook(keys), SystemClock()).count("webpush"))


def test_the_list_shows_ids_and_no_key(config: Path) -> None:
    """Every kind with its id, what it is for, and the certificate's fingerprint."""
    shown = realis(config, "list")
    assert shown.exit_code == 0, shown.output
    for kind, key_id in keys_of(config).current.items():
        assert kind in shown.output
        assert key_id in shown.output
    assert "in Gebrauch" in shown.output
    assert "SHA-256" in shown.output
    assert "PRIVATE" not in shown.output


def test_addresses_sealed_before_are_opened_after(config: Path) -> None:
    """Old and new are read by a process that started before and by one that starts after; the change is recorded."""
    before = keys_of(config)
    old = before.seal("https://push.example/1", "target:1")
    done = realis(config, "rotate", "seal")
    assert done.exit_code == 0, done.output
    after = keys_of(config)
    assert after.current["seal"] != before.current["seal"]
    new = after.seal("https://push.example/2", "target:2")
    assert [after.open_sealed(old, "target:1"), after.open_sealed(new, "target:2")] == [
        "https://push.example/1",
        "https://push.example/2",
    ]
    assert before.open_sealed(new, "target:2") == "https://push.example/2"
    facts = {"key": "seal", "old": before.current["seal"], "new": after.current["seal"]}
    assert trail(config)[0] == ("key.rotated", "seal", stored_facts(facts))
    assert "Starten Sie jetzt alle Prozesse neu" in said(done)
    assert {kind: after.current[kind] for kind in after.current if kind != "seal"} == {
        kind: before.current[kind] for kind in before.current if kind != "seal"
    }
    assert phones(config) == 2


def test_a_certificate_can_be_announced_before_it_is_used(config: Path) -> None:
    """Both are published, the one in use first; announcing twice makes one; the announced one takes over."""
    keys = keys_of(config)
    first = keys.cap_certificate
    assert keys.cap_certificates() == first
    for _ in range(2):
        announced = realis(config, "announce")
        assert announced.exit_code == 0, announced.output
    assert keys_of(config).cap_certificate == first
    both = keys.cap_certificates()
    assert both.startswith(first)
    assert both.count(b"BEGIN CERTIFICATE") == 2
    assert "angekündigt" in realis(config, "list").output
    assert realis(config, "rotate", "cap").exit_code == 0
    now = keys_of(config)
    assert now.cap_certificates() == now.cap_certificate + first
    assert both == first + now.cap_certificate
    assert "früher" in realis(config, "list").output
    for ending in ("pem", "crt"):
        (keys.directory / f"cap-{keys.current['cap']}.{ending}").unlink()
    assert keys_of(config).cap_certificates() == now.cap_certificate, "a leaked one can be taken away"
    assert [line[0] for line in trail(config)[:3]] == ["key.rotated", "key.announced", "key.announced"]


def test_phones_are_not_silenced_by_accident(config: Path) -> None:
    """Without the long word nothing changes; with it the old subscriptions are gone with the old key."""
    before = keys_of(config).current["vapid"]
    refused = realis(config, "rotate", "vapid")
    assert refused.exit_code == 1
    assert "2 angemeldete Telefone" in said(refused)
    assert SILENCE in said(refused)
    assert (keys_of(config).current["vapid"], phones(config)) == (before, 2)
    assert realis(config, "rotate", "vapid", PAIR).exit_code == 1
    assert realis(config, "rotate", "vapid", SILENCE).exit_code == 0
    assert keys_of(config).current["vapid"] != before
    assert phones(config) == 0
    assert realis(config, "rotate", "vapid").exit_code == 0, "nobody is left to be silenced"


def test_vapid_waits_until_nothing_runs(config: Path) -> None:
    """A program that runs would go on handing out the old key."""
    with (config.parent / "data/serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = realis(config, "rotate", "vapid", SILENCE)
        assert refused.exit_code == 1
        assert "Beenden Sie es zuerst" in said(refused)
        assert phones(config) == 2
        done = realis(config, "rotate", "seal")
        assert "läuft noch ein realis serve mit dem alten Schlüssel" in said(done)


def test_screens_are_not_cut_off_by_accident(config: Path) -> None:
    """They believe the key they were paired with; only who says so makes them need another pairing."""
    before = keys_of(config).current["frame"]
    refused = realis(config, "rotate", "frame")
    assert refused.exit_code == 1
    assert "1 Bildschirme" in said(refused)
    assert keys_of(config).current["frame"] == before
    done = realis(config, "rotate", "frame", PAIR)
    assert done.exit_code == 0
    assert "realis display add" in said(done)
    assert keys_of(config).current["frame"] != before


def test_fingerprints_stay(config: Path) -> None:
    """With a new one nobody could be found again; said, and nothing is made."""
    files = sorted((config.parent / "data/keys").iterdir())
    refused = realis(config, "rotate", "fingerprint", SILENCE, PAIR)
    assert refused.exit_code == 1
    assert "lässt sich nicht ablösen" in said(refused)
    assert sorted((config.parent / "data/keys").iterdir()) == files
    assert [line[0] for line in trail(config)] == []


def test_before_the_first_start_there_is_nothing_to_rotate(tmp_path: Path, config: Path) -> None:
    """No keys are made by asking for them."""
    (config.parent / "data/keys/current.json").unlink()
    for command in (("rotate", "seal"), ("announce",)):
        refused = realis(config, *command)
        assert refused.exit_code == 1
        assert "noch keine Schlüssel" in said(refused)
