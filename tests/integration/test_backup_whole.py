"""``realis backup`` beside a running program and ``realis restore`` elsewhere: all of it comes back, or nothing."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from realis.app.settings import Settings
from realis.cli import encrypted_file
from realis.cli.encrypted_file import EncryptedWriter
from realis.cli.init import SetupAnswers, write_settings
from realis.cli.main import app
from tests.fakes.push_service import phone
from tests.support.installation import Subscriber, installation, ledger, seed

WORDS = "fünf Gänse am Wehr"
PHONES = [Subscriber(phone(f"http://127.0.0.1:9/{number}"), ()) for number in range(20)]


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Guessing may be cheap here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encrypted_file, "SCRYPT_N", 2**4)
        yield


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """The passphrase in a file of one's own."""
    file = tmp_path / "words"
    file.touch(mode=0o600)
    file.write_text(WORDS + "\n", encoding="utf-8")
    return file


def settings_file(folder: Path) -> Path:
    """Settings as ``realis init`` writes them, on free ports."""
    folder.mkdir()
    file = folder / "realis.toml"
    write_settings(file, SetupAnswers("Siegen", "Stadt Siegen", 50.87, 8.02, 8.0, "admin", "http://localhost:8080"))
    text = file.read_text().replace('"var/realis"', f'"{folder / "data"}"').replace("pause_s = 10", "pause_s = 0")
    file.write_text(text.replace("port = 8080", "port = 0").replace("port = 8081", "port = 0"))
    return file


def realis(*arguments: object) -> Result:
    """A command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(result: Result) -> str:
    """Its words in single spaces."""
    return " ".join(result.output.split())


async def city(config: Path) -> Settings:
    """An installation with people, and a warning that was issued."""
    settings = Settings.load(config)
    await seed(settings, PHONES)
    return settings


async def test_a_backup_taken_while_it_runs_comes_back_elsewhere(tmp_path: Path, words: Path) -> None:
    """Same warnings, same people, same keys, unbroken chain; the program serves from it at once."""
    config, file = settings_file(tmp_path / "before"), tmp_path / "city.backup"
    settings = await city(config)
    async with installation(tmp_path, config=settings) as running:
        incident = await running.issue(running.content("altstadt", channels=("feeds",)))
        await running.finished(incident)
        made = await asyncio.to_thread(realis, "backup", file, "--passphrase-file", words, "--config", config)
        assert made.exit_code == 0, made.output
        certificate = running.core.keys.cap_certificate
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"SQLite format" not in file.read_bytes()
    assert not [path.name for path in settings.data_dir.iterdir() if path.name.startswith(".backup")]

    config.rename(tmp_path / "gone.toml")
    settings.data_dir.rename(tmp_path / "gone")
    back = await asyncio.to_thread(realis, "restore", file, "--passphrase-file", words, "--config", config)
    assert back.exit_code == 0, back.output
    assert "Kette unversehrt" in said(back)
    assert config.read_bytes() == (tmp_path / "gone.toml").read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (settings.data_dir / "keys").iterdir()} == {0o600}
    assert settings.data_dir.stat().st_mode & 0o777 == 0o700
    assert ledger(settings.data_dir / "realis.db") == ledger(tmp_path / "gone/realis.db")
    async with installation(tmp_path, config=Settings.load(config)) as again:
        assert len(await again.core.desk.overview.chain(incident)) == 1
        assert again.core.keys.cap_certificate == certificate
        assert await again.core.targets.count("webpush") == len(PHONES)
        actions = [line.action for line in await again.core.desk.overview.trail()]
        assert actions[:1] == ["backup.restored"]
        assert "backup.made" in actions


def test_nothing_is_put_in_place_that_is_not_whole(tmp_path: Path, words: Path) -> None:
    """Wrong words, a changed byte, a cut, strange contents: each is said, and the directory stays as it was."""
    config, file = settings_file(tmp_path / "city"), tmp_path / "city.backup"
    settings = asyncio.run(city(config))
    assert realis("backup", file, "--passphrase-file", words, "--config", config).exit_code == 0
    settings.data_dir.rename(tmp_path / "gone")
    content = file.read_bytes()
    other = tmp_path / "other"
    other.touch(mode=0o600)
    other.write_text("ganz andere Worte")
    bad = tmp_path / "bad.backup"
    before = sorted(config.parent.iterdir())
    for broken, phrase, why in (
        (content, other, "Passphrase stimmt nicht"),
        (content[:-100], words, "beschädigt oder abgeschnitten"),
        (content[:-3000] + b"\0" * 3000, words, "beschädigt"),
        (b"nothing of the kind", words, "keine Sicherung"),
        (forged("../../outside", config), words, "nicht hineingehört"),
        (forged("keys/cap-0123abcd.sh", config), words, "nicht hineingehört"),
        (forged("keys/cap-0123abcd.pem", config, link=True), words, "nicht hineingehört"),
        (forged("keys/cap-0123abcd.pem", config), words, "fehlt die Datenbank"),
    ):
        bad.write_bytes(broken)
        refused = realis("restore", bad, "--passphrase-file", phrase, "--config", config)
        assert refused.exit_code == 1, why
        assert why in said(refused), refused.output
        assert sorted(config.parent.iterdir()) == before
    assert realis("restore", file, "--passphrase-file", words, "--config", config).exit_code == 0


def forged(name: str, config: Path, *, link: bool = False) -> bytes:
    """A sealed archive with one member that the program never wrote."""
    file = io.BytesIO()
    with EncryptedWriter(file, WORDS) as sealed, tarfile.open(fileobj=sealed, mode="w|") as tar:
        tar.add(config, "realis.toml")
        member = tarfile.TarInfo(name)
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    return file.getvalue()


def test_nothing_is_overwritten(tmp_path: Path, words: Path) -> None:
    """Neither a backup that exists nor a directory that is in use; short words and open files are refused."""
    config, file = settings_file(tmp_path / "city"), tmp_path / "city.backup"
    nothing = realis("backup", file, "--passphrase-file", words, "--config", config)
    assert "nichts zu sichern" in said(nothing)
    asyncio.run(city(config))
    assert realis("backup", file, "--passphrase-file", words, "--config", config).exit_code == 0
    first = file.read_bytes()
    assert "gibt es schon" in said(realis("backup", file, "--passphrase-file", words, "--config", config))
    assert "ist nicht leer" in said(realis("restore", file, "--passphrase-file", words, "--config", config))
    assert file.read_bytes() == first
    words.write_text("kurz")
    assert "kürzer als 12" in said(realis("backup", f"{file}2", "--passphrase-file", words, "--config", config))
    words.chmod(0o644)
    assert "chmod 600" in said(realis("backup", f"{file}2", "--passphrase-file", words, "--config", config))
    assert "ließ sich nicht schreiben" in said(
        CliRunner().invoke(
            app, ["backup", str(tmp_path / "none/x"), "--config", str(config)], input=f"{WORDS}\n{WORDS}\n"
        )
    )


def test_with_postgresql_it_says_what_to_do(tmp_path: Path, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is elsewhere then; the commands for it are named."""
    config = settings_file(tmp_path / "city")
    monkeypatch.setenv("REALIS_DATABASE_URL", "postgresql+asyncpg://realis@127.0.0.1:9/realis")
    refused = realis("backup", tmp_path / "x", "--passphrase-file", words, "--config", config)
    assert refused.exit_code == 1
    assert "pg_dump" in said(refused)
