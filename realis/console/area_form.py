"""The area of a draft as the edit page offers it: districts by name, the message's own area, and a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from realis.model.area import Area, Circle, LinearRing, circle_ring, outline
from realis.ports.installation import Place

_SIDE = 400.0
_MARGIN = 12.0
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
    view = _View.around(every)
    labels = _legible(areas, places, view)
    return Sketch(view.width, view.height, view.path(rings), view.path(ring for _, ring in circles), labels)


def _legible(areas: Sequence[Area], places: Sequence[Place], view: _View) -> tuple[Label, ...]:
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


@dataclass(frozen=True, slots=True)
class _View:
    """Degrees to SVG units, true to shape at the middle latitude."""

    west: float
    north: float
    scale_x: float
    scale_y: float
    width: float
    height: float

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> _View:
        lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
        squeeze = max(0.01, math.cos(math.radians((min(lats) + max(lats)) / 2)))
        across = max(1e-6, (max(lons) - min(lons)) * squeeze, max(lats) - min(lats))
        scale = (_SIDE - 2 * _MARGIN) / across
        width = (max(lons) - min(lons)) * squeeze * scale + 2 * _MARGIN
        height = (max(lats) - min(lats)) * scale + 2 * _MARGIN
        return cls(min(lons), max(lats), scale * squeeze, scale, round(width, 1), round(height, 1))

    def point(self, place: tuple[float, float]) -> tuple[float, float]:
        lat, lon = place
        return (
            round((lon - self.west) * self.scale_x + _MARGIN, 1),
            round((self.north - lat) * self.scale_y + _MARGIN, 1),
        )

    def path(self, rings: Iterable[LinearRing]) -> str:
        drawn = []
        for ring in rings:
            corners = " L".join(f"{x} {y}" for x, y in (self.point(place) for place in ring))
            drawn.append(f"M{corners}Z")
        return " ".join(drawn)
