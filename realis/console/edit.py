"""Writing a warning: choose the occasion, write, look at it, hand it over to a second person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from realis.console.area_form import Sketch, chosen_places, own_areas, sketch
from realis.console.context import ConsoleContext, Visit, go
from realis.console.form import Filled, FormReader, When, barred, languages_offered, stored, with_templates
from realis.console.local_time import later
from realis.console.preview import ChannelTexts, Difference, by_channel, differences
from realis.model.alert import DEFAULT_VALIDITY, Level, Occasion
from realis.model.area import Area
from realis.model.draft import Content, Draft, DraftKind, DraftState
from realis.model.errors import Conflict, InvalidInput, Problem, RealisError, StaleVersion, WrongState
from realis.policy.approval import Role
from realis.ports.content import EventType
from realis.ports.desk_read_models import ChannelRow
from realis.web.problem import status_of


@dataclass(frozen=True, slots=True)
class EditPage:
    """Everything the edit page shows besides the form itself."""

    draft: Draft
    filled: Filled
    problems: tuple[Problem, ...]
    languages: tuple[str, ...]
    chosen: frozenset[str]
    own: tuple[Area, ...]
    own_chosen: bool
    area: Sketch | None
    channels: tuple[ChannelRow, ...]
    barred: frozenset[str]
    events: Sequence[EventType]
    texts: tuple[ChannelTexts, ...]
    choose_occasion: bool
    theirs: tuple[Difference, ...] = ()
    stale: bool = False

    def at(self, *places: str) -> tuple[Problem, ...]:
        """The problems that belong to these fields."""
        return tuple(problem for problem in self.problems if problem.where in places)


async def choose(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """A new incident by hand: first the occasion, then the event."""
    return face.page(visit, "new.html", events=face.phrases.events(), error=None, chosen="")


async def create(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The new draft, with the event's ready-made words in it."""
    try:
        occasion, event = _first_choice(face, visit)
        face.policy.check(occasion)
        draft = await face.desk.authoring.create(visit.actor, await _first_content(face, occasion, event))
    except InvalidInput as error:
        return face.page(
            visit,
            "new.html",
            status=status_of(error),
            events=face.phrases.events(),
            error=error,
            chosen=visit.form.get("occasion", ""),
        )
    return go(f"/console/drafts/{draft.id}")


def _first_choice(face: ConsoleContext, visit: Visit) -> tuple[Occasion, EventType]:
    occasion = next((one for one in Occasion if one.value == visit.form.get("occasion")), None)
    event = face.phrases.event(visit.form.get("event_code", ""))
    if occasion is None or event is None:
        raise InvalidInput("first-choice-missing")
    return occasion, event


async def _first_content(face: ConsoleContext, occasion: Occasion, event: EventType) -> Content:
    rows = await face.desk.overview.channel_rows()
    content = Content(
        occasion,
        DraftKind.ALERT,
        Level.DANGER,
        event=event.labels.get("de", event.code),
        event_code=event.code,
        categories=event.categories,
        channels=tuple(row.name for row in rows if not row.problem and not barred(row, occasion, demo=face.city.demo)),
        expires=later(face.clock.now(), int(DEFAULT_VALIDITY / timedelta(minutes=1))),
        source_name=face.city.authority,
    )
    return with_templates(content, face.phrases, languages_offered(face.city, content), overwrite=True)


async def show(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The edit page of an open or submitted draft."""
    draft = await face.desk.drafts.get(visit.id())
    paused = await face.desk.overview.pending(draft.incident) is not None
    if draft.state not in (DraftState.OPEN, DraftState.SUBMITTED) or paused:
        return go(f"/console/incidents/{draft.incident}")
    must_choose = await _must_choose(face, draft)
    filled = stored(draft.content, _zone(face), chosen=not must_choose)
    return await _render(face, visit, draft, filled, show_problems=draft.version > 1 and "saved" in visit.request.query)


async def save(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Whatever button of the edit page was pressed."""
    draft = await face.desk.drafts.get(visit.id())
    filled = await _read(face, visit, draft)
    action, _, argument = visit.form.get("action", "save").partition(":")
    if action == "template":
        languages = languages_offered(face.city, filled.content) if argument == "all" else (argument,)
        changed = with_templates(filled.content, face.phrases, languages, overwrite=argument != "all")
        return await _render(face, visit, draft, replace(filled, content=changed))
    if action == "until" and argument.isascii() and argument.isdigit():
        return await _render(face, visit, draft, _until(face, filled, int(argument[:5])))
    if action == "preview":
        return await _render(face, visit, draft, filled)
    return await _store(face, visit, draft, filled, submit=action == "submit")


async def preview(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The preview alone, as somebody types."""
    draft = await face.desk.drafts.get(visit.id())
    filled = await _read(face, visit, draft)
    page = await _page(face, draft, filled)
    return face.page(visit, "preview_part.html", page=page, moving=True)


async def discard(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Give the draft up."""
    draft = await face.desk.drafts.get(visit.id())
    await face.desk.authoring.discard(visit.actor, draft.id)
    return go(f"/console/incidents/{draft.incident}")


async def _store(
    face: ConsoleContext, visit: Visit, draft: Draft, filled: Filled, *, submit: bool
) -> web.StreamResponse:
    if submit:
        visit.actor.require(Role.CAPTURE)
    if filled.problems:
        return await _render(face, visit, draft, filled, status=422, show_problems=True)
    try:
        saved = await face.desk.authoring.save(
            visit.actor, draft.id, version=visit.number("version"), content=filled.content
        )
    except StaleVersion:
        current = await face.desk.drafts.get(draft.id)
        return await _render(face, visit, current, filled, status=409, stale=True)
    except WrongState:
        raise
    except (Conflict, InvalidInput) as error:
        return await _refused(face, visit, draft, filled, error)
    if not submit:
        dropped = f"&unchecked={','.join(filled.unchecked)}" if filled.unchecked else ""
        return go(f"/console/drafts/{draft.id}?saved=1{dropped}")
    try:
        await face.desk.authoring.submit(visit.actor, draft.id, version=saved.version)
    except (Conflict, InvalidInput) as error:
        return await _refused(face, visit, saved, filled, error)
    return go(f"/console/drafts/{draft.id}/release")


async def _refused(
    face: ConsoleContext, visit: Visit, draft: Draft, filled: Filled, error: RealisError
) -> web.StreamResponse:
    """The form again, with what the desk said at the fields it named."""
    shown = face.desk.authoring.problems(filled.content)
    remarks = error.causes or (Problem(error.where, error.code, error.values),)
    extra = (remark for remark in remarks if remark not in shown)
    filled = replace(filled, problems=(*filled.problems, *extra))
    return await _render(face, visit, draft, filled, status=status_of(error), show_problems=True)


async def _read(face: ConsoleContext, visit: Visit, draft: Draft) -> Filled:
    reader = FormReader(face.city, face.phrases, await face.desk.overview.channel_rows())
    must_choose = await _must_choose(face, draft)
    return reader.read(visit.form, draft.content, choose_occasion=must_choose)


async def _render(
    face: ConsoleContext,
    visit: Visit,
    draft: Draft,
    filled: Filled,
    *,
    status: int = 200,
    show_problems: bool = False,
    stale: bool = False,
) -> web.StreamResponse:
    page = await _page(face, draft, filled, show_problems=show_problems)
    if stale:
        page = replace(page, stale=True, theirs=differences(draft.content, filled.content))
    saved = "saved" in visit.request.query
    dropped = [one for one in visit.request.query.get("unchecked", "").split(",") if one in page.languages]
    return face.page(visit, "edit.html", status=status, page=page, saved=saved, dropped=dropped, moving=False)


async def _page(face: ConsoleContext, draft: Draft, filled: Filled, *, show_problems: bool = False) -> EditPage:
    rows = await face.desk.overview.channel_rows()
    content, places = filled.content, face.city.places
    desk_problems = face.desk.authoring.problems(content) if show_problems else ()
    unread = {problem.where for problem in filled.problems}
    own = own_areas(draft.content.areas, places)
    return EditPage(
        draft=draft,
        filled=filled,
        problems=(*filled.problems, *(one for one in desk_problems if one.where not in unread)),
        languages=languages_offered(face.city, content),
        chosen=chosen_places(content.areas, places),
        own=own,
        own_chosen=any(area in content.areas for area in own),
        area=sketch(content.areas, places),
        channels=rows,
        barred=frozenset(row.name for row in rows if barred(row, content.occasion, demo=face.city.demo)),
        events=face.phrases.events(),
        texts=by_channel(face.desk.authoring.preview(content, draft.incident), rows),
        choose_occasion=await _must_choose(face, draft),
    )


async def _must_choose(face: ConsoleContext, draft: Draft) -> bool:
    """An incoming message's occasion is chosen by the first person who saves it; after that it stays."""
    fresh = draft.content.kind is DraftKind.ALERT and not draft.authors
    open_choice = fresh and draft.content.occasion is Occasion.ERNSTFALL
    return open_choice and await face.desk.overview.came_in(draft.incident)


def _until(face: ConsoleContext, filled: Filled, minutes: int) -> Filled:
    ends = later(face.clock.now(), minutes)
    content = replace(filled.content, expires=ends)
    left = tuple(problem for problem in filled.problems if problem.where != "expires")
    return replace(filled, content=content, expires=When.of(ends, _zone(face)), problems=left)


def _zone(face: ConsoleContext) -> ZoneInfo:
    return ZoneInfo(face.city.time_zone)
