"""CAP ``area`` elements as areas: polygons, circles, geocodes. A malformed shape is kept, with a finding."""

from __future__ import annotations

import re

from realis.cap.fields import Node
from realis.cap.xml import place
from realis.model.area import Area, Circle, LinearRing, NamedValue, RingProblem, ring_problem
from realis.model.errors import UnreadableMessage

MAX_POINTS = 250_000
"""Points of all polygons of one message."""

_PROBLEMS = {
    RingProblem.TOO_SHORT: "Ein Polygon hat weniger als vier Punkte.",
    RingProblem.OUT_OF_RANGE: "Ein Punkt liegt außerhalb von ±90 Grad Breite oder ±180 Grad Länge.",
    RingProblem.NOT_CLOSED: "Ein Polygon ist nicht geschlossen; es wird geschlossen gelesen.",
    RingProblem.NOT_SIMPLE: "Ein Polygon schneidet oder berührt sich selbst.",
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


def read_area(node: Node) -> Area:
    """Return one area as sent."""
    altitude = node.number_of("altitude", float)
    return Area(
        desc=node.line_of("areaDesc"),
        polygons=tuple(ring for child in node.children("polygon") if (ring := _ring(child))),
        circles=tuple(circle for child in node.children("circle") if (circle := _circle(child))),
        geocodes=read_named(node, "geocode"),
        altitude_ft=altitude,
        ceiling_ft=node.number_of("ceiling", float),
    )


def read_named(node: Node, name: str) -> tuple[NamedValue, ...]:
    """Return the valueName/value pairs of this element name; a pair without a name is left out, with a finding."""
    found = []
    for child in node.children(name):
        pair = NamedValue(child.raw_of("valueName"), child.raw_of("value"))
        if pair.name:
            found.append(pair)
        else:
            child.note("unnamed-value", "Ein Wert ohne Namen wurde weggelassen.")
    return tuple(found)


def _ring(node: Node) -> LinearRing:
    text = node.raw
    if not text:
        node.note("polygon-empty", "Ein Polygon ist leer.")
        return ()
    known = node.notes.rings.get(text)
    if known is None:
        known = node.notes.rings[text] = _read_ring(node, text)
    ring, problem = known
    if problem:
        node.note(problem.value, _PROBLEMS[problem])
    return ring


def _read_ring(node: Node, text: str) -> tuple[LinearRing, RingProblem | None]:
    points = []
    bad: list[str] = []
    for token in _joined(text).split():
        node.notes.points += 1
        if node.notes.points > MAX_POINTS:
            raise UnreadableMessage("too-many-points", where=place(node.element), max=MAX_POINTS)
        pair = _pair(token)
        if pair is None:
            bad.append(token)
        else:
            points.append(pair)
    if bad:
        node.note("bad-point", f"{len(bad)} Angaben sind keine Punkte (Breite,Länge), zum Beispiel „{bad[0][:40]}“.")
    ring = tuple(points)
    return ring, ring_problem(ring)


def _joined(text: str) -> str:
    # Not by a pattern such as \s*,\s*, which takes quadratic time on long runs of blanks.
    return " ".join(text.split()).replace(" ,", ",").replace(", ", ",")


def _pair(token: str) -> tuple[float, float] | None:
    lat, comma, lon = token.partition(",")
    if not comma or not _NUMBER.fullmatch(lat) or not _NUMBER.fullmatch(lon):
        return None
    point = (float(lat), float(lon))
    return point if max(abs(point[0]), abs(point[1])) < 1e6 else None


def _circle(node: Node) -> Circle | None:
    centre, _, radius = _joined(node.raw).partition(" ")
    pair = _pair(centre)
    if pair is None or not _NUMBER.fullmatch(radius.strip()):
        node.note("bad-circle", f"„{node.raw[:40]}“ ist kein Kreis (Breite,Länge Radius) und wurde weggelassen.")
        return None
    circle = Circle(pair[0], pair[1], float(radius))
    if not (abs(circle.lat) <= 90 and abs(circle.lon) <= 180 and 0 <= circle.radius_km <= 20_040):
        node.note("bad-circle", "Ein Kreis liegt außerhalb der Erde oder hat einen unmöglichen Radius.")
        return None
    return circle
