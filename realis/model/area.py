"""The area of a warning: polygons, circles and geocodes, and the H3 cells they touch.

Coordinates are degrees latitude and longitude, WGS 84, in CAP's order (lat, lon).
The geometry library's order (lon, lat) never leaves this module. No files, no network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

import h3
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

CELL_RESOLUTION = 8
"""H3 resolution of a citizen's place: cells of about 0.7 km², coarse on purpose (promise 14)."""

RING_REACH = (2, 6)
"""Outer limits of an area's inner rings, in cells from its middle; about 2 and 5.5 km."""

OUTERMOST_RING = len(RING_REACH) + 1
"""The ring of all targets without a place in the area."""

MAX_KM2 = 40_000.0
"""Largest bounding box of one warning: about North Rhine-Westphalia, some 55,000 cells."""

_EARTH_RADIUS_KM = 6371.0088
_CIRCLE_CORNERS = 48
_MIN_RING = 4

LatLon = tuple[float, float]
LinearRing = tuple[LatLon, ...]


@dataclass(frozen=True, slots=True)
class Circle:
    """A CAP circle: centre in degrees, radius in kilometres (CAP 1.2, 3.2.4)."""

    lat: float
    lon: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class NamedValue:
    """CAP's valueName/value pair, as in geocode, eventCode and parameter."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Area:
    """One CAP ``<area>``; several shapes are a union.

    Args:
        desc: the area in words.
        polygons: closed rings of (lat, lon), first point equal to last.
        circles: see ``Circle``.
        geocodes: for example ("ARS", "059700040040").
        altitude_ft: feet above mean sea level, lower limit.
        ceiling_ft: feet, upper limit; only with an altitude.
    """

    desc: str
    polygons: tuple[LinearRing, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[NamedValue, ...] = ()
    altitude_ft: float | None = None
    ceiling_ft: float | None = None

    @property
    def has_shape(self) -> bool:
        """Whether there is a polygon or circle, so that the area can be drawn and matched."""
        return bool(self.polygons or self.circles)


def circle_ring(circle: Circle) -> LinearRing:
    """The circle as a closed ring of 48 points on the sphere, true in metres at any latitude."""
    angle = circle.radius_km / _EARTH_RADIUS_KM
    lat, lon = math.radians(circle.lat), math.radians(circle.lon)
    points = []
    for step in range(_CIRCLE_CORNERS):
        bearing = 2 * math.pi * step / _CIRCLE_CORNERS
        sin_lat = math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(bearing)
        new_lat = math.asin(max(-1.0, min(1.0, sin_lat)))
        east = math.sin(bearing) * math.sin(angle) * math.cos(lat)
        north = math.cos(angle) - math.sin(lat) * math.sin(new_lat)
        new_lon = lon + math.atan2(east, north)
        points.append((round(math.degrees(new_lat), 6), round(math.degrees(new_lon), 6)))
    return (*points, points[0])


class RingProblem(StrEnum):
    """Why a polygon's ring violates CAP 1.2 (3.2.4) or GeoJSON (RFC 7946, 3.1.6)."""

    TOO_SHORT = "polygon-too-short"
    OUT_OF_RANGE = "polygon-out-of-range"
    NOT_CLOSED = "polygon-not-closed"
    NOT_SIMPLE = "polygon-not-simple"


def ring_problem(ring: LinearRing) -> RingProblem | None:
    """Return the first problem of a polygon's ring, or None. The ring may still be usable after repair."""
    if len(ring) < _MIN_RING:
        return RingProblem.TOO_SHORT
    if any(not (-90 <= lat <= 90 and -180 <= lon <= 180) for lat, lon in ring):
        return RingProblem.OUT_OF_RANGE
    if ring[0] != ring[-1]:
        return RingProblem.NOT_CLOSED
    polygon = Polygon([(lon, lat) for lat, lon in ring])
    if not polygon.is_valid:
        return RingProblem.NOT_SIMPLE
    return None


def geometry(areas: Iterable[Area]) -> BaseGeometry:
    """The union of all shapes, repaired where they cross themselves; x is longitude, y latitude."""
    shapes: list[BaseGeometry] = []
    for area in areas:
        rings = [*area.polygons, *(circle_ring(circle) for circle in area.circles)]
        for ring in rings:
            if len(ring) >= _MIN_RING:
                polygon = Polygon([(lon, lat) for lat, lon in ring])
                shapes.append(polygon if polygon.is_valid else shapely.make_valid(polygon))
    return unary_union(shapes) if shapes else MultiPolygon()


def polygons_of(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons inside a geometry; lines and points left over by a repair are dropped."""
    if isinstance(shape, Polygon):
        return [] if shape.is_empty else [shape]
    return [part for part in getattr(shape, "geoms", ()) if isinstance(part, Polygon) and not part.is_empty]


def extent_km2(areas: Iterable[Area]) -> float:
    """Return the approximate bounding box of the areas in km², to refuse far too large ones before they are matched."""
    shape = geometry(areas)
    if shape.is_empty:
        return 0.0
    west, south, east, north = shape.bounds
    km_per_degree = math.pi * _EARTH_RADIUS_KM / 180
    narrowing = math.cos(math.radians((north + south) / 2))
    return float((north - south) * (east - west) * km_per_degree**2 * narrowing)


def cells(areas: Iterable[Area]) -> frozenset[str]:
    """All resolution-8 cells that touch the areas (overlap, so that small circles are not missed)."""
    return frozenset(rings(tuple(areas)))


@lru_cache(maxsize=8)
def rings(areas: tuple[Area, ...]) -> Mapping[str, int]:
    """Return the cells that touch the areas, each with its ring: 0 around the middle of a shape, then 1, 2.

    The middle of a circle is usually the hazard itself; for a polygon it is the best estimate. Cached, because the
    cells are computed at submission and needed again in the issue transaction, whose latency counts.
    """
    shapes = polygons_of(geometry(areas))
    middles = [cell_of(shape.centroid.y, shape.centroid.x) for shape in shapes]
    found = dict.fromkeys(_touched(shapes), OUTERMOST_RING - 1)
    for ring, reach in reversed(tuple(enumerate(RING_REACH))):
        near = (cell for middle in middles for cell in h3.grid_disk(middle, reach))
        found.update((cell, ring) for cell in near if cell in found)
    return MappingProxyType(found)


def _touched(shapes: Iterable[Polygon]) -> frozenset[str]:
    found: set[str] = set()
    for polygon in shapes:
        outer = [(lat, lon) for lon, lat in polygon.exterior.coords]
        holes = [[(lat, lon) for lon, lat in ring.coords] for ring in polygon.interiors]
        shape = h3.LatLngPoly(outer, *holes)
        found.update(h3.h3shape_to_cells_experimental(shape, CELL_RESOLUTION, contain="overlap"))
    return frozenset(found)


def cell_of(lat: float, lon: float) -> str:
    """The resolution-8 cell a point lies in."""
    return str(h3.latlng_to_cell(lat, lon, CELL_RESOLUTION))


def outline(areas: Iterable[Area]) -> tuple[LinearRing, ...]:
    """The outer rings of the union as (lat, lon), for drawing."""
    return tuple(
        tuple((round(lat, 6), round(lon, 6)) for lon, lat in polygon.exterior.coords)
        for polygon in polygons_of(geometry(areas))
    )
