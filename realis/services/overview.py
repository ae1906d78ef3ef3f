"""The desk's queries: the board, one incident, delivery figures, channels, the audit trail. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from realis.model.errors import NotFound
from realis.model.incident import Revision
from realis.ports.channel import Channel
from realis.ports.clock import Clock
from realis.ports.desk_read_models import AuditLine, BoardEntry, ChannelRow, IncidentFile, Release
from realis.ports.read_models import ChannelCount
from realis.ports.stores import AlertStore, DeskStore
from realis.ports.targets import Targets


class DeliveryFigures(Protocol):
    """The part of the ledger the overview uses."""

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """Return the counts per channel of the incident's newest revision."""
        ...


@dataclass(frozen=True, slots=True)
class Overview:
    """All that operators can read."""

    store: DeskStore
    alerts: AlertStore
    ledger: DeliveryFigures
    targets: Targets
    clock: Clock
    channels: Mapping[str, Channel]

    async def board(self) -> tuple[BoardEntry, ...]:
        """All recent incidents, most urgent first."""
        return await self.store.board(self.clock.now())

    async def incident(self, incident: UUID) -> IncidentFile:
        """Everything about one incident. Raises ``NotFound``."""
        return IncidentFile(
            entry=await self.entry(incident),
            drafts=await self.store.drafts(incident),
            chain=await self.alerts.chain(incident),
            counts=await self.counts(incident),
            received=await self.store.received_messages(incident),
            hand=await self.store.hand_tasks(incident),
            trail=await self.store.trail(subject=str(incident)),
            pending=await self.store.pending(incident),
        )

    async def entry(self, incident: UUID) -> BoardEntry:
        """Return one incident's board entry, however old. Raises ``NotFound``."""
        entry = await self.store.board_entry(incident, self.clock.now())
        if entry is None:
            raise NotFound("incident-not-found")
        return entry

    async def chain(self, incident: UUID) -> tuple[Revision, ...]:
        """All issued revisions of an incident, oldest first."""
        return await self.alerts.chain(incident)

    async def came_in(self, incident: UUID) -> bool:
        """Whether a message of an authority belongs to the incident."""
        return await self.store.has_received_message(incident)

    async def pending(self, incident: UUID) -> Release | None:
        """The release of the incident whose pause is running."""
        return await self.store.pending(incident)

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """Return the counts per channel for the newest revision, with the reason why a channel cannot send."""
        holds = await self.store.holds()
        return tuple(
            replace(count, problem=self._problem(count.channel, holds)) for count in await self.ledger.counts(incident)
        )

    def _problem(self, name: str, holds: Mapping[str, tuple[datetime, str]]) -> str:
        if name in holds:
            return f"angehalten: {holds[name][1]}"
        return self.channels[name].unavailable_reason if name in self.channels else "nicht eingerichtet"

    async def channel_rows(self) -> tuple[ChannelRow, ...]:
        """Return every channel with its state."""
        holds = await self.store.holds()
        rows = []
        for channel in self.channels.values():
            since, reason = holds.get(channel.name, (None, ""))
            rows.append(
                ChannelRow(
                    name=channel.name,
                    label=channel.label,
                    problem=channel.unavailable_reason,
                    targets=await self.targets.count(channel.name),
                    public=channel.capabilities.public,
                    held_since=since,
                    held_reason=reason,
                )
            )
        return tuple(rows)

    async def trail(self, limit: int = 200) -> tuple[AuditLine, ...]:
        """The newest audit entries first."""
        return await self.store.trail(limit=limit)
