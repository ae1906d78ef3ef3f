"""The CAP feeds: an Atom feed (RFC 4287) of what is in force, and the signed CAP messages themselves.

Readers fetch them, so nothing is sent. An update changes its warning's entry (same id, newer ``updated``); each of the
three endings stays listed in its own words for 24 hours. Exercises appear under ``/feeds/exercise/`` only, never in the
public feed. CAP messages leave byte for byte as issued: this module never parses or rewrites them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from aiohttp import web
from lxml import etree

from mobile_api.responses import CachedResponse
from realis.model.alert import Occasion
from realis.model.draft import Rendered
from realis.model.errors import NotFound
from realis.model.incident import Viewer
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.installation import City
from realis.ports.read_models import ActiveAlerts, Snapshot, WarningView

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LEVELS = {1: "Extreme Gefahr", 2: "Gefahr", 3: "Gefahreninformation"}
_OCCASIONS = {Occasion.ERNSTFALL: "Ernstfall", Occasion.PROBEWARNUNG: "Probewarnung", Occasion.UEBUNG: "Übung"}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class FeedDefinition:
    """One of the two feeds: where it lies, who may read it, and which occasions it carries."""

    feed: str
    cap: str
    viewer: Viewer
    occasions: frozenset[Occasion]


PUBLIC = FeedDefinition("/feeds/cap.atom", "/cap/", Viewer(), frozenset({Occasion.ERNSTFALL, Occasion.PROBEWARNUNG}))
EXERCISE = FeedDefinition(
    "/feeds/exercise/cap.atom", "/feeds/exercise/cap/", Viewer(joined=True), frozenset({Occasion.UEBUNG})
)


def register(app: web.Application, *, active_alerts: ActiveAlerts, city: City) -> None:
    """Add the addresses of both feeds and of the messages they name."""
    for definition in (PUBLIC, EXERCISE):
        app.router.add_get(definition.feed, _feed_handler(active_alerts, city, definition))
        app.router.add_get(definition.cap + "{identifier}.xml", _cap_handler(active_alerts, definition))


def _feed_handler(active_alerts: ActiveAlerts, city: City, definition: FeedDefinition) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        snapshot = await active_alerts.snapshot(definition.viewer)
        return CachedResponse.of_bytes(atom(snapshot, city, definition), "application/atom+xml").to(request)

    return handler


def _cap_handler(active_alerts: ActiveAlerts, definition: FeedDefinition) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["identifier"]
        xml = await active_alerts.cap_xml(identifier, definition.viewer)
        if xml is not None and definition is EXERCISE and await active_alerts.cap_xml(identifier, PUBLIC.viewer):
            xml = None  # what the public may see is no exercise and has its address elsewhere
        if xml is None:
            raise NotFound("warning-not-found", where="identifier")
        return CachedResponse.of_bytes(xml, CAP_TYPE).to(request)

    return handler


def atom(snapshot: Snapshot, city: City, definition: FeedDefinition) -> bytes:
    """The feed as XML: what is in force, gravest first, then what ended in the last 24 hours."""
    views = [view for view in (*snapshot.in_force, *snapshot.ended) if view.occasion in definition.occasions]
    url = city.public_url.rstrip("/")
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]  # the stubs know no default namespace
    feed.set(_XML_LANG, SOURCE_LANGUAGE)
    _add(feed, "id", url + definition.feed)
    _add(feed, "title", _title(city, definition))
    # An entry that leaves the list is a day old, so the day's start keeps ``updated`` from running backwards.
    midnight = snapshot.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    _add(feed, "updated", max([midnight, *map(_updated, views)]).isoformat())
    _link(feed, rel="self", type="application/atom+xml", href=url + definition.feed)
    _link(feed, rel="alternate", type="text/html", href=url + "/")
    _author(feed, city.authority)
    for view in views:
        _entry(feed, view, city, definition)
    xml: bytes = etree.tostring(feed, xml_declaration=True, encoding="utf-8")
    return xml


def _title(city: City, definition: FeedDefinition) -> str:
    title = f"Warnungen für {city.name}"
    if definition is EXERCISE:
        title = f"ÜBUNG – keine echte Gefahr: Übungsmeldungen für {city.name}"
    return f"DEMO – {title}" if city.demo else title


def _updated(view: WarningView) -> datetime:
    return max(view.sent, view.ended_at or view.sent)


def _entry(feed: etree._Element, view: WarningView, city: City, definition: FeedDefinition) -> None:
    text, url = _german(view), city.public_url.rstrip("/")
    entry = etree.SubElement(feed, f"{{{ATOM}}}entry")
    entry.set(_XML_LANG, text.written_in)
    _add(entry, "id", view.incident.urn)
    _add(entry, "title", text.title)
    _add(entry, "updated", _updated(view).isoformat())
    _add(entry, "published", (view.history[0].sent if view.history else view.sent).isoformat())
    _author(entry, view.source or city.authority)
    _link(entry, rel="alternate", type="text/html", href=f"{url}/alerts/{view.incident}")
    _link(entry, rel="enclosure", type=CAP_TYPE, href=f"{url}{definition.cap}{quote(view.identifier, safe='')}.xml")
    _category(entry, "urn:realis:level", str(int(view.level)), _LEVELS[view.level])
    _category(entry, "urn:realis:status", view.occasion.status.value, _OCCASIONS[view.occasion])
    if view.ending is not None:
        _category(entry, "urn:realis:ending", view.ending.value, text.kind)
    _add(entry, "content", text.text).set("type", "text")


def _german(view: WarningView) -> Rendered:
    """The source language, which every warning has; any other if a foreign one should lack it."""
    return view.texts.get(SOURCE_LANGUAGE) or next(iter(view.texts.values()))


def _add(parent: etree._Element, tag: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{ATOM}}}{tag}")
    child.text = _xml(text)
    return child


def _xml(text: str) -> str:
    """The text without what XML 1.0 (2.2) forbids: one control character must not silence the whole feed."""
    return _FORBIDDEN.sub("\ufffd", text)


def _author(parent: etree._Element, name: str) -> None:
    _add(etree.SubElement(parent, f"{{{ATOM}}}author"), "name", name)


def _link(parent: etree._Element, **attributes: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}link", attributes)


def _category(entry: etree._Element, scheme: str, term: str, label: str) -> None:
    etree.SubElement(entry, f"{{{ATOM}}}category", {"term": term, "scheme": scheme, "label": _xml(label)})
