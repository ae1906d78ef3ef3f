"""The overview: what needs somebody now, on top. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from realis.console.context import ConsoleContext, Visit
from realis.ports.desk_read_models import BoardEntry, ChannelRow, IncidentStage

_TODAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """One incident on the board; ``due`` is when a pausing release takes effect."""

    entry: BoardEntry
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """The board's parts, in the order an operator works through them."""

    now: tuple[IncidentCard, ...]
    drafts: tuple[IncidentCard, ...]
    in_force: tuple[IncidentCard, ...]
    ended: tuple[IncidentCard, ...]
    older: int
    troubled: tuple[ChannelRow, ...]


async def show(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The whole overview."""
    return face.page(visit, "board.html", board=await _groups(face))


async def part(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The overview's moving part, fetched again and again."""
    return face.page(visit, "board_part.html", board=await _groups(face))


async def _groups(face: ConsoleContext) -> Groups:
    entries = await face.desk.overview.board()
    since = face.clock.now() - _TODAY
    ended = [entry for entry in entries if entry.stage in (IncidentStage.ENDED, IncidentStage.DISCARDED)]
    recent = [entry for entry in ended if entry.updated_at >= since and entry.stage is IncidentStage.ENDED]
    troubled = tuple(row for row in await face.desk.overview.channel_rows() if row.held_since is not None)
    return Groups(
        now=await _due(face, _at(entries, IncidentStage.PAUSE, IncidentStage.SUBMITTED)),
        drafts=_cards([entry for entry in _at(entries, IncidentStage.DRAFT) if not _warns(entry)]),
        in_force=_cards(
            [entry for entry in _at(entries, IncidentStage.IN_FORCE, IncidentStage.DRAFT) if _warns(entry)]
        ),
        ended=_cards(recent),
        older=len(ended) - len(recent),
        troubled=troubled,
    )


def _at(entries: Sequence[BoardEntry], *stages: IncidentStage) -> list[BoardEntry]:
    return [entry for stage in stages for entry in entries if entry.stage is stage]


def _warns(entry: BoardEntry) -> bool:
    """Whether people are being warned now, whatever is being written meanwhile."""
    return entry.revision > 0 and entry.expires is not None


def _cards(entries: Sequence[BoardEntry]) -> tuple[IncidentCard, ...]:
    return tuple(IncidentCard(entry) for entry in entries)


async def _due(face: ConsoleContext, entries: Sequence[BoardEntry]) -> tuple[IncidentCard, ...]:
    cards = []
    for entry in entries:
        paused = entry.stage is IncidentStage.PAUSE
        pending = await face.desk.overview.pending(entry.incident) if paused else None
        cards.append(IncidentCard(entry, pending.due if pending else None))
    return tuple(cards)
