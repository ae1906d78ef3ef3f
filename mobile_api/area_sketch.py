"""Draws a warning's area as a small picture: its outline, the places around it, a scale bar. No map tiles.

Pure geometry. The picture never stands alone: ``area_names`` and ``touched`` say the same in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from realis.model.area import Area, Circle, LatLon, LinearRing, geometry, outline
from realis.ports.installation import Place

WIDTH = 600.0
MAX_HEIGHT = 600.0
MIN_HEIGHT = 300.0
_KM_PER_DEGREE = 111.195
_MARGIN = 0.22
_SMALLEST_SPAN_KM = 1.5
_SCALE_STEPS_KM = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_LETTER = 14.5
_LINE = 34.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A place in the picture, with its name unless another name stands there already."""

    x: float
    y: float
    name: str
    labelled: bool
    leftwards: bool


@dataclass(frozen=True, slots=True)
class AreaSketch:
    """What the template draws; all lengths in the picture's own units.

    Args:
        paths: SVG path data, one per ring.
        scale_length: of the bar that stands for ``scale_km``.
    """

    width: float
    height: float
    paths: tuple[str, ...]
    dots: tuple[Dot, ...]
    scale_km: float
    scale_length: float

    @property
    def scale_text(self) -> str:
        """The bar's length in words: metres below one kilometre."""
        return f"{self.scale_km * 1000:.0f} m" if self.scale_km < 1 else f"{self.scale_km:g} km"


@dataclass(frozen=True, slots=True)
class _Frame:
    """Turns degrees into picture units; equirectangular, true enough for a city."""

    west_km: float
    north_km: float
    stretch: float
    units_per_km: float

    def xy(self, point: LatLon) -> tuple[float, float]:
        x_km, y_km = _km(point, self.stretch)
        return round((x_km - self.west_km) * self.units_per_km, 1), round((self.north_km - y_km) * self.units_per_km, 1)


def area_sketch(areas: Sequence[Area], places: Sequence[Place]) -> AreaSketch | None:
    """The areas' outline, or None where there is no shape to draw."""
    rings = outline(areas)
    if not rings:
        return None
    frame, width_km, height = _frame(rings)
    scale = max((step for step in _SCALE_STEPS_KM if step <= width_km * 0.3), default=_SCALE_STEPS_KM[0])
    return AreaSketch(
        width=WIDTH,
        height=height,
        paths=tuple(_path(frame, ring) for ring in rings),
        dots=_dots(frame, places, height),
        scale_km=scale,
        scale_length=round(scale * frame.units_per_km, 1),
    )


def area_names(areas: Sequence[Area], places: Sequence[Place]) -> tuple[str, ...]:
    """Where a warning holds, in the words of its author; districts that it touches only where there are none."""
    named = tuple(dict.fromkeys(area.desc for area in areas if area.desc))
    return named or touched(areas, places)


def touched(areas: Sequence[Area], places: Sequence[Place]) -> tuple[str, ...]:
    """The districts that areas touch which are no district of ours, in the city's order.

    For a district that was chosen by name nothing is worked out: its circle is rough, and those around it were not
    meant. Neither is a place named that holds other districts, such as the whole city, unless all of it is covered.
    """
    known = {(place.name, (_circle(place),)) for place in places}
    names, circles = {name for name, _ in known}, {circle for _, circle in known}
    shape = geometry(area for area in areas if area.desc not in names and area.circles not in circles)
    if shape.is_empty:
        return ()
    outlines = {place.id: geometry([Area(place.name, circles=(_circle(place),))]) for place in places}
    found = []
    for place in places:
        mine = outlines[place.id]
        holds_others = any(other is not mine and mine.contains(other) for other in outlines.values())
        if shape.covers(mine) if holds_others else shape.intersects(mine):
            found.append(place.name)
    return tuple(found)


def _circle(place: Place) -> Circle:
    return Circle(place.lat, place.lon, place.radius_km)


def _km(point: LatLon, stretch: float) -> tuple[float, float]:
    return point[1] * stretch * _KM_PER_DEGREE, point[0] * _KM_PER_DEGREE


def _frame(rings: Sequence[LinearRing]) -> tuple[_Frame, float, float]:
    points = [point for ring in rings for point in ring]
    middle_lat = (min(lat for lat, _ in points) + max(lat for lat, _ in points)) / 2
    stretch = max(math.cos(math.radians(middle_lat)), 0.01)
    xs, ys = zip(*(_km(point, stretch) for point in points), strict=True)
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    wide = max(max(xs) - min(xs), _SMALLEST_SPAN_KM) * (1 + 2 * _MARGIN)
    high = max(max(ys) - min(ys), _SMALLEST_SPAN_KM) * (1 + 2 * _MARGIN)
    wide = max(wide, high * WIDTH / MAX_HEIGHT)
    high = max(high, wide * MIN_HEIGHT / WIDTH)
    units = WIDTH / wide
    return _Frame(middle_x - wide / 2, middle_y + high / 2, stretch, units), wide, round(high * units, 1)


def _path(frame: _Frame, ring: LinearRing) -> str:
    corners = (frame.xy(point) for point in ring[:-1])
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners) + "Z"


def _dots(frame: _Frame, places: Sequence[Place], height: float) -> tuple[Dot, ...]:
    taken: list[tuple[float, float, float, float]] = []
    found = []
    for place in places:
        x, y = frame.xy((place.lat, place.lon))
        if not (12 < x < WIDTH - 12 and 20 < y < height - 48):
            continue
        length = len(place.name) * _LETTER
        leftwards = x + length + 16 > WIDTH
        left = x - length - 12 if leftwards else x + 12
        box = (left, y - _LINE / 2, left + length, y + _LINE / 2)
        free = left > 0 and not any(_overlap(box, other) for other in taken)
        if free:
            taken.append(box)
        found.append(Dot(x, y, place.name, free, leftwards))
    return tuple(found)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
