"""All faces in one web application: citizens, operators, authorities, screens' pages, feeds, health, metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from aiohttp import web

import displays.pages
import mobile_api
import mobile_api.cap_feeds
import realis.console
import realis.intake.cap_http
import realis.intake.openapi
from realis.app.container import Services
from realis.backplane.redis import RedisEvents
from realis.intake.service import CapIntake
from realis.model.errors import StoreUnavailable
from realis.storage import migrate
from realis.web import build_assets, certificates, compression, health, metrics_page, problem, proxies, security
from realis.web.assets import Assets, package_root
from realis.web.pages import Pages
from realis.web.sessions import hash_bearer_token

PACKAGES = ("realis.web", "realis.console", "mobile_api", "displays")
"""Packages that bring templates and translations."""

STATIC = ("realis.console", "mobile_api", "displays")
MAX_BODY = 1024 * 1024


def application(core: Services) -> web.Application:
    """The whole of what is served over HTTP."""
    assets = Assets([package_root(package) for package in STATIC])
    pages = Pages.build(
        PACKAGES,
        zone=ZoneInfo(core.city.time_zone),
        asset=assets.url,
        messages=core.desk.messages,
        shared={"city": core.city, "demo": core.city.demo},
    )
    app = web.Application(
        client_max_size=MAX_BODY,
        middlewares=[
            proxies.middleware(core.settings.trusted_proxies),
            problem.middleware(mobile_api.error_page(pages, core.city), pages.messages),
            compression.middleware(),
        ],
    )
    security.install(app, core.settings.gateway_url, https=core.settings.https)
    assets.register(app)
    _register_health(app, core, assets=assets)
    intake = CapIntake(core.desk, core.desk.ports.store, core.clock)
    realis.intake.cap_http.register(
        app,
        receive=intake,
        tokens=core.tokens,
        hash_token=hash_bearer_token,
        messages=core.desk.messages,
        metrics=core.metrics,
    )
    realis.console.register(
        app,
        desk=core.desk,
        users=core.users,
        sessions=core.sessions,
        pages=pages,
        clock=core.clock,
        https=core.settings.https,
    )
    displays.pages.register(app, pages=pages, city=core.city, signer=core.keys.frame_signer(), courses=core.courses)
    certificates.register(app, core.keys.cap_certificates)
    mobile_api.cap_feeds.register(app, active_alerts=core.situation, city=core.city)
    mobile_api.register(
        app,
        mobile_api.Deps(
            situation=core.situation,
            targets=core.targets,
            courses=core.courses,
            phrases=core.desk.phrases,
            pages=pages,
            city=core.city,
            clock=core.clock,
            vapid_public_key=core.keys.vapid(core.settings.push_contact).public_key,
            parse_subscription=core.ways.webpush.subscription,
            keyed_hash=core.keys.fingerprint,
            other_operations=realis.intake.openapi.OPERATIONS,
        ),
    )
    return app


def health_only(core: Services) -> web.Application:
    """What a process without pages answers: whether it lives and can work, and its metrics."""
    app = web.Application()
    _register_health(app, core)
    return app


def _register_health(app: web.Application, core: Services, *, assets: Assets | None = None) -> None:
    async def database() -> bool:
        try:
            return await migrate.is_current(core.database)
        except StoreUnavailable:
            return False

    async def complete() -> bool:
        return assets is None or not build_assets.missing(frozenset(assets))

    async def figures() -> Mapping[str, object]:
        if not isinstance(core.events, RedisEvents):
            return {}
        here = Counter(present.role for present in await core.events.here())
        return {"redis": core.events.connected, "here": dict(here)}

    metrics_page.register(app, core.metrics.scrape)
    health.register(app, {"database": database, "record": core.database.takes_writes, "assets": complete}, figures)
