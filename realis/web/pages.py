"""HTML for every face: one Jinja environment, one way to answer with a page.

Faces bring their own ``templates`` folder and their context; nothing here knows a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web
from markupsafe import Markup

from realis.model.errors import Problem, RealisError
from realis.model.languages import INTERFACE_LANGUAGES, LANGUAGE_NAMES, direction
from realis.ports.content import ErrorMessages, ErrorText
from realis.services.error_texts import describe
from realis.web.i18n import MessageCatalogue, accepted_languages, grouped, in_words, negotiate, one_place

LANGUAGE_COOKIE = "lang"


def wanted_language(request: web.Request, supported: Sequence[str] = INTERFACE_LANGUAGES) -> str:
    """The reader's language: ``?lang=``, else the cookie, else what the browser asks for, else German."""
    chosen = [request.query.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, "")]
    for tag in chosen:
        if tag in supported:
            return tag
    return negotiate(accepted_languages(request.headers.get("Accept-Language", "")), supported)


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders templates with the reader's language at hand.

    Templates know: ``_``/``ngettext``, ``lang``, ``dir``, ``languages`` (code → own name),
    ``asset(name)``, ``time(dt)``, ``decimal(number)``, ``whole(number)``, ``error_text(error)``, ``city``,
    ``demo`` and what the handler passes.
    """

    environment: jinja2.Environment
    catalogue: MessageCatalogue
    zone: ZoneInfo
    messages: ErrorMessages
    shared: Mapping[str, object]

    @classmethod
    def build(
        cls,
        packages: Sequence[str],
        *,
        zone: ZoneInfo,
        asset: Callable[[str], str],
        messages: ErrorMessages,
        shared: Mapping[str, object] | None = None,
    ) -> Pages:
        """Pages over the ``templates`` and ``locale`` folders of the packages; names must not clash."""
        environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package) for package in packages]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(asset=asset, languages=LANGUAGE_NAMES)
        return cls(environment, MessageCatalogue.load(packages), zone, messages, dict(shared or {}))

    def text(self, template: str, language: str, **context: object) -> str:
        """A template as text in the given language."""

        def translate(message: str, **values: object) -> str:
            translated = self.catalogue.gettext(message, language)
            return translated % values if values else translated

        def plural(one: str, many: str, number: int, **values: object) -> str:
            return self.catalogue.ngettext(one, many, number, language) % {"n": number, **values}

        def time(when: datetime | None, pattern: str = "EEE d. MMM, HH:mm") -> str:
            return in_words(when, language, self.zone, pattern) if when else ""

        def decimal(value: float) -> str:
            return one_place(value, language)

        def whole(number: int) -> str:
            return grouped(number, language)

        def error_text(error: RealisError | Problem) -> ErrorText:
            return describe(error, self.messages, language)

        return self.environment.get_template(template).render(
            {
                **self.shared,
                "_": translate,
                "ngettext": plural,
                "time": time,
                "decimal": decimal,
                "whole": whole,
                "error_text": error_text,
                "lang": language,
                "dir": direction(language),
                "text_dir": direction,
                **context,
            }
        )

    def html(
        self,
        request: web.Request,
        template: str,
        *,
        status: int = 200,
        language: str | None = None,
        **context: object,
    ) -> web.Response:
        """A page as an answer; never cached unless the handler says so."""
        chosen = language or wanted_language(request)
        body = self.text(template, chosen, request=request, **context)
        headers = {"Content-Language": chosen, "Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"}
        return web.Response(text=body, content_type="text/html", status=status, headers=headers)


def safe_html(cleaned: str) -> Markup:
    """Mark HTML that was cleaned (nh3) as ready to show."""
    return Markup(cleaned)  # noqa: S704 - the one door; callers pass cleaned course HTML only
