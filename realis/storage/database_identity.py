"""The identity of a database: made by the demo or by a real start, and whether it holds push subscriptions."""

from __future__ import annotations

from sqlalchemy import func, inspect, select

from realis.model.errors import ConfigurationError
from realis.storage.database import Database, Lock, insert
from realis.storage.schema import incidents, meta, targets, users

_KIND, _DEMO, _REAL = "kind", "demo", "real"


async def check_mark(database: Database, *, demo: bool) -> None:
    """Mark a new database. Raises ``ConfigurationError`` for a real one in the demo and a demo's in a real start."""
    wanted = _DEMO if demo else _REAL
    async with database.write() as connection:
        await database.lock(connection, Lock.MIGRATE)
        found = (await connection.execute(select(meta.c.value).where(meta.c.key == _KIND))).scalar()
        if found is None:
            for table in (users, incidents):
                used = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                if used and demo:
                    raise _refused(demo=demo)
            await connection.execute(insert(connection, meta).values(key=_KIND, value=wanted))
        elif found != wanted:
            raise _refused(demo=demo)


def _refused(*, demo: bool) -> ConfigurationError:
    if demo:
        return ConfigurationError(
            "`--demo` arbeitet nur mit einer Datenbank, die es selbst angelegt hat.",
            remedy="Wählen Sie ein leeres Verzeichnis mit --data-dir.",
        )
    return ConfigurationError(
        "Diese Datenbank gehört der Demo; ihre Konten dürfen nirgends sonst gelten.",
        remedy="Wählen Sie in den Einstellungen ein anderes data_dir.",
    )


async def refuse_foreign(database: Database, *, demo: bool) -> None:
    """Raise ``ConfigurationError`` for a database of the other sort; read-only, so safe before any migration."""
    async with database.read() as connection:
        if not await connection.run_sync(lambda sync: inspect(sync).has_table(meta.name)):
            return
        found = (await connection.execute(select(meta.c.value).where(meta.c.key == _KIND))).scalar()
    if found is not None and found != (_DEMO if demo else _REAL):
        raise _refused(demo=demo)


async def has_subscriptions(database: Database) -> bool:
    """Whether there are push subscriptions, which stop working when the VAPID key is lost."""
    query = select(targets.c.id).where(targets.c.channel == "webpush", targets.c.active).limit(1)
    async with database.read() as connection:
        return (await connection.execute(query)).first() is not None
