"""``realis backup`` and ``realis restore``: everything one machine needs, in one file that a passphrase opens."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sqlite3
import stat
import tarfile
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer
from sqlalchemy import select
from sqlalchemy.engine import make_url

from realis.app.clock import SystemClock
from realis.app.settings import Settings
from realis.app.wiring import open_database
from realis.cli import ask
from realis.cli.common import CONFIG, ConfigOption, database, fail, out, run, settings_from
from realis.cli.encrypted_file import EncryptedReader, EncryptedWriter
from realis.keystore.files import locked, write
from realis.keystore.keys import Keys
from realis.model.audit import AuditAction
from realis.model.errors import CommandError, RealisError
from realis.ports.stores import AuditEntry
from realis.storage import audit
from realis.storage.addresses import AddressBook
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.schema import addresses

ACTOR = "kommandozeile"
SETTINGS, RECORD, KEYS = "realis.toml", "realis.db", "keys"
SHORTEST_PASSPHRASE = 12
_KEY_FILE = re.compile(r"keys/(?:[a-z]+-[0-9a-f]{8}\.(?:pem|crt|key)|(?:current|next)\.json)")
_MOST_KEY_BYTES, _MOST_KEY_FILES, _MOST_SETTINGS_BYTES = 64 * 1024, 1000, 1024 * 1024
_COPY = 1024 * 1024
_LONGEST_S = 24 * 3600
_WITH_POSTGRES = (
    "Mit PostgreSQL: erst pg_dump, dann der Schlüsselordner, dann realis.toml. Die Befehle stehen in docs/operate.md."
)

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", exists=True, dir_okay=False, help="Passphrase in einer Datei, statt zu fragen"),
]


def backup(
    file: Annotated[Path, typer.Argument(metavar="DATEI", help="Wohin; die Datei darf es noch nicht geben")],
    passphrase_file: PassphraseFile = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Sichert Datenbank, Schlüssel und Einstellungen in eine verschlüsselte Datei, auch im laufenden Betrieb."""
    settings = settings_from(config)
    try:
        record = _record(settings)
        if file.exists():
            raise CommandError(f"{file} gibt es schon.", remedy="Nehmen Sie einen anderen Namen.")
        passphrase = _passphrase(passphrase_file, confirm=True)
        run(_note_backup(settings, file.name))
        _write(file, passphrase, config=config, record=record, keys=settings.data_dir / KEYS)
        with file.open("rb") as written:
            EncryptedReader(written, passphrase).finish()
    except RealisError as error:
        fail(error)
    except (OSError, sqlite3.Error) as error:
        fail(CommandError(f"Die Sicherung ließ sich nicht schreiben: {error}", where=str(file)))
    out.print(f"Gesichert und nachgelesen: {file}, {file.stat().st_size / 1e6:.1f} MB")
    out.print("Bewahren Sie die Passphrase getrennt davon auf: ohne sie öffnet niemand die Sicherung.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="DATEI", exists=True, dir_okay=False)],
    passphrase_file: PassphraseFile = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Stellt eine Sicherung in einem leeren data_dir wieder her; vorhandene Einstellungen bleiben, wie sie sind."""
    try:
        passphrase = _passphrase(passphrase_file, confirm=False)
        with file.open("rb") as opened:
            settings, verdict = _restore(opened, passphrase, config)
    except RealisError as error:
        fail(error)
    except tarfile.TarError as error:
        fail(CommandError(f"Die Sicherung hat nicht die erwartete Form: {error}", where=str(file)))
    except (OSError, sqlite3.Error) as error:
        fail(CommandError(f"Die Sicherung ließ sich nicht zurückspielen: {error}", where=str(file)))
    out.print(f"Zurückgespielt nach {settings.data_dir}. Protokoll: {verdict.entries} Einträge, Kette unversehrt,")
    out.print(f"letzte Prüfsumme {verdict.last_digest}", soft_wrap=True)
    out.print("Vergleichen Sie sie mit Ihrem Kontrollpunkt. `realis serve` sendet, was in der Sicherung offen war und")
    out.print("vielleicht schon gesendet ist; was danach ausgegeben wurde, fehlt. Siehe docs/operate.md, „Restore“.")


# ---- writing


def _write(file: Path, passphrase: str, *, config: Path, record: Path, keys: Path) -> None:
    """Write the file wholly or not at all. The record is copied before the keys: keys are only ever added."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with _copied(record) as copy, open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as raw:
            with (
                EncryptedWriter(raw, passphrase) as sealed,
                tarfile.open(fileobj=sealed, mode="w|", dereference=True) as tar,
            ):
                tar.add(config, SETTINGS)
                tar.add(copy, RECORD)
                with locked(keys):
                    for path in sorted(keys.iterdir()):
                        if _KEY_FILE.fullmatch(f"{KEYS}/{path.name}"):
                            tar.add(path, f"{KEYS}/{path.name}")
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _copied(record: Path) -> Iterator[Path]:
    """The record as it is at one moment, beside it and as private; gone afterwards."""
    for left_behind in record.parent.glob(".backup-*.db"):
        if SystemClock().now().timestamp() - left_behind.stat().st_mtime > _LONGEST_S:
            left_behind.unlink(missing_ok=True)  # by one that was killed; it is as secret as the record
    copy = record.with_name(f".backup-{secrets.token_hex(4)}.db")
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(f"file:{record}?mode=rw", uri=True, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(copy),))
        yield copy
    finally:
        copy.unlink(missing_ok=True)


async def _note_backup(settings: Settings, name: str) -> None:
    async with database(settings) as opened:
        await SqlDesk(opened, SystemClock()).note(
            AuditEntry(ACTOR, AuditAction.BACKUP_MADE, "backup", {"file": name[:100]})
        )


# ---- reading


def _restore(opened: IO[bytes], passphrase: str, config: Path) -> tuple[Settings, audit.AuditVerdict]:
    """Unpack and check everything beside the data directory, and put it in place at the end."""
    sealed = EncryptedReader(opened, passphrase)
    with tarfile.open(fileobj=sealed, mode="r|") as tar, _settings(tar, config) as (settings, found):
        _refuse_in_use(settings)
        target = settings.data_dir.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = target.with_name(f".restore-{secrets.token_hex(4)}")
        staging.mkdir(mode=0o700)
        try:
            _unpack(tar, staging)
            sealed.finish()
            verdict = run(_checked(settings, staging))
            if found:
                found.rename(config)
            staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return settings, verdict


@contextmanager
def _settings(tar: tarfile.TarFile, config: Path) -> Iterator[tuple[Settings, Path | None]]:
    """The settings that will hold, and the file to become ``config`` where there is none yet."""
    first = tar.next()
    if first is None or first.name != SETTINGS:
        raise CommandError("Der Sicherung fehlen die Einstellungen.")
    text = b"".join(_chunks(tar, first, _MOST_SETTINGS_BYTES))
    if config.exists():
        yield Settings.load(config), None
        return
    found = config.with_name(f".restore-{secrets.token_hex(4)}.toml")
    write(found, text)
    try:
        yield Settings.load(found), found
    finally:
        found.unlink(missing_ok=True)


def _refuse_in_use(settings: Settings) -> None:
    _record(settings, must_exist=False)
    if settings.data_dir.exists() and any(settings.data_dir.iterdir()):
        raise CommandError(
            f"{settings.data_dir} ist nicht leer; überschrieben wird nichts.",
            where="data_dir",
            remedy="Beenden Sie realis serve und benennen Sie das Verzeichnis um.",
        )


def _unpack(tar: tarfile.TarFile, staging: Path) -> None:
    """Write the record and the keys, and nothing else, as files only their owner can read."""
    (staging / KEYS).mkdir(mode=0o700)
    left = _MOST_KEY_FILES
    while (member := tar.next()) is not None:
        left -= 1
        is_record = member.name == RECORD
        if left < 0 or not (is_record or _KEY_FILE.fullmatch(member.name)):
            raise CommandError("In der Sicherung liegt etwas, das nicht hineingehört.", where=member.name[:100])
        with open(os.open(staging / member.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            for chunk in _chunks(tar, member, None if is_record else _MOST_KEY_BYTES):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    if not (staging / RECORD).exists():
        raise CommandError("Der Sicherung fehlt die Datenbank.")


def _chunks(tar: tarfile.TarFile, member: tarfile.TarInfo, most: int | None) -> Iterator[bytes]:
    source = tar.extractfile(member) if member.isreg() else None
    if source is None or (most is not None and member.size > most):
        raise CommandError("In der Sicherung liegt etwas, das nicht hineingehört.", where=member.name[:100])
    while chunk := source.read(_COPY):
        yield chunk


async def _checked(settings: Settings, staging: Path) -> audit.AuditVerdict:
    """The record opens, its chain holds, and the keys open every address in it; else an error says which not."""
    url = f"sqlite+aiosqlite:///{staging / RECORD}"
    keys = Keys.open(staging / KEYS, create=False)
    opened = await open_database(settings.model_copy(update={"data_dir": staging, "database_url": url}), demo=False)
    try:
        before = await audit.verify(opened)
        if before.broken_at:
            raise CommandError(f"Das Protokoll der Sicherung ist ab Eintrag {before.broken_at} verändert worden.")
        await _open_all(opened, AddressBook(keys))
        await SqlDesk(opened, SystemClock()).note(
            AuditEntry(ACTOR, AuditAction.BACKUP_RESTORED, "backup", {"digest": before.last_digest})
        )
        return before
    finally:
        await opened.close()


async def _open_all(opened: Database, book: AddressBook) -> None:
    async with opened.read() as connection:
        rows = await connection.stream(select(addresses))
        async for row in rows:
            book.open(row.target_id, row.sealed)


# ---- both


def _record(settings: Settings, *, must_exist: bool = True) -> Path:
    """Where the record of one machine lies. Raises ``CommandError`` where it is not a file of our own."""
    known = settings.data_dir.resolve() / RECORD
    if not settings.alone or Path(make_url(settings.database_url).database or "").resolve() != known:
        raise CommandError("Dieser Befehl sichert nur eine Datenbank in data_dir.", remedy=_WITH_POSTGRES)
    if must_exist and not known.exists():
        raise CommandError(f"{known} gibt es noch nicht; es gibt nichts zu sichern.", where="data_dir")
    return known


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    if file is not None:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CommandError(f"Andere Benutzer dürfen {file} lesen.", remedy=f"Führen Sie aus: chmod 600 {file}")
        given = file.read_text(encoding="utf-8").rstrip("\r\n")
    else:
        given = ask.secret("Passphrase der Sicherung", confirm=confirm)
    given = unicodedata.normalize("NFC", given)
    if confirm and len(given) < SHORTEST_PASSPHRASE:
        raise CommandError(
            f"Die Passphrase ist kürzer als {SHORTEST_PASSPHRASE} Zeichen.",
            where="passphrase",
            remedy="Nehmen Sie mehrere Wörter; die Sicherung enthält jede Adresse und jeden Schlüssel.",
        )
    return given
