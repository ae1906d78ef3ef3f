"""The area of a draft as the edit page offers it: districts by name, the message's own area, and a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from realis.model.area import Area, Circle, LatLon, circle_ring, outline
from realis.ports.installation import Place
from realis.web.projection import Box, Projection

_SIDE = 400.0
_MARGIN = 12.0
_SMALLEST_SPAN_KM = 1e-4
_LETTER = 6.0
_LINE = 15.0


def place_area(place: Place) -> Area:
    """The area an operator means by naming a district."""
    return Area(desc=place.name, circles=(Circle(place.lat, place.lon, place.radius_km),))


def chosen_places(areas: Iterable[Area], places: Iterable[Place]) -> frozenset[str]:
    """Ids of the districts that are among the areas."""
    circles = {area.circles for area in areas}
    return frozenset(place.id for place in places if place_area(place).circles in circles)


def own_areas(areas: Iterable[Area], places: Iterable[Place]) -> tuple[Area, ...]:
    """The areas that are no district of ours: those a message brought along."""
    known = {place_area(place).circles for place in places}
    return tuple(area for area in areas if area.polygons or area.circles not in known)


@dataclass(frozen=True, slots=True)
class Label:
    """A district's name at its place in the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing in SVG units: ``path`` is the chosen area, ``context`` the districts around it."""

    width: float
    height: float
    path: str
    context: str
    labels: tuple[Label, ...]


def sketch(areas: Sequence[Area], places: Sequence[Place] = ()) -> Sketch | None:
    """The areas with the city's districts behind them; None if nothing has a shape."""
    rings = outline(areas)
    circles = [(place, circle_ring(Circle(place.lat, place.lon, place.radius_km))) for place in places]
    every = [point for ring in (*rings, *(ring for _, ring in circles)) for point in ring]
    if not every:
        return None
    view = _projection(every)
    width, height = (round(km * view.units_per_km, 1) for km in (view.box.width_km, view.box.height_km))
    labels = _legible(areas, places, view)
    return Sketch(width, height, view.paths(rings), view.paths(ring for _, ring in circles), labels)


def _legible(areas: Sequence[Area], places: Sequence[Place], view: Projection) -> tuple[Label, ...]:
    """The names that fit beside one another, those of the chosen area first."""
    chosen = {circle for area in areas for circle in area.circles}
    kept: list[Label] = []
    for place in sorted(places, key=lambda one: Circle(one.lat, one.lon, one.radius_km) not in chosen):
        label = Label(*view.point((place.lat, place.lon)), place.name)
        if not any(_overlap(label, other) for other in kept):
            kept.append(label)
    return tuple(kept)


def _overlap(one: Label, other: Label) -> bool:
    reach = _LETTER * (len(one.text) + len(other.text)) / 2
    return abs(one.x - other.x) < reach and abs(one.y - other.y) < _LINE


def _projection(points: Sequence[LatLon]) -> Projection:
    shape = Box.around(points)
    units_per_km = (_SIDE - 2 * _MARGIN) / max(shape.width_km, shape.height_km, _SMALLEST_SPAN_KM)
    margins_km = 2 * _MARGIN / units_per_km
    return Projection(shape.resized(shape.width_km + margins_km, shape.height_km + margins_km), units_per_km)
