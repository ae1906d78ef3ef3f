"""The citizens' pages: readable without JavaScript, on an old phone, in the reader's language.

Handlers gather and hand over; every word is in a template or comes rendered with the warning.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from markupsafe import Markup

from mobile_api.api import AS_OF, course_not_found, incident_id, same, warning_not_found
from mobile_api.area_sketch import area_names, area_sketch, touched
from mobile_api.deps import COOKIE_S, EXERCISE_COOKIE, FALSE_WORDS, TRUE_WORDS, Deps
from mobile_api.phone_numbers import linked, linked_html
from mobile_api.schemas import chain_json, in_language
from realis.model.alert import Ending, Occasion
from realis.model.draft import Rendered
from realis.model.incident import Viewer
from realis.model.languages import LANGUAGE_NAMES, direction
from realis.ports.content import Course
from realis.ports.installation import City
from realis.ports.read_models import Snapshot, WarningView
from realis.web.pages import LANGUAGE_COOKIE, safe_html

HOME_KEPT_FOR = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class PageView:
    """A warning with the words for one reader, ready for a template.

    Args:
        words_dir: direction of the warning's own words, which may fall back to another language.
        chain: JSON for ``in_force.js``.
        event: the kind of event in the reader's language, where the words are in another; else empty.
        sentence: what an ending means, in words; empty while it warns.
        where: where it holds, as its author named it.
        course: the course that belongs to it, or None.
    """

    view: WarningView
    text: Rendered
    words_dir: str
    chain: str
    course: Course | None
    where: tuple[str, ...] = ()
    event: str = ""
    sentence: str = ""
    sentence_lang: str = ""
    sentence_dir: str = "ltr"


class PublicPages:
    """The handlers of all pages."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._homes: dict[tuple[str, bool], tuple[Snapshot, str]] = {}

    def add_routes(self, app: web.Application) -> None:
        """Put the handlers on their paths."""
        app.router.add_get("/", self.home)
        app.router.add_get("/alerts/{incident}", self.warning)
        app.router.add_get("/subscribe", self.subscribe)
        app.router.add_get("/courses", self.to_courses)
        app.router.add_get("/courses/", self.courses)
        app.router.add_get("/courses/{slug}", self.course)
        app.router.add_get("/offline", self.offline)
        app.router.add_get("/barrierefreiheit", self.accessibility)
        app.router.add_get("/datenschutz", self.privacy)
        app.router.add_get("/impressum", self.imprint)
        app.router.add_get("/kontakt", self.contact)

    async def home(self, request: web.Request) -> web.Response:
        """What is in force, gravest first; below it what ended in the last 24 hours."""
        viewer, language = self._deps.viewer(request), self._deps.language(request)
        snapshot = await self._deps.situation.snapshot(viewer)
        response = self._home(language, snapshot, joined=viewer.joined)
        _remember_language(request, response, self._deps.languages)
        _remember_exercise(request, response)
        return response

    def _home(self, language: str, snapshot: Snapshot, *, joined: bool) -> web.Response:
        """Made once for all who ask within a few seconds: when a warning goes out, everybody looks at once."""
        kept = self._homes.get((language, joined))
        if kept is None or not same(kept[0], snapshot) or snapshot.as_of - kept[0].as_of > HOME_KEPT_FOR:
            kept = (snapshot, self._home_text(language, snapshot, joined=joined))
            self._homes[language, joined] = kept
        response = html(kept[1], language)
        response.headers[AS_OF] = kept[0].as_of.isoformat()
        return response

    def _home_text(self, language: str, snapshot: Snapshot, *, joined: bool) -> str:
        return self._deps.pages.text(
            "phone/home.html",
            language,
            **page_context(self._deps.city, "/"),
            warnings=[self._shown(view, language) for view in snapshot.in_force if _real(view)],
            drills=[self._shown(view, language) for view in snapshot.in_force if not _real(view)],
            expired=[self._shown(view, language) for view in snapshot.ended if _expired(view)],
            ended=[self._shown(view, language) for view in snapshot.ended if not _expired(view)],
            open_ends=sum(_expired(view) and _real(view) for view in snapshot.ended),
            as_of=snapshot.as_of,
            version=snapshot.version,
            joined=joined,
        )

    async def warning(self, request: web.Request) -> web.Response:
        """One warning's page.

        An Übung opens for whoever was given its address, by a phone or a messenger that joined; the page says
        first what it is, and no list leads strangers to it.
        """
        viewer, language = self._deps.viewer(request), self._deps.language(request)
        snapshot = await self._deps.situation.snapshot(viewer)
        view = await self._deps.situation.warning(incident_id(request), Viewer(joined=True))
        if view is None:
            raise warning_not_found()
        response = self._page(
            request,
            "phone/alert.html",
            shown=self._shown(view, language),
            picture=area_sketch(view.areas, self._deps.city.places),
            places=touched(view.areas, self._deps.city.places),
            as_of=snapshot.as_of,
            version=snapshot.version,
            joined=viewer.joined,
        )
        response.headers[AS_OF] = snapshot.as_of.isoformat()
        return response

    async def subscribe(self, request: web.Request) -> web.Response:
        """The form with the one button that turns warnings on."""
        return self._page(request, "phone/subscribe.html")

    async def to_courses(self, request: web.Request) -> web.Response:
        """The list has one address."""
        raise web.HTTPMovedPermanently("/courses/")

    async def courses(self, request: web.Request) -> web.Response:
        """All courses in the reader's language."""
        found = self._deps.courses.courses(self._deps.language(request))
        return self._page(request, "phone/courses.html", courses=found)

    async def course(self, request: web.Request) -> web.Response:
        """One course: cards one after another, then the questions."""
        found = self._deps.courses.course(request.match_info["slug"], self._deps.language(request))
        if found is None:
            raise course_not_found()
        return self._page(request, "phone/course.html", course=found, safe=_course_html)

    async def offline(self, request: web.Request) -> web.Response:
        """What the service worker shows when there is neither network nor a kept page."""
        return self._page(request, "phone/offline.html")

    async def accessibility(self, request: web.Request) -> web.Response:
        """The accessibility statement."""
        return self._page(request, "phone/accessibility.html")

    async def privacy(self, request: web.Request) -> web.Response:
        """What is kept of whom and for how long, and how to delete it."""
        return self._page(request, "phone/privacy.html")

    async def imprint(self, request: web.Request) -> web.Response:
        """Who publishes these pages, and what the city has not filled in yet."""
        return self._page(request, "phone/imprint.html")

    async def contact(self, request: web.Request) -> web.Response:
        """Whom to ask, and whom to call in danger."""
        return self._page(request, "phone/contact.html")

    def _shown(self, view: WarningView, language: str) -> PageView:
        text = in_language(view.texts, language)
        course = self._deps.courses.for_event(view.event_code, language) if view.event_code else None
        chain = json.dumps(chain_json(view), separators=(",", ":"))
        sentence, sentence_lang = _ending_words(view, text)
        return PageView(
            view,
            text,
            words_dir=direction(text.written_in),
            chain=chain,
            course=course,
            where=area_names(view.areas, self._deps.city.places),
            event=self._event(view, text, language),
            sentence=sentence,
            sentence_lang=sentence_lang,
            sentence_dir=direction(sentence_lang),
        )

    def _event(self, view: WarningView, text: Rendered, language: str) -> str:
        """One word everybody understands, although the text itself is not in their language."""
        found = self._deps.phrases.event(view.event_code)
        foreign = text.written_in.split("-")[0] != language.split("-")[0]
        return found.labels.get(language, "") if found and foreign else ""

    def _page(self, request: web.Request, template: str, **context: object) -> web.Response:
        language = self._deps.language(request)
        known = page_context(self._deps.city, request.path)
        response = html(self._deps.pages.text(template, language, **known | context), language)
        _remember_language(request, response, self._deps.languages)
        return response


def _real(view: WarningView) -> bool:
    """Whether it is for action. Tests and exercises stand apart and are never counted as warnings."""
    return view.occasion is Occasion.ERNSTFALL


def _expired(view: WarningView) -> bool:
    """Whether it ran out without a word of the city: no danger is over by that."""
    return view.ending is Ending.EXPIRED


def _course_html(cleaned: str) -> Markup:
    return linked_html(safe_html(cleaned))


def _ending_words(view: WarningView, text: Rendered) -> tuple[str, str]:
    """The sentence that says what the ending means, and its language."""
    if view.ending is None:
        return "", text.language
    if view.ending is Ending.EXPIRED:  # the only words the renderer puts in itself, so in the reader's language
        return text.instruction, text.language
    return text.description, text.written_in


def html(text: str, language: str, *, status: int = 200) -> web.Response:
    """A page that browsers may keep for going back, but ask for anew."""
    headers = {"Content-Language": language, "Vary": "Accept-Language, Cookie", "Cache-Control": "no-cache"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)


def page_context(city: City, path: str) -> dict[str, object]:
    """What every page of this face knows. ``path`` is where its language links lead."""
    offered = {language: LANGUAGE_NAMES[language] for language in city.languages if language in LANGUAGE_NAMES}
    return {"city": city, "demo": city.demo, "offered": offered, "path": path, "linked": linked}


def _remember_language(request: web.Request, response: web.Response, languages: tuple[str, ...]) -> None:
    chosen = request.query.get("lang", "")
    if chosen in languages:
        _cookie(request, response, LANGUAGE_COOKIE, chosen)


def _remember_exercise(request: web.Request, response: web.Response) -> None:
    chosen = request.query.get("exercise", "").lower()
    if chosen in TRUE_WORDS | FALSE_WORDS:
        _cookie(request, response, EXERCISE_COOKIE, "1" if chosen in TRUE_WORDS else "0")


def _cookie(request: web.Request, response: web.Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=COOKIE_S, samesite="Lax", secure=request.secure, path="/")
