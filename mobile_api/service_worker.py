"""What makes the pages an installable web app: manifest, icon address and the service worker at the root.

The worker's code is a static file; this module only puts today's addresses and words in front of it.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources

from aiohttp import web

from mobile_api.deps import Deps
from mobile_api.responses import CachedResponse, has_it
from realis.model.languages import direction
from realis.web.pages import Pages

PAGES = ("/", "/subscribe", "/courses/", "/offline", "/barrierefreiheit", "/datenschutz", "/impressum", "/kontakt")
"""Pages that are answered from what is kept when there is no network."""

KEPT_PAGES = ("/", "/courses/", "/offline")
"""Pages a phone loads at the first visit for a time without network; those of the courses are added."""

ASSETS = (
    "css/tokens.css",
    "css/base.css",
    "phone/phone.css",
    "phone/app.js",
    "phone/fresh.js",
    "phone/push.js",
    "phone/keep.js",
    "phone/course.js",
    "phone/offline.js",
    "phone/icon.svg",
    "js/in_force.js",
    "js/marks.js",
)
"""What the kept pages need. Fonts are kept once a page has loaded them: only then is it known which script is read."""

ICONS = (
    ("icon.svg", "any", "image/svg+xml", "any"),
    ("icon-192.png", "192x192", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "any"),
    ("icon-maskable.svg", "any", "image/svg+xml", "maskable"),
)


class ServiceWorker:
    """Serves ``/sw.js`` and ``/manifest.webmanifest``."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._scripts: dict[tuple[str, ...], tuple[str, str]] = {}

    def add_routes(self, app: web.Application) -> None:
        """Put the handlers on their paths."""
        app.router.add_get("/sw.js", self.script)
        app.router.add_get("/manifest.webmanifest", self.manifest)

    async def script(self, request: web.Request) -> web.Response:
        """The service worker for the whole origin; a browser asks for it anew at every start."""
        body, etag = self._script()
        headers = {"ETag": etag, "Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
        if has_it(request, etag):
            return web.Response(status=304, headers=headers)
        return web.Response(text=body, content_type="text/javascript", headers=headers)

    async def manifest(self, request: web.Request) -> web.Response:
        """How the app is called and looks on a home screen."""
        return CachedResponse.of(self._manifest(self._deps.language(request))).to(
            request, {"Vary": "Accept-Language, Cookie"}
        )

    def _script(self) -> tuple[str, str]:
        slugs = tuple(course.slug for course in self._deps.courses.courses("de"))
        if slugs not in self._scripts:
            self._scripts = {slugs: _assembled(self._deps, slugs)}
        return self._scripts[slugs]

    def _manifest(self, language: str) -> dict[str, object]:
        pages, city = self._deps.pages, self._deps.city
        return {
            "id": "/",
            "name": f"{city.name}: {pages.catalogue.gettext('Warnungen', language)}",
            "short_name": pages.catalogue.gettext("Warnungen", language),
            "lang": language,
            "dir": direction(language),
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#ffffff",
            "icons": [
                {"src": _asset(pages, f"phone/{file}"), "sizes": sizes, "type": kind, "purpose": purpose}
                for file, sizes, kind, purpose in ICONS
            ],
        }


def _asset(pages: Pages, name: str) -> str:
    return pages.environment.from_string("{{ asset(name) }}").render(name=name)


def _assembled(deps: Deps, slugs: tuple[str, ...]) -> tuple[str, str]:
    folder = resources.files("mobile_api") / "static" / "phone"
    code = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("keep.js", "worker.js"))
    config: dict[str, object] = {
        "pages": [*PAGES, *(f"/courses/{slug}" for slug in slugs)],
        "kept": [*KEPT_PAGES, *(f"/courses/{slug}" for slug in slugs)],
        "assets": [_asset(deps.pages, name) for name in ASSETS],
        "icon": _asset(deps.pages, "phone/icon-192.png"),
        "badge": _asset(deps.pages, "phone/badge.png"),
        "words": {
            language: json.loads(deps.pages.text("phone/worker_words.json", language)) for language in deps.languages
        },
    }
    version = hashlib.sha256((json.dumps(config, sort_keys=True) + code).encode()).hexdigest()[:16]
    first = f"self.REALIS = {json.dumps(config | {'version': version}, ensure_ascii=True)};\n"
    return first + code, f'"{version}"'
