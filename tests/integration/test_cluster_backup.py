"""Backup and restore as docs/operate.md says: database first, then keys; back in the other order."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from realis.keystore.keys import Keys
from realis.model.errors import InvalidInput
from realis.storage import audit
from realis.storage.addresses import AddressBook
from realis.storage.database import Database
from realis.storage.schema import addresses, alerts
from tests.fakes.postgres import ROLE, PostgresServer, postgres_server
from tests.fakes.push_service import phone
from tests.support.installation import Subscriber, installation, seed, settings

PHONES = [Subscriber(phone(f"http://127.0.0.1:9/{number}"), ("hafen",)) for number in range(20)]


async def opened(url: str, keys: Keys) -> Sequence[str]:
    """Every address in a record, in clear."""
    database, book = Database(url), AddressBook(keys)
    try:
        async with database.read() as connection:
            rows = (await connection.execute(select(addresses))).all()
    finally:
        await database.close()
    return [book.open(row.target_id, row.sealed) for row in rows]


async def record(url: str) -> tuple[list[str], audit.AuditVerdict]:
    """The identifiers of what was issued, and whether the audit chain holds."""
    database = Database(url)
    try:
        async with database.read() as connection:
            issued = list((await connection.execute(select(alerts.c.identifier))).scalars())
        return issued, await audit.verify(database)
    finally:
        await database.close()


async def test_one_machine(tmp_path: Path) -> None:
    """Taken while it runs, put into an empty directory: same warnings, same chain, every address opens, it serves."""
    before = settings(tmp_path / "before")
    await seed(before, PHONES)
    backup = tmp_path / "backup"
    backup.mkdir()
    async with installation(tmp_path, config=before) as running:
        incident = await running.issue(running.content("altstadt"))
        with closing(sqlite3.connect(before.data_dir / "realis.db")) as database:
            database.execute("VACUUM INTO ?", (str(backup / "realis.db"),))
        shutil.copytree(before.data_dir / "keys", backup / "keys")

    after = settings(tmp_path / "after")
    after.data_dir.mkdir(parents=True)
    shutil.copytree(backup / "keys", after.data_dir / "keys")
    shutil.copy(backup / "realis.db", after.data_dir / "realis.db")
    issued, verdict = await record(after.database_url)
    assert [identifier.split(".")[1] for identifier in issued] == [str(incident)]
    assert verdict.broken_at == 0
    assert verdict.entries > 0
    keys = Keys.open(after.data_dir / "keys", create=False)
    assert len(await opened(after.database_url, keys)) >= len(PHONES)
    async with installation(tmp_path, config=after) as again:
        assert len(await again.core.desk.overview.chain(incident)) == 1


async def test_many_machines(tmp_path: Path) -> None:
    """pg_dump and pg_restore with the keys: the restored record opens with them, and with no others."""
    with postgres_server() as postgres:
        config = settings(tmp_path, database_url=postgres.database())
        await seed(config, PHONES)
        async with installation(tmp_path, config=config) as running:
            await running.issue(running.content("altstadt"))
            dump(postgres, config.database_url, tmp_path / "realis.dump")
        shutil.copytree(config.data_dir / "keys", tmp_path / "keys")
        restored = postgres.empty()
        restore(postgres, restored, tmp_path / "realis.dump")
        before, after = await record(config.database_url), await record(restored)
        assert after[0] == before[0] != []
        assert after[1].broken_at == 0
        assert len(await opened(restored, Keys.open(tmp_path / "keys", create=False))) >= len(PHONES)
        with pytest.raises(InvalidInput, match="sealed-by-other-keys"):
            await opened(restored, Keys.open(tmp_path / "others"))


def name(url: str) -> str:
    """The database an address names."""
    return url.split("/")[3].split("?")[0]


def dump(server: PostgresServer, url: str, file: Path) -> None:
    """As documented."""
    command = ["pg_dump", "-h", str(server.folder), "-U", ROLE, "-Fc", "-f", str(file), name(url)]
    subprocess.run(command, check=True, timeout=60)


def restore(server: PostgresServer, url: str, file: Path) -> None:
    """As documented."""
    where = ["-h", str(server.folder), "-U", ROLE, "-d", name(url)]
    subprocess.run(["pg_restore", *where, "--clean", "--if-exists", str(file)], check=True, timeout=60)
