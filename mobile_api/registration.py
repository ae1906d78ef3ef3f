"""Puts the citizens' API and pages onto an application. The only module the wiring calls; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from mobile_api.api import Api
from mobile_api.deps import Deps, ParseSubscription
from mobile_api.pages import PublicPages, html, page_context
from mobile_api.service_worker import ServiceWorker
from mobile_api.subscriptions import Subscriptions
from realis.model.errors import RealisError
from realis.ports.channel import Clock
from realis.ports.content import CourseCatalogue, Phrases
from realis.ports.installation import City
from realis.ports.read_models import ActiveAlerts
from realis.ports.targets import Targets
from realis.web.pages import Pages, wanted_language
from realis.web.problem import ErrorPage


def register(
    app: web.Application,
    *,
    situation: ActiveAlerts,
    targets: Targets,
    courses: CourseCatalogue,
    phrases: Phrases,
    pages: Pages,
    city: City,
    clock: Clock,
    vapid_public_key: str,
    parse_subscription: ParseSubscription,
    fingerprint: Callable[[str], str],
    hash_token: Callable[[str], str],
) -> None:
    """Serve the phone's pages at ``/`` and its API under ``/api/v1``.

    Args:
        parse_subscription: checks a browser's subscription; its address as JSON and its push service's origin.
            Raises ``InvalidInput``.
        fingerprint: keyed hash of an endpoint.
        hash_token: keyed hash (not a plain one); the bearer tokens of subscriptions are made with it.
    """
    deps = Deps(
        situation=situation,
        targets=targets,
        courses=courses,
        phrases=phrases,
        pages=pages,
        city=city,
        clock=clock,
        vapid_public_key=vapid_public_key,
        parse_subscription=parse_subscription,
        fingerprint=fingerprint,
        hash_token=hash_token,
    )
    for part in (Api(deps), Subscriptions(deps), PublicPages(deps), ServiceWorker(deps)):
        part.add_routes(app)


def error_page(pages: Pages, city: City) -> ErrorPage:
    """The page citizens see for an error: what is wrong, what to do, and the way to the warnings."""

    def show(request: web.Request, status: int, error: RealisError | None) -> web.Response:
        context = page_context(city, "/") | {"code": status, "error": error}
        language = wanted_language(request, city.languages)
        return html(pages.text("phone/error.html", language, **context), language, status=status)

    return show
