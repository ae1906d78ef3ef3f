"""Degrees to the units of an SVG drawing: equirectangular at the middle latitude, true enough to shape for a city."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from realis.model.area import LatLon, LinearRing

_KM_PER_DEGREE = 111.195
_LEAST_STRETCH = 0.01
"""Keeps a drawing near a pole from shrinking to a line."""


@dataclass(frozen=True, slots=True)
class Box:
    """What a drawing shows, in kilometres east of the zero meridian and north of the equator.

    Args:
        stretch: how long a degree of longitude is beside one of latitude.
    """

    west_km: float
    north_km: float
    width_km: float
    height_km: float
    stretch: float

    @classmethod
    def around(cls, points: Sequence[LatLon]) -> Box:
        """The smallest box that holds all points; there must be one at least."""
        lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
        stretch = max(math.cos(math.radians((min(lats) + max(lats)) / 2)), _LEAST_STRETCH)
        west, east = min(lons) * stretch * _KM_PER_DEGREE, max(lons) * stretch * _KM_PER_DEGREE
        south, north = min(lats) * _KM_PER_DEGREE, max(lats) * _KM_PER_DEGREE
        return cls(west, north, east - west, north - south, stretch)

    def resized(self, width_km: float, height_km: float) -> Box:
        """A box of this size around the same middle."""
        return Box(
            self.west_km - (width_km - self.width_km) / 2,
            self.north_km + (height_km - self.height_km) / 2,
            width_km,
            height_km,
            self.stretch,
        )


@dataclass(frozen=True, slots=True)
class Projection:
    """Draws what lies in a box; its north-western corner is 0, 0."""

    box: Box
    units_per_km: float

    def point(self, place: LatLon) -> tuple[float, float]:
        """The place in the drawing, rounded to a tenth of a unit."""
        x_km = place[1] * self.box.stretch * _KM_PER_DEGREE - self.box.west_km
        y_km = self.box.north_km - place[0] * _KM_PER_DEGREE
        return round(x_km * self.units_per_km, 1), round(y_km * self.units_per_km, 1)

    def path(self, ring: LinearRing) -> str:
        """A closed ring as SVG path data."""
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in map(self.point, ring[:-1])) + "Z"

    def paths(self, rings: Iterable[LinearRing]) -> str:
        """Several rings as the data of one path."""
        return " ".join(self.path(ring) for ring in rings)
