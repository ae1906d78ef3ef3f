"""The parts under all faces, in one frozen bundle for the composition root. Behaviour lives in the parts."""

from __future__ import annotations

from dataclasses import dataclass

from realis.backplane.memory import MemoryEvents
from realis.desk import Desk
from realis.keys import Keys
from realis.ports import City, Clock, CourseCatalogue
from realis.settings import Settings
from realis.situation import AlertSituation
from realis.storage.batches import SqlBatches
from realis.storage.database import Database
from realis.storage.people import SqlSessions, SqlTokens, SqlUsers
from realis.storage.targets import SqlTargets
from realis.ways_out import WaysOut


@dataclass(frozen=True, slots=True)
class Core:
    """What ``wiring`` builds before any face exists."""

    settings: Settings
    city: City
    clock: Clock
    database: Database
    keys: Keys
    events: MemoryEvents
    desk: Desk
    users: SqlUsers
    sessions: SqlSessions
    tokens: SqlTokens
    targets: SqlTargets
    batches: SqlBatches
    situation: AlertSituation
    courses: CourseCatalogue
    ways: WaysOut
