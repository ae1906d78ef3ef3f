"""Puts the citizens' API and pages onto an application. The only module the wiring calls; it decides nothing."""

from __future__ import annotations

from aiohttp import web

from mobile_api.api import Api
from mobile_api.deps import Deps
from mobile_api.openapi import OpenApi
from mobile_api.pages import PublicPages, html, page_context
from mobile_api.service_worker import ServiceWorker
from mobile_api.subscriptions import Subscriptions
from realis.model.errors import RealisError
from realis.ports.installation import City
from realis.web.pages import Pages, wanted_language
from realis.web.problem import ErrorPage


def register(app: web.Application, deps: Deps) -> None:
    """Serve the phone's pages at ``/`` and its API under ``/api/v1``."""
    for part in (Api(deps), Subscriptions(deps), OpenApi(deps), PublicPages(deps), ServiceWorker(deps)):
        part.add_routes(app)


def error_page(pages: Pages, city: City) -> ErrorPage:
    """The page citizens see for an error: what is wrong, what to do, and the way to the warnings."""

    def show(request: web.Request, status: int, error: RealisError | None) -> web.Response:
        context = page_context(city, "/") | {"code": status, "error": error}
        language = wanted_language(request, city.languages)
        return html(pages.text("phone/error.html", language, **context), language, status=status)

    return show
