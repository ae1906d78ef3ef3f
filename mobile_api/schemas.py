"""What citizens' programs read, as models: the JSON answers are made from them, and so is the API's description.

They choose no words and judge nothing: texts come rendered, what is in force comes from the active alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from realis.model.alert import Ending, Level, Occasion, Status
from realis.model.area import Area
from realis.model.draft import Rendered
from realis.model.languages import direction
from realis.ports import content
from realis.ports import installation as city
from realis.ports.channel import MessageKind
from realis.ports.read_models import Snapshot, WarningView

Json = dict[str, object]
T = TypeVar("T")


def _isoformat(when: datetime) -> str:
    return when.isoformat()


Instant = Annotated[
    datetime,
    PlainSerializer(_isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""ISO 8601 with offset, as Python writes it: ``+00:00`` and not ``Z``."""

Latitude = Annotated[float, Field(description="degrees, WGS 84")]
Longitude = Annotated[float, Field(description="degrees, WGS 84")]
Language = Annotated[str, Field(description="BCP 47 tag")]


class Answer(BaseModel):
    """Base of what is sent. Every field is present, with null where there is nothing, unless it says otherwise."""

    model_config = ConfigDict(frozen=True)

    def as_json(self) -> Json:
        """The object as it is sent."""
        return self.model_dump(mode="json")


class CircleJson(Answer):
    """A circle on the ground."""

    lat: Latitude
    lon: Longitude
    radius_km: Annotated[float, Field(ge=0)]


class Geocode(Answer):
    """A code that names an area (CAP ``geocode``)."""

    name: str
    value: str


class AreaJson(Answer):
    """Where a warning holds: the union of polygons and circles; each polygon is one closed ring."""

    description: str
    polygons: tuple[tuple[tuple[Latitude, Longitude], ...], ...]
    circles: tuple[CircleJson, ...]
    geocodes: tuple[Geocode, ...]


class Text(Answer):
    """A warning's words for one reader's language, to be shown as they are; ``notice`` and ``labels`` always."""

    language: Language
    dir: Literal["ltr", "rtl"]
    written_in: Annotated[str, Field(description="language of headline, description and instruction")]
    notice: Annotated[str, Field(description="ÜBUNG or PROBEWARNUNG in words; empty for an Ernstfall")]
    kind: str
    headline: str
    description: str
    instruction: str
    until: str
    source: str
    labels: tuple[str, ...]
    link: str


class Step(Answer):
    """An earlier message of the incident."""

    revision: int
    kind: MessageKind
    sent: Instant
    headline: str


class ChainEntry(Answer):
    """One revision of an incident's chain, as the rule for what is in force reads it.

    A client without connection ends a warning by its own clock with it. Running out is no message, so an expired
    warning has ``ending: null`` and an ``expires`` in the past.
    """

    revision: int
    status: Status
    ending: Ending | None
    sent: Instant
    expires: tuple[Instant, ...]


class AlertLinks(Answer):
    """Addresses on this server. ``cap`` and ``course`` are left out where there is none."""

    self: str
    page: str
    cap: Annotated[str | None, Field(exclude_if=lambda link: link is None)] = None
    course: Annotated[str | None, Field(exclude_if=lambda link: link is None)] = None


class Alert(Answer):
    """One warning with everything a phone needs to show it and to judge later whether it still holds."""

    incident: UUID
    revision: int
    identifier: str
    kind: MessageKind
    occasion: Occasion
    level: Annotated[Level, Field(description="1 Extreme Gefahr, 2 Gefahr, 3 Gefahreninformation")]
    event: str
    event_code: str
    sent: Instant
    onset: Instant | None
    expires: Instant
    ending: Ending | None
    ended_at: Instant | None
    source: str
    areas: tuple[AreaJson, ...]
    texts: Annotated[dict[str, Text], Field(description="by language")]
    history: tuple[Step, ...]
    course: Annotated[str | None, Field(description="slug of the course about this event")]
    chain: tuple[ChainEntry, ...]
    links: AlertLinks


class Situation(Answer):
    """What is in force, gravest first, and what ended in the last 24 hours, newest first.

    The instant of the reading is not in here, because it would change the answer with every question; it travels in
    the header ``Realis-As-Of``.
    """

    version: int
    alerts: tuple[Alert, ...]
    ended: tuple[Alert, ...]


class Place(Answer):
    """A part of the city; ``approximate`` says that the circle only roughly stands for it."""

    id: str
    name: str
    lat: Latitude
    lon: Longitude
    radius_km: Annotated[float, Field(ge=0)]
    approximate: bool


class Places(Answer):
    """The parts of the city one can subscribe to."""

    city: str
    places: tuple[Place, ...]


class CourseLinks(Answer):
    """Addresses on this server."""

    self: str
    page: str


class CourseSummary(Answer):
    """A course as lists show it."""

    slug: str
    language: Language
    title: str
    summary: str
    minutes: int
    event_codes: tuple[str, ...]
    checked_by: Annotated[str | None, Field(description="who checked the translation; null where it is unchecked")]
    links: CourseLinks


class Courses(Answer):
    """All courses in one language."""

    courses: tuple[CourseSummary, ...]


class CourseCard(Answer):
    """One page of a course; ``html`` is safe to show."""

    heading: str
    html: str


class Question(Answer):
    """A question with its answer and the reason; ``right`` counts from 0."""

    text: str
    choices: tuple[str, ...]
    right: Annotated[int, Field(ge=0)]
    why: str


class CourseSource(Answer):
    """Where a course's content comes from."""

    title: str
    url: str


class Course(CourseSummary):
    """A whole course: cards, quiz with answers and reasons, sources."""

    cards: tuple[CourseCard, ...]
    quiz: tuple[Question, ...]
    key_sentences: tuple[str, ...]
    sources: tuple[CourseSource, ...]


class PushKey(Answer):
    """The application server's public key (RFC 8292), base64url without padding."""

    public_key: str


class SubscriptionCreated(Answer):
    """A subscription's name and the bearer token that alone may read, change and delete it."""

    id: int
    token: str


class Subscription(Answer):
    """What is held of a subscription but for its address; ``cells`` are H3 cells of resolution 8."""

    id: int
    language: Language
    everywhere: bool
    cells: tuple[str, ...]
    joined: Annotated[bool, Field(description="takes part in exercises")]


class OpenApiDocument(Answer):
    """The description of this API, as the OpenAPI Initiative's version 3.1 says."""

    openapi: str
    info: dict[str, str]
    paths: dict[str, object]
    components: dict[str, object]


def in_language(texts: Mapping[str, T], language: str) -> T:
    """The entry for a language, else English, else German, else whatever there is."""
    for candidate in (language, language.split("-")[0], "en", "de"):
        if candidate in texts:
            return texts[candidate]
    return next(iter(texts.values()))


def situation_of(snapshot: Snapshot, courses: Mapping[str, str]) -> Situation:
    """The answer to what is in force. ``courses`` maps event codes to course slugs."""
    return Situation(
        version=snapshot.version,
        alerts=tuple(alert_of(view, courses) for view in snapshot.in_force),
        ended=tuple(alert_of(view, courses) for view in snapshot.ended),
    )


def alert_of(view: WarningView, courses: Mapping[str, str]) -> Alert:
    """One warning. ``courses`` maps event codes to course slugs."""
    slug = courses.get(view.event_code, "")
    return Alert(
        incident=view.incident,
        revision=view.revision,
        identifier=view.identifier,
        kind=view.kind,
        occasion=view.occasion,
        level=view.level,
        event=view.event,
        event_code=view.event_code,
        sent=view.sent,
        onset=view.onset,
        expires=view.expires,
        ending=view.ending,
        ended_at=view.ended_at,
        source=view.source,
        areas=tuple(_area(area) for area in view.areas),
        texts={language: _text(text) for language, text in view.texts.items()},
        history=tuple(
            Step(revision=step.revision, kind=step.kind, sent=step.sent, headline=step.headline)
            for step in view.history
        ),
        course=slug or None,
        chain=(_newest(view),),
        links=AlertLinks(
            self=f"/api/v1/alerts/{view.incident}",
            page=f"/alerts/{view.incident}",
            cap=f"/cap/{view.identifier}.xml" if view.identifier else None,
            course=f"/courses/{slug}" if slug else None,
        ),
    )


def chain_json(view: WarningView) -> list[Json]:
    """The newest entry of the chain, as ``in_force.js`` judges it."""
    return [_newest(view).as_json()]


def place_of(place: city.Place) -> Place:
    """A part of the city."""
    return Place(
        id=place.id,
        name=place.name,
        lat=place.lat,
        lon=place.lon,
        radius_km=place.radius_km,
        approximate=place.approximate,
    )


def course_summary_of(course: content.Course) -> CourseSummary:
    """A course as lists show it."""
    return CourseSummary(
        slug=course.slug,
        language=course.language,
        title=course.title,
        summary=course.summary,
        minutes=course.minutes,
        event_codes=course.event_codes,
        checked_by=course.checked_by or None,
        links=CourseLinks(self=f"/api/v1/courses/{course.slug}", page=f"/courses/{course.slug}"),
    )


def course_of(course: content.Course) -> Course:
    """A whole course."""
    return Course(
        **dict(course_summary_of(course)),
        cards=tuple(CourseCard(heading=card.heading, html=card.html) for card in course.cards),
        quiz=tuple(
            Question(text=question.text, choices=question.choices, right=question.right, why=question.why)
            for question in course.quiz
        ),
        key_sentences=course.key_sentences,
        sources=tuple(CourseSource(title=source.title, url=source.url) for source in course.sources),
    )


def _newest(view: WarningView) -> ChainEntry:
    return ChainEntry(
        revision=view.revision,
        status=view.occasion.status,
        ending=None if view.ending is Ending.EXPIRED else view.ending,
        sent=view.sent,
        expires=(view.expires,),
    )


def _area(area: Area) -> AreaJson:
    return AreaJson(
        description=area.desc,
        polygons=area.polygons,
        circles=tuple(CircleJson(lat=c.lat, lon=c.lon, radius_km=c.radius_km) for c in area.circles),
        geocodes=tuple(Geocode(name=code.name, value=code.value) for code in area.geocodes),
    )


def _text(text: Rendered) -> Text:
    return Text(
        language=text.language,
        dir=direction(text.language),
        written_in=text.written_in,
        notice=text.notice,
        kind=text.kind,
        headline=text.headline,
        description=text.description,
        instruction=text.instruction,
        until=text.until,
        source=text.source,
        labels=text.labels,
        link=text.link,
    )
