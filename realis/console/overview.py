"""The overview: what needs somebody now, on top. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from realis.console.context import Face, Visit
from realis.ports.desk_read_models import BoardEntry, ChannelRow, Stage

_TODAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Card:
    """One incident on the board; ``due`` is when a pausing release takes effect."""

    entry: BoardEntry
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """The board's parts, in the order an operator works through them."""

    now: tuple[Card, ...]
    drafts: tuple[Card, ...]
    in_force: tuple[Card, ...]
    ended: tuple[Card, ...]
    older: int
    troubled: tuple[ChannelRow, ...]


async def show(face: Face, visit: Visit) -> web.StreamResponse:
    """The whole overview."""
    return face.page(visit, "board.html", board=await _groups(face))


async def part(face: Face, visit: Visit) -> web.StreamResponse:
    """The overview's moving part, fetched again and again."""
    return face.page(visit, "board_part.html", board=await _groups(face))


async def _groups(face: Face) -> Groups:
    entries = await face.desk.board()
    since = face.clock.now() - _TODAY
    ended = [entry for entry in entries if entry.stage in (Stage.ENDED, Stage.DISCARDED)]
    recent = [entry for entry in ended if entry.updated_at >= since and entry.stage is Stage.ENDED]
    troubled = tuple(row for row in await face.desk.channels() if row.held_since is not None)
    return Groups(
        now=await _due(face, _at(entries, Stage.PAUSE, Stage.SUBMITTED)),
        drafts=_cards([entry for entry in _at(entries, Stage.DRAFT) if not _warns(entry)]),
        in_force=_cards([entry for entry in _at(entries, Stage.IN_FORCE, Stage.DRAFT) if _warns(entry)]),
        ended=_cards(recent),
        older=len(ended) - len(recent),
        troubled=troubled,
    )


def _at(entries: Sequence[BoardEntry], *stages: Stage) -> list[BoardEntry]:
    return [entry for stage in stages for entry in entries if entry.stage is stage]


def _warns(entry: BoardEntry) -> bool:
    """Whether people are being warned now, whatever is being written meanwhile."""
    return entry.revision > 0 and entry.expires is not None


def _cards(entries: Sequence[BoardEntry]) -> tuple[Card, ...]:
    return tuple(Card(entry) for entry in entries)


async def _due(face: Face, entries: Sequence[BoardEntry]) -> tuple[Card, ...]:
    cards = []
    for entry in entries:
        pending = (await face.desk.incident(entry.incident)).pending if entry.stage is Stage.PAUSE else None
        cards.append(Card(entry, pending.due if pending else None))
    return tuple(cards)
