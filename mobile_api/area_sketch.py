"""Draws a warning's area as a small picture: its outline, the places around it, a scale bar. No map tiles.

Pure geometry. The picture never stands alone: ``area_names`` and ``touched`` say the same in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realis.model.area import Area, Circle, LinearRing, geometry, outline
from realis.ports.installation import Place
from realis.web.projection import Box, Projection

WIDTH = 600.0
MAX_HEIGHT = 600.0
MIN_HEIGHT = 300.0
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


def area_sketch(areas: Sequence[Area], places: Sequence[Place]) -> AreaSketch | None:
    """The areas' outline, or None where there is no shape to draw."""
    rings = outline(areas)
    if not rings:
        return None
    frame = _projection(rings)
    height = round(frame.box.height_km * frame.units_per_km, 1)
    scale = max((step for step in _SCALE_STEPS_KM if step <= frame.box.width_km * 0.3), default=_SCALE_STEPS_KM[0])
    return AreaSketch(
        width=WIDTH,
        height=height,
        paths=tuple(frame.path(ring) for ring in rings),
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


def _projection(rings: Sequence[LinearRing]) -> Projection:
    shape = Box.around([point for ring in rings for point in ring])
    wide = max(shape.width_km, _SMALLEST_SPAN_KM) * (1 + 2 * _MARGIN)
    high = max(shape.height_km, _SMALLEST_SPAN_KM) * (1 + 2 * _MARGIN)
    wide = max(wide, high * WIDTH / MAX_HEIGHT)
    high = max(high, wide * MIN_HEIGHT / WIDTH)
    return Projection(shape.resized(wide, high), WIDTH / wide)


def _dots(frame: Projection, places: Sequence[Place], height: float) -> tuple[Dot, ...]:
    taken: list[tuple[float, float, float, float]] = []
    found = []
    for place in places:
        x, y = frame.point((place.lat, place.lon))
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
