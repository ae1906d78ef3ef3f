"""An incident's page: its chain, how it goes out, what is carried by hand, and the ways to go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from realis.console.area_form import sketch
from realis.console.context import ConsoleContext, Visit, go
from realis.console.labels import BAD_STATES
from realis.model.area import Area
from realis.model.delivery import OPEN_STATES, FailureKind, State
from realis.model.draft import Draft, DraftKind, DraftState
from realis.model.errors import InvalidInput
from realis.model.incident import Viewer, in_force, latest
from realis.ports.desk_read_models import BoardEntry, ChannelRow, IncidentStage
from realis.ports.read_models import ChannelCount

_FOLLOW_UPS = (DraftKind.UPDATE, DraftKind.ALL_CLEAR, DraftKind.RETRACTION)


_ROWS = (
    State.PLANNED,
    State.RETRYING,
    State.HELD,
    State.REJECTED,
    State.EXPIRED,
    State.UNKNOWN,
    State.GONE,
    State.SUPERSEDED,
    State.STOPPED,
    State.WITHDRAWN,
)
"""What becomes of those not accepted, in the order an operator must see it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many seconds after the issue the first, half, 99 % and all so far had been accepted; rounded up to tenths."""

    first: float
    half: float | None
    most: float | None
    last: float


@dataclass(frozen=True, slots=True)
class Tally:
    """One channel's figures, as the page shows them. ``accepted`` and ``rows`` add up to what was planned."""

    count: ChannelCount
    label: str
    accepted: int
    rows: tuple[tuple[State, int], ...]
    pace: Pace | None

    def number(self, state: str) -> int:
        """How many are in this state."""
        return self.count.states.get(State(state), 0)

    @property
    def waiting(self) -> int:
        """How many are still open."""
        return sum(number for state, number in self.rows if state in OPEN_STATES)

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """How many failed by each kind, the most first; whoever signed off is counted once, as a state."""
        kinds = ((kind, number) for kind, number in self.count.failures.items() if kind != FailureKind.GONE)
        return tuple(sorted(kinds, key=lambda one: (-one[1], one[0])))

    @property
    def bad(self) -> bool:
        """Whether somebody was not reached, or nobody can be."""
        return any(state in BAD_STATES for state, _ in self.rows)

    @property
    def share(self) -> int:
        """How much of it is done, in percent; all only when all of it is."""
        done = self.count.planned - self.waiting
        return 100 * done // self.count.planned if self.count.planned else 0


def tally(count: ChannelCount, label: str) -> Tally:
    """The figures of one channel in the words operators use."""
    rows = tuple((state, count.states[state]) for state in _ROWS if count.states.get(state))
    return Tally(count, label, count.states.get(State.ACCEPTED, 0), rows, _pace(count))


def _pace(count: ChannelCount) -> Pace | None:
    if count.first_ms is None or count.last_ms is None:
        return None
    return Pace(_seconds(count.first_ms), _known(count.p50_ms), _known(count.p99_ms), _seconds(count.last_ms))


def _known(ms: float | None) -> float | None:
    return None if ms is None else _seconds(ms)


def _seconds(ms: float) -> float:
    """At least a tenth: nothing leaves before its issue, and nothing takes no time."""
    return max(1, math.ceil(ms / 100)) / 10


@dataclass(frozen=True, slots=True)
class Live:
    """The part of the page that moves. ``busy`` is True while something is still open."""

    tallies: tuple[Tally, ...]
    channels: tuple[ChannelRow, ...]
    busy: bool


async def show(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The whole page of one incident."""
    file = await face.desk.overview.incident(visit.id())
    newest = latest(file.chain)
    areas = newest.alert.areas if newest else _areas_of(file.drafts)
    return face.page(
        visit,
        "incident.html",
        file=file,
        entry=file.entry,
        pending=file.pending,
        live=await _live(face, file.counts, file.entry),
        newest=newest,
        open_draft=_open_draft(file.drafts),
        area=sketch(areas, face.city.places),
        areas=areas,
        in_force=in_force(file.chain, face.clock.now(), Viewer(joined=True)),
    )


async def part(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The figures alone, fetched every second while something is open."""
    entry = await face.desk.overview.entry(visit.id())
    counts = await face.counts.get(entry.incident)
    pending = await face.desk.overview.pending(entry.incident)
    live = await _live(face, counts, entry)
    return face.page(visit, "live_part.html", entry=entry, pending=pending, live=live)


async def follow_up(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """One press: the prefilled update, Entwarnung or Fehlalarm."""
    wanted = visit.form.get("kind", "")
    kind = next((kind for kind in _FOLLOW_UPS if kind.value == wanted), None)
    if kind is None:
        raise InvalidInput("step-unknown", where="kind")
    draft = await face.desk.authoring.follow_up(visit.actor, visit.id(), kind=kind)
    return go(f"/console/drafts/{draft.id}")


async def tick(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Note who carried a text out by hand."""
    who = visit.form.get("who", "").strip()[:100]
    if not who:
        raise InvalidInput("who-missing", where="who")
    incident = visit.id()
    await face.desk.operations.mark_done(
        visit.actor, incident, revision=visit.number("revision"), target_id=visit.number("target"), who=who
    )
    return go(f"/console/incidents/{incident}#von-hand")


async def lift(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Let a held channel send again."""
    await face.desk.operations.lift_hold(visit.actor, visit.request.match_info["channel"])
    back = visit.form.get("back", "")
    return go(back if back.startswith("/console/") else "/console/")


async def _live(face: ConsoleContext, counts: Sequence[ChannelCount], entry: BoardEntry) -> Live:
    rows = await face.desk.overview.channel_rows()
    labels = {row.name: row.label for row in rows}
    tallies = tuple(tally(count, labels.get(count.channel, count.channel)) for count in counts)
    open_still = any(one.waiting or not one.count.planning_done for one in tallies)
    return Live(tallies, rows, busy=open_still or entry.stage is IncidentStage.PAUSE)


def _open_draft(drafts: Sequence[Draft]) -> Draft | None:
    return next((draft for draft in drafts if draft.state in (DraftState.OPEN, DraftState.SUBMITTED)), None)


def _areas_of(drafts: Sequence[Draft]) -> tuple[Area, ...]:
    return drafts[0].content.areas if drafts else ()
