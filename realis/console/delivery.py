"""An incident's page: its chain, how it goes out, what is carried by hand, and the ways to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from realis.area import Area
from realis.console.areas import sketch
from realis.console.face import Face, Visit, go
from realis.delivery import OPEN_STATES, TERMINAL_STATES, State
from realis.desk_data import ChannelRow, IncidentFile, Stage
from realis.draft import Draft, DraftKind, DraftState
from realis.errors import InvalidInput
from realis.incident import Viewer, in_force, latest
from realis.ports import ChannelCount

_FOLLOW_UPS = (DraftKind.UPDATE, DraftKind.ALL_CLEAR, DraftKind.RETRACTION)


@dataclass(frozen=True, slots=True)
class Tally:
    """One channel's figures, as the page shows them."""

    count: ChannelCount
    label: str
    accepted: int
    waiting: int
    failed: int
    held: int
    others: tuple[tuple[State, int], ...]

    @property
    def share(self) -> int:
        """How much of it is done, in percent."""
        return round(100 * (self.count.planned - self.waiting) / self.count.planned) if self.count.planned else 0


_BAD = frozenset({State.GONE, State.REJECTED, State.EXPIRED, State.UNKNOWN})
_CALM = tuple(state for state in State if state in TERMINAL_STATES - _BAD - {State.ACCEPTED})


def tally(count: ChannelCount, label: str) -> Tally:
    """The figures of one channel in the words operators use."""
    states = count.states
    return Tally(
        count,
        label,
        accepted=states.get(State.ACCEPTED, 0),
        waiting=sum(states.get(state, 0) for state in OPEN_STATES),
        failed=sum(states.get(state, 0) for state in _BAD),
        held=states.get(State.HELD, 0),
        others=tuple((state, states[state]) for state in _CALM if states.get(state)),
    )


@dataclass(frozen=True, slots=True)
class Live:
    """The part of the page that moves. ``busy`` is True while something is still open."""

    tallies: tuple[Tally, ...]
    channels: tuple[ChannelRow, ...]
    busy: bool


async def show(face: Face, visit: Visit) -> web.StreamResponse:
    """The whole page of one incident."""
    file = await face.desk.incident(visit.id())
    newest = latest(file.chain)
    areas = newest.alert.areas if newest else _areas_of(file.drafts)
    return face.page(
        visit,
        "incident.html",
        file=file,
        live=await _live(face, file.counts, file),
        newest=newest,
        open_draft=_open_draft(file.drafts),
        area=sketch(areas, face.desk.city.places),
        areas=areas,
        in_force=in_force(file.chain, face.clock.now(), Viewer(joined=True)),
    )


async def part(face: Face, visit: Visit) -> web.StreamResponse:
    """The figures alone, fetched every second while something is open."""
    file = await face.desk.incident(visit.id())
    counts = await face.desk.counts(visit.id())
    return face.page(visit, "live_part.html", file=file, live=await _live(face, counts, file))


async def follow_up(face: Face, visit: Visit) -> web.StreamResponse:
    """One press: the prefilled update, Entwarnung or Fehlalarm."""
    wanted = visit.form.get("kind", "")
    kind = next((kind for kind in _FOLLOW_UPS if kind.value == wanted), None)
    if kind is None:
        raise InvalidInput("Diesen Schritt gibt es nicht.", where="kind", remedy="Laden Sie die Seite neu.")
    draft = await face.desk.follow_up(visit.actor, visit.id(), kind=kind)
    return go(f"/console/drafts/{draft.id}")


async def tick(face: Face, visit: Visit) -> web.StreamResponse:
    """Note who carried a text out by hand."""
    who = visit.form.get("who", "").strip()[:100]
    if not who:
        raise InvalidInput("Es fehlt, wer es erledigt hat.", where="who", remedy="Tragen Sie einen Namen ein.")
    incident = visit.id()
    await face.desk.tick(
        visit.actor, incident, revision=visit.number("revision"), target_id=visit.number("target"), who=who
    )
    return go(f"/console/incidents/{incident}#von-hand")


async def lift(face: Face, visit: Visit) -> web.StreamResponse:
    """Let a held channel send again."""
    await face.desk.lift_hold(visit.actor, visit.request.match_info["channel"])
    back = visit.form.get("back", "")
    return go(back if back.startswith("/console/") else "/console/")


async def _live(face: Face, counts: Sequence[ChannelCount], file: IncidentFile) -> Live:
    rows = await face.desk.channels()
    labels = {row.name: row.label for row in rows}
    tallies = tuple(tally(count, labels.get(count.channel, count.channel)) for count in counts)
    open_still = any(one.waiting or not one.count.planning_done for one in tallies)
    return Live(tallies, rows, busy=open_still or file.entry.stage is Stage.PAUSE)


def _open_draft(drafts: Sequence[Draft]) -> Draft | None:
    return next((draft for draft in drafts if draft.state in (DraftState.OPEN, DraftState.SUBMITTED)), None)


def _areas_of(drafts: Sequence[Draft]) -> tuple[Area, ...]:
    return drafts[0].content.areas if drafts else ()
