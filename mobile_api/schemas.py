"""The one place that turns a warning into the JSON citizens' programs read.

It chooses no words and judges nothing: texts come rendered, what is in force comes from the situation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from realis.model.alert import Ending
from realis.model.area import Area
from realis.model.draft import Rendered
from realis.ports.content import Course
from realis.ports.installation import Place
from realis.ports.read_models import Snapshot, Step, WarningView
from realis.web.i18n import direction

Json = dict[str, object]
T = TypeVar("T")


def in_language(texts: Mapping[str, T], language: str) -> T:
    """The entry for a language, else English, else German, else whatever there is."""
    for candidate in (language, language.split("-")[0], "en", "de"):
        if candidate in texts:
            return texts[candidate]
    return next(iter(texts.values()))


def snapshot_json(snapshot: Snapshot, courses: Mapping[str, str]) -> Json:
    """What is in force, gravest first, and what ended in the last 24 hours, newest first.

    ``courses`` maps event codes to course slugs. The instant of the reading is not in here, because it would
    change the answer with every question; it travels in the header ``Realis-As-Of``.
    """
    return {
        "version": snapshot.version,
        "alerts": [warning_json(view, courses) for view in snapshot.in_force],
        "ended": [warning_json(view, courses) for view in snapshot.ended],
    }


def warning_json(view: WarningView, courses: Mapping[str, str]) -> Json:
    """One warning with everything a phone needs to show it and to judge later whether it still holds."""
    slug = courses.get(view.event_code, "")
    return {
        "incident": str(view.incident),
        "revision": view.revision,
        "identifier": view.identifier,
        "kind": view.kind.value,
        "occasion": view.occasion.value,
        "level": int(view.level),
        "event": view.event,
        "event_code": view.event_code,
        "sent": _instant(view.sent),
        "onset": _instant(view.onset),
        "expires": _instant(view.expires),
        "ending": view.ending.value if view.ending else None,
        "ended_at": _instant(view.ended_at),
        "source": view.source,
        "areas": [_area(area) for area in view.areas],
        "texts": {language: _text(text) for language, text in view.texts.items()},
        "history": [_step(step) for step in view.history],
        "course": slug or None,
        "chain": chain_json(view),
        "links": _links(view, slug),
    }


def chain_json(view: WarningView) -> list[Json]:
    """The newest link of the chain, as ``in_force.js`` judges it.

    Running out is no message, so an expired warning's link carries no ending: its ``expires`` says it.
    """
    announced = None if view.ending is Ending.EXPIRED else view.ending
    return [
        {
            "revision": view.revision,
            "status": view.occasion.status.value,
            "ending": announced.value if announced else None,
            "sent": _instant(view.sent),
            "expires": [_instant(view.expires)],
        }
    ]


def place_json(place: Place) -> Json:
    """A part of the city; ``approximate`` says that the circle only roughly stands for it."""
    return {
        "id": place.id,
        "name": place.name,
        "lat": place.lat,
        "lon": place.lon,
        "radius_km": place.radius_km,
        "approximate": place.approximate,
    }


def course_summary_json(course: Course) -> Json:
    """A course as lists show it."""
    return {
        "slug": course.slug,
        "language": course.language,
        "title": course.title,
        "summary": course.summary,
        "minutes": course.minutes,
        "event_codes": list(course.event_codes),
        "checked_by": course.checked_by or None,
        "links": {"self": f"/api/v1/courses/{course.slug}", "page": f"/courses/{course.slug}"},
    }


def course_json(course: Course) -> Json:
    """A whole course: cards, quiz with answers and reasons, sources."""
    return course_summary_json(course) | {
        "cards": [{"heading": card.heading, "html": card.html} for card in course.cards],
        "quiz": [
            {"text": question.text, "choices": list(question.choices), "right": question.right, "why": question.why}
            for question in course.quiz
        ],
        "key_sentences": list(course.key_sentences),
        "sources": [{"title": source.title, "url": source.url} for source in course.sources],
    }


def _instant(when: datetime | None) -> str | None:
    return when.isoformat() if when else None


def _area(area: Area) -> Json:
    return {
        "description": area.desc,
        "polygons": [[[lat, lon] for lat, lon in ring] for ring in area.polygons],
        "circles": [{"lat": c.lat, "lon": c.lon, "radius_km": c.radius_km} for c in area.circles],
        "geocodes": [{"name": code.name, "value": code.value} for code in area.geocodes],
    }


def _text(text: Rendered) -> Json:
    return {
        "language": text.language,
        "dir": direction(text.language),
        "written_in": text.written_in,
        "notice": text.notice,
        "kind": text.kind,
        "headline": text.headline,
        "description": text.description,
        "instruction": text.instruction,
        "until": text.until,
        "source": text.source,
        "labels": list(text.labels),
        "link": text.link,
    }


def _step(step: Step) -> Json:
    return {
        "revision": step.revision,
        "kind": step.kind.value,
        "sent": _instant(step.sent),
        "headline": step.headline,
    }


def _links(view: WarningView, slug: str) -> Json:
    links: Json = {"self": f"/api/v1/alerts/{view.incident}", "page": f"/alerts/{view.incident}"}
    if view.identifier:
        links["cap"] = f"/cap/{view.identifier}.xml"
    if slug:
        links["course"] = f"/courses/{slug}"
    return links
