"""The screen's page and its resources over HTTP: its settings, its service worker, the QR code of a warning.

No warning is served here; those come signed through the gateway. No screen's token is used here.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import cast
from uuid import UUID

import segno
from aiohttp import web

from displays.idle_screen import idle_content
from displays.ui_strings import ui_strings
from realis.model.errors import NotFound
from realis.model.languages import LANGUAGE_NAMES
from realis.ports.content import CourseCatalogue
from realis.ports.installation import City
from realis.ports.signing import FrameSigner
from realis.web.pages import Pages

PATH = "/display/"


def register(app: web.Application, *, pages: Pages, city: City, signer: FrameSigner, courses: CourseCatalogue) -> None:
    """Serve the screen's page under ``/display/``."""
    face = _Face(pages, city, signer, courses)
    app.router.add_get("/display", _to_slash)
    app.router.add_get(PATH, face.page)
    app.router.add_get(f"{PATH}config.json", face.config)
    app.router.add_get(f"{PATH}sw.js", face.worker)
    app.router.add_get(f"{PATH}qr/{{incident}}.svg", face.code)


async def _to_slash(_request: web.Request) -> web.Response:
    raise web.HTTPMovedPermanently(PATH)


@dataclass(frozen=True, slots=True)
class _Face:
    pages: Pages
    city: City
    signer: FrameSigner
    courses: CourseCatalogue

    async def page(self, request: web.Request) -> web.Response:
        """Return the page; in German, because its own texts are for technicians; warnings have their languages."""
        return self.pages.html(request, "display/screen.html", language="de", city_name=self.city.name)

    async def config(self, _request: web.Request) -> web.Response:
        """Return the settings the page reads at start and every hour. ``version`` changes with the program."""
        asset = cast("Callable[[str], str]", self.pages.environment.globals["asset"])
        settings = {
            "version": asset("display/main.js"),
            "gateway_url": self.city.gateway_url,
            "jwk": dict(self.signer.public_jwk),
            "idle": idle_content(self.city, self.courses),
            "names": LANGUAGE_NAMES,
            "words": ui_strings(self.pages.catalogue),
        }
        return web.json_response(settings, headers={"Cache-Control": "no-store"})

    async def worker(self, _request: web.Request) -> web.Response:
        """Return the service worker; its scope requires a path under ``/display/``."""
        source = (resources.files("displays") / "static/display/sw.js").read_text("utf-8")
        return web.Response(text=source, content_type="text/javascript", headers={"Cache-Control": "no-cache"})

    async def code(self, request: web.Request) -> web.Response:
        """Return a QR code of the incident's public page; it never contains any other address."""
        try:
            incident = UUID(request.match_info["incident"])
        except ValueError:
            raise NotFound("link-code-not-found") from None
        image = io.BytesIO()
        address = f"{self.city.public_url.rstrip('/')}/alerts/{incident}"
        segno.make(address, error="m", micro=False).save(
            image, kind="svg", border=2, omitsize=True, xmldecl=False, light="#ffffff", svgclass=None, lineclass=None
        )
        headers = {"Cache-Control": "public, max-age=86400"}
        return web.Response(body=image.getvalue(), content_type="image/svg+xml", headers=headers)
