"""The parts under all faces, in one frozen bundle for the composition root. Behaviour lives in the parts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from realis.app.channel_registry import ChannelRegistry
from realis.app.metrics import Metrics
from realis.app.settings import Settings
from realis.backplane.memory import MemoryEvents
from realis.backplane.redis import RedisEvents
from realis.keystore.keys import Keys
from realis.ports.clock import Clock
from realis.ports.content import CourseCatalogue
from realis.ports.installation import City
from realis.services.active_alerts import ActiveAlertsReader
from realis.services.desk import Desk
from realis.storage.database import Database
from realis.storage.ledger.batches import SqlBatches
from realis.storage.people import SqlSessions, SqlTokens, SqlUsers
from realis.storage.targets import SqlTargets


class ProcessRole(StrEnum):
    """Which of the program's parts a process plays. Everything but ``ALL`` needs PostgreSQL."""

    ALL = "all"
    WEB = "web"
    GATEWAY = "gateway"
    WORKER = "worker"

    @property
    def serves_pages(self) -> bool:
        """Console, citizens' pages, API, feeds."""
        return self in (ProcessRole.ALL, ProcessRole.WEB)

    @property
    def serves_screens(self) -> bool:
        """The screens' gateway."""
        return self in (ProcessRole.ALL, ProcessRole.GATEWAY)

    @property
    def sends(self) -> bool:
        """Planner and dispatcher."""
        return self in (ProcessRole.ALL, ProcessRole.WORKER)

    @property
    def issues(self) -> bool:
        """Decisions whose pause is over; whoever comes first does it."""
        return self is not ProcessRole.GATEWAY


@dataclass(frozen=True, slots=True)
class Services:
    """What ``wiring`` builds before any face exists."""

    settings: Settings
    city: City
    clock: Clock
    database: Database
    keys: Keys
    events: MemoryEvents | RedisEvents
    desk: Desk
    users: SqlUsers
    sessions: SqlSessions
    tokens: SqlTokens
    targets: SqlTargets
    batches: SqlBatches
    situation: ActiveAlertsReader
    courses: CourseCatalogue
    ways: ChannelRegistry
    metrics: Metrics
