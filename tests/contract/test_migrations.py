"""A city upgrades in the middle of a warning: an older schema with data, on both databases, brought to today's.

``tests/data/schema_0001.json`` holds rows that the program wrote when its schema was that of migrations 0001 and
0002, at ``FROZEN``: they stay as they are, whatever the program writes today. In them: a flood warning half sent on
``push`` (two accepted, one gone, one to be retried, a batch claimed with two) and sent on ``post``, whose expiries
wait; a second warning issued, whose planning has not begun; a third one submitted, waiting for its release.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Connection, LargeBinary, MetaData, Table, select, text
from sqlalchemy.types import Uuid

from realis.model.delivery import State
from realis.model.draft import DraftKind
from realis.storage import audit, migrate
from realis.storage.database import Database
from realis.storage.schema import metadata
from tests.contract.test_stores import DATABASES
from tests.fakes.clock import SettableClock
from tests.support.core_world import Town, build

ROWS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "schema_0001.json").read_text("utf-8")
)
FROZEN = datetime(2026, 11, 22, 2, 3, 10, tzinfo=UTC)
FLOOD, FIRE = UUID("01a20194-b0be-72fe-b7c2-a33c6e194ab0"), UUID("01a20194-b149-7593-8189-b8b5a3817b48")
SUBMITTED = UUID(next(row[0] for row in ROWS["drafts"]["rows"] if "submitted" in row))
FLOOD_PUSH, FLOOD_POST = 1, 2
OLD = ("0001", "0002")


def fill(connection: Connection, upto: str) -> None:
    """The old schema with its rows."""
    command.upgrade(migrate._config(connection), upto)
    old = MetaData()
    old.reflect(connection)
    for name in (table.name for table in metadata.sorted_tables if table.name in ROWS):
        table = old.tables[name]
        columns = ROWS[name]["columns"]
        values = [
            {column: _value(table, column, value) for column, value in zip(columns, row, strict=True)}
            for row in ROWS[name]["rows"]
        ]
        connection.execute(table.insert(), values)
        if connection.dialect.name == "postgresql" and "id" in columns:
            _count_on(connection, name)


def _value(table: Table, column: str, value: object) -> object:
    kind = table.c[column].type
    if isinstance(kind, LargeBinary) and isinstance(value, str):
        return b64decode(value)
    return UUID(value) if isinstance(kind, Uuid) and isinstance(value, str) else value


def _count_on(connection: Connection, table: str) -> None:
    """As if PostgreSQL itself had numbered the rows; tables that are not numbered have nothing to count."""
    numbered = connection.execute(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table}).scalar()
    if numbered:
        connection.execute(text(f"SELECT setval('{numbered}', (SELECT max(id) FROM {table}))"))  # noqa: S608


def lost(connection: Connection) -> list[str]:
    """Tables in which a row is missing, or has another value in a column it always had."""
    now = MetaData()
    now.reflect(connection)
    differ = []
    for name, frozen in ROWS.items():
        table = now.tables[name]
        columns = frozen["columns"]
        found = [tuple(row) for row in connection.execute(select(*(table.c[column] for column in columns)))]
        wanted = [
            tuple(_value(table, column, value) for column, value in zip(columns, row, strict=True))
            for row in frozen["rows"]
        ]
        if sorted(map(repr, found)) != sorted(map(repr, wanted)):
            differ.append(name)
    return differ


@pytest.fixture(params=list(DATABASES))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of each kind."""
    opened = Database(DATABASES[request.param](request, tmp_path))
    yield opened
    await opened.close()


@pytest.fixture(params=OLD)
async def here(request: pytest.FixtureRequest, database: Database) -> Town:
    """The city after its upgrade from each older schema, at the moment it was stopped."""
    async with database.write() as connection:
        await connection.run_sync(fill, request.param)
    await migrate.upgrade(database)
    return build(database, SettableClock(FROZEN))


async def states(here: Town, dispatch: int) -> dict[State, int]:
    """How one dispatch stands, without zeroes; its sums are its plan."""
    line = next(line for line in await here.ledger() if line.id == dispatch)
    assert line.balanced
    return {state: number for state, number in line.states.items() if number}


def told(here: Town) -> dict[int, list[str]]:
    """What each phone was sent since the upgrade: of which warning, which kind."""
    names = {FLOOD: "flood", FIRE: "fire"}
    found: dict[int, list[str]] = {}
    for sent in here.push.sent:
        name = names.get(sent.message.incident, "released")
        found.setdefault(sent.target.id, []).append(f"{name}.{sent.message.kind.value}")
    return found


async def test_nothing_is_lost_and_the_schema_is_todays(here: Town) -> None:
    """Every row has every value it had; the tables are what the code expects; a second upgrade changes nothing."""
    await migrate.upgrade(here.database)
    assert await migrate.is_current(here.database)
    assert await migrate.differences(here.database) == []
    async with here.database.read() as connection:
        assert await connection.run_sync(lost) == []
    verdict = await audit.verify(here.database)
    assert (verdict.entries, verdict.broken_at) == (len(ROWS["audit"]["rows"]), 0)


async def test_a_warning_half_sent_is_sent_to_its_end(here: Town) -> None:
    """What was claimed is free when its lease ends, a retry when it is due; whoever had it does not get it again."""
    before = {State.ACCEPTED: 2, State.GONE: 1, State.RETRYING: 1, State.PLANNED: 2}
    assert await states(here, FLOOD_PUSH) == before
    await here.plan()
    first = await here.taken()
    assert (first.message.incident, [target.id for target in first.targets]) == (FIRE, [7])
    assert await here.commit(first)
    assert await here.claim() is None
    assert await states(here, FLOOD_PUSH) == before
    here.clock.forward(minutes=3)
    await here.deliver()
    assert await states(here, FLOOD_PUSH) == {State.ACCEPTED: 5, State.GONE: 1}
    assert await states(here, FLOOD_POST) == {State.ACCEPTED: 1}
    assert told(here) == {3: ["flood.alert"], 5: ["flood.alert"], 6: ["flood.alert"]}
    assert await here.balanced()


async def test_its_ending_reaches_everyone_who_was_warned_before_the_upgrade(here: Town) -> None:
    """The older process accepted some, the newer one the rest: all of them hear the Entwarnung; the other expires."""
    here.clock.forward(minutes=3)
    await here.deliver()
    await here.follow(FLOOD, DraftKind.ALL_CLEAR)
    await here.deliver()
    heard = told(here)
    assert {target for target, kinds in heard.items() if "flood.all_clear" in kinds} == {1, 3, 4, 5, 6}
    assert [sent.target.shown_ref for sent in here.post.sent if sent.message.incident == FLOOD] == ["post-1"]
    here.clock.forward(hours=7)
    await here.deliver()
    assert told(here)[7] == ["fire.alert", "fire.expiry"]
    assert not any("flood.expiry" in kinds for kinds in told(here).values())
    assert await here.balanced()


async def test_what_waited_for_its_release_can_be_released(here: Town) -> None:
    """The package is the one that was seen: its digest still holds, and new rows number on."""
    here.clock.forward(minutes=3)
    draft = await here.desk.drafts.get(SUBMITTED)
    await here.issue(draft)
    newcomer = await here.subscribe("new")
    await here.deliver()
    assert newcomer == len(ROWS["targets"]["rows"]) + 1
    heard = told(here)
    assert all("released.alert" in heard[target] for target in (1, 3, 4, 5, 6, newcomer))
    assert 2 not in heard
    assert await here.balanced()
