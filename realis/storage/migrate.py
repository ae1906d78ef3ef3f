"""Migration of a database to the schema this program needs. Idempotent: safe at every start."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from realis.storage.database import Database, Lock
from realis.storage.schema import metadata


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("realis.storage") / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def upgrade(database: Database) -> None:
    """Run every missing migration, then refresh PostgreSQL's statistics (ANALYZE)."""
    async with database.write() as connection:
        await database.lock(connection, Lock.MIGRATE)
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
        if not database.is_sqlite:
            # After an import or a restore PostgreSQL has no statistics, and plans one index lookup for every target of
            # a city.
            await connection.execute(text("ANALYZE"))


async def is_current(database: Database) -> bool:
    """Whether the schema is the newest, or of a later release: migrations only add, so that one serves as well."""

    def compare(sync: Connection) -> bool:
        scripts = ScriptDirectory.from_config(_config(sync))
        current, head = MigrationContext.configure(sync).get_current_revision(), scripts.get_current_head()
        known = {script.revision for script in scripts.walk_revisions()}
        return current == head or (current is not None and current not in known)

    async with database.read() as connection:
        return bool(await connection.run_sync(compare))


async def differences(database: Database) -> list[object]:
    """Return the differences of the migrated schema from ``schema.py``; empty when they agree (for tests)."""

    def compare(sync: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(sync), metadata))

    async with database.read() as connection:
        return list(await connection.run_sync(compare))
