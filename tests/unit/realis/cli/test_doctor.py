"""``realis doctor`` over real files, databases, ports and certificates on this machine."""

from __future__ import annotations

import asyncio
import fcntl
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from realis.app.clock import SystemClock
from realis.app.diagnostics import CheckResult, Grade
from realis.app.settings import Settings
from realis.app.wiring import open_database
from realis.cli import doctor
from realis.cli.init import SetupAnswers, write_settings
from realis.cli.main import app
from realis.keystore.keys import Keys
from realis.model.audit import AuditAction
from realis.policy.approval import Role
from realis.ports.stores import AuditEntry
from realis.ports.targets import NewTarget
from realis.storage.addresses import AddressBook
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.people import SqlUsers
from realis.storage.schema import audit, holds
from realis.storage.targets import SqlTargets


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings as `realis init` writes them; nothing was started yet. The clock is taken to be in step."""
    file = tmp_path / "realis.toml"
    write_settings(file, SetupAnswers("Siegen", "Stadt Siegen", 50.87, 8.02, 8.0, "admin", "http://localhost:8080"))
    text = file.read_text().replace('"var/realis"', f'"{tmp_path / "data"}"')
    file.write_text(text.replace("port = 8080", "port = 1").replace("port = 8081", "port = 1"))
    monkeypatch.setattr(doctor, "clock_is_synchronised", lambda: True)
    return file


async def furnished(config: Path) -> Database:
    """Everything a first start makes, and two people."""
    settings = Settings.load(config)
    database = await open_database(settings, demo=False)
    Keys.open(settings.data_dir / "keys")
    users = SqlUsers(database, SystemClock())
    await users.add("a", frozenset({Role.CAPTURE}), password_hash="x", must_change=True)
    await users.add("b", frozenset({Role.RELEASE}), password_hash="x", must_change=True)
    await SqlDesk(database, SystemClock()).note(AuditEntry("system", AuditAction.BACKUP_MADE, "x"))
    return database


def problems(found: list[CheckResult]) -> list[str]:
    """What is wrong, in words."""
    return [finding.what for finding in found if finding.level is Grade.PROBLEM]


def test_no_settings_is_said_plainly(tmp_path: Path) -> None:
    """Without a file the command says how to make one, and ends with 1."""
    done = CliRunner().invoke(app, ["doctor", "--config", str(tmp_path / "none.toml")])
    assert done.exit_code == 1
    assert "realis init" in done.output


def test_a_new_installation_has_hints_only(config: Path) -> None:
    """Before the first start nothing is a problem, and nothing is made."""
    done = CliRunner().invoke(app, ["doctor", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "legt es beim ersten Start an" in done.output
    assert not (config.parent / "data").exists()


async def test_a_furnished_installation_is_in_order(config: Path) -> None:
    """Database, keys, audit chain and people are found fine."""
    await (await furnished(config)).close()
    found = await doctor.examine(config)
    assert problems(found) == []
    said = " ".join(finding.what for finding in found)
    for word in ("Datenbank erreichbar", "Schlüssel vorhanden", "Protokoll unversehrt", "zwei Personen"):
        assert word in said


async def test_open_and_lost_keys_are_found(config: Path) -> None:
    """A key others may read, and one that is missing while people are subscribed."""
    database = await furnished(config)
    folder = config.parent / "data" / "keys"
    book = AddressBook(Keys.open(folder))
    await SqlTargets(database, book, SystemClock()).put(NewTarget("webpush", "a", "a", "de", everywhere=True))
    await database.close()
    (vapid,) = folder.glob("vapid-*.pem")
    vapid.chmod(0o644)
    assert "dürfen" in problems(await doctor.examine(config))[0]
    vapid.unlink()
    assert "fehlt" in problems(await doctor.examine(config))[0]
    (folder / "current.json").unlink()
    assert "stumm" in problems(await doctor.examine(config))[0]
    assert not (folder / "current.json").exists(), "nothing was made anew"


async def test_a_changed_audit_entry_is_found(config: Path) -> None:
    """Whoever rewrites the record is seen."""
    database = await furnished(config)
    async with database.write() as connection:
        await connection.execute(audit.update().values(actor="somebody else"))
    await database.close()
    assert "ab Eintrag 1 verändert" in problems(await doctor.examine(config))[0]


async def test_a_held_channel_is_a_problem(config: Path) -> None:
    """With its reason."""
    database = await furnished(config)
    async with database.write() as connection:
        await connection.execute(holds.insert().values(channel="mastodon", since=SystemClock().now(), reason="401"))
    await database.close()
    assert problems(await doctor.examine(config)) == ["Mastodon ist angehalten: 401"]


async def test_a_clock_behind_the_record_is_a_problem(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can have been written in the future."""
    await (await furnished(config)).close()
    wrong = SystemClock().now().replace(year=2020)
    monkeypatch.setattr(SystemClock, "now", lambda _self: wrong)
    assert any("geht gegenüber der Datenbank" in what for what in problems(await doctor.examine(config)))


async def test_a_demo_and_a_damaged_database_are_problems(config: Path) -> None:
    """A demo's database is refused, and a file that is none says so instead of failing."""
    settings = Settings.load(config)
    await (await open_database(settings, demo=True)).close()
    assert "gehört der Demo" in problems(await doctor.examine(config))[0]
    for file in settings.data_dir.glob("realis.db*"):
        file.unlink()
    (settings.data_dir / "realis.db").write_bytes(b"no database at all" * 100)
    assert "Datenbank arbeitet nicht" in problems(await doctor.examine(config))[0]


async def test_an_old_schema_is_a_problem(config: Path) -> None:
    """A database without our tables asks for the upgrade."""
    settings = Settings.load(config)
    settings.data_dir.mkdir()
    (settings.data_dir / "realis.db").touch()
    assert "anderen Version" in problems(await doctor.examine(config))[0]


async def test_a_silent_gateway_is_a_problem_while_the_program_runs(config: Path) -> None:
    """While somebody holds the lock of `realis serve`, its ports must answer."""
    await (await furnished(config)).close()
    with (config.parent / "data" / "serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert [what.split(" antwortet")[0] for what in problems(await doctor.examine(config))] == [
            "Die Webseite",
            "Das Gateway der Bildschirme",
        ]
    assert problems(await doctor.examine(config)) == []


async def test_ports_and_redis_are_asked() -> None:
    """A listening port answers, a closed one does not; no Redis set is neither."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await doctor.port_answers("0.0.0.0", port)
    assert not await doctor.port_answers("127.0.0.1", 1)
    assert await doctor.redis_answers("") is None
    assert await doctor.redis_answers("redis://127.0.0.1:1/0") is False


@contextmanager
def certified(folder: Path, days: int) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    """A server's context with a certificate for localhost, and one that trusts it."""
    file, now = folder / "cert.pem", SystemClock().now()
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    yield serving, ssl.create_default_context(cafile=str(file))


@pytest.mark.parametrize(("days", "level"), [(3, Grade.HINT), (90, Grade.OK)])
async def test_the_certificate_is_read_by_connecting(tmp_path: Path, days: int, level: Grade) -> None:
    """What a browser would see counts; one that nobody trusts is a problem with its reason."""
    with certified(tmp_path, days) as (serving, trusting):
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "localhost", 0, ssl=serving)
        async with server:
            url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
            seen = await doctor.look_at_certificate(url, SystemClock().now(), trusting)
            strange = await doctor.look_at_certificate(url, SystemClock().now())
    assert seen.level is level
    assert strange.level is Grade.PROBLEM
    assert "self-signed" in strange.what


async def test_a_certificate_of_nobody_is_a_problem() -> None:
    """Where nothing listens, that is said."""
    found = await doctor.look_at_certificate("https://localhost:1", SystemClock().now())
    assert found.level is Grade.PROBLEM


def test_the_kernel_is_asked_about_ntp() -> None:
    """It answers yes, no or nothing, and never fails."""
    assert doctor.clock_is_synchronised() in (True, False, None)
