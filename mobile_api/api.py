"""The citizens' JSON API for reading: warnings, places, courses.

It reads ports and answers; it judges nothing and stores nothing but the last answers, to give them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from aiohttp import web

from mobile_api.deps import Deps
from mobile_api.responses import CachedResponse
from mobile_api.schemas import (
    Courses,
    Places,
    alert_of,
    course_of,
    course_summary_of,
    place_of,
    situation_of,
)
from realis.model.errors import NotFound
from realis.ports.read_models import Snapshot

AS_OF = "Realis-As-Of"
"""Header with the instant at which the situation was read."""


def incident_id(request: web.Request) -> UUID:
    """The incident a path names. Raises ``NotFound`` for anything that is no id."""
    try:
        return UUID(request.match_info["incident"])
    except ValueError:
        raise warning_not_found() from None


def warning_not_found() -> NotFound:
    """The error for a warning that is not there, or not for this reader."""
    return NotFound("warning-not-found")


def course_not_found() -> NotFound:
    """The error for a course that is not there."""
    return NotFound("course-not-found")


class Api:
    """The handlers under ``/api/v1`` that only read."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._answers: dict[bool, tuple[Snapshot, CachedResponse]] = {}

    def add_routes(self, app: web.Application) -> None:
        """Put the handlers on their paths."""
        app.router.add_get("/api/v1/alerts", self.alerts)
        app.router.add_get("/api/v1/alerts/{incident}", self.alert)
        app.router.add_get("/api/v1/places", self.places)
        app.router.add_get("/api/v1/courses", self.courses)
        app.router.add_get("/api/v1/courses/{slug}", self.course)

    async def alerts(self, request: web.Request) -> web.Response:
        """What is in force and what recently ended; ``?exercise=true`` also carries the Übungen."""
        viewer = self._deps.viewer(request)
        snapshot = await self._deps.situation.snapshot(viewer)
        answer = self._answer(snapshot, joined=viewer.joined)
        return answer.to(request, {AS_OF: snapshot.as_of.isoformat()})

    async def alert(self, request: web.Request) -> web.Response:
        """One incident's latest state, in force or ended."""
        view = await self._deps.situation.warning(incident_id(request), self._deps.viewer(request))
        if view is None:
            raise warning_not_found()
        return CachedResponse.of(alert_of(view, self._slugs()).as_json()).to(request)

    async def places(self, request: web.Request) -> web.Response:
        """The parts of the city one can subscribe to."""
        city = self._deps.city
        places = Places(city=city.name, places=tuple(place_of(place) for place in city.places))
        return CachedResponse.of(places.as_json()).to(request)

    async def courses(self, request: web.Request) -> web.Response:
        """All courses in the reader's language (``?lang=``)."""
        language = self._deps.language(request)
        found = self._deps.courses.courses(language)
        courses = Courses(courses=tuple(course_summary_of(course) for course in found))
        return CachedResponse.of(courses.as_json()).to(request, _BY_LANGUAGE)

    async def course(self, request: web.Request) -> web.Response:
        """One course with cards and quiz."""
        found = self._deps.courses.course(request.match_info["slug"], self._deps.language(request))
        if found is None:
            raise course_not_found()
        return CachedResponse.of(course_of(found).as_json()).to(request, _BY_LANGUAGE)

    def _answer(self, snapshot: Snapshot, *, joined: bool) -> CachedResponse:
        kept = self._answers.get(joined)
        if kept and same(kept[0], snapshot):
            return kept[1]
        answer = CachedResponse.of(situation_of(snapshot, self._slugs()).as_json())
        self._answers[joined] = (snapshot, answer)
        return answer

    def _slugs(self) -> Mapping[str, str]:
        return course_slugs(self._deps)


def course_slugs(deps: Deps) -> Mapping[str, str]:
    """Which course belongs to which event code."""
    return {code: course.slug for course in deps.courses.courses("de") for code in course.event_codes}


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether both say the same. What is listed counts besides the version: a warning may run out by itself."""
    return one is other or (one.version == other.version and _listed(one) == _listed(other))


def _listed(snapshot: Snapshot) -> tuple[tuple[UUID, int, object], ...]:
    return tuple((view.incident, view.revision, view.ending) for view in (*snapshot.in_force, *snapshot.ended))


_BY_LANGUAGE = {"Vary": "Accept-Language, Cookie"}
