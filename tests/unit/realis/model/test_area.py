"""Areas: matching cells, shapes and their mistakes."""

from __future__ import annotations

import pytest

from realis.model.area import (
    Area,
    Circle,
    RingProblem,
    cell_of,
    cells,
    circle_ring,
    extent_km2,
    outline,
    ring_problem,
)

SQUARE = ((50.0, 8.0), (50.0, 8.1), (50.1, 8.1), (50.1, 8.0), (50.0, 8.0))


def test_a_tiny_circle_is_not_missed() -> None:
    """Fifty metres around a point match the point's own cell."""
    tiny = Area("Haus", circles=(Circle(50.893, 8.027, 0.05),))
    assert cell_of(50.893, 8.027) in cells([tiny])


def test_a_circle_is_true_in_kilometres() -> None:
    """Two kilometres north and east of the centre lie on the ring of a 2 km circle, at Siegen's latitude."""
    ring = circle_ring(Circle(50.893, 8.027, 2.0))
    assert ring[0] == ring[-1]
    assert max(lat for lat, _ in ring) == pytest.approx(50.893 + 2 / 111.195, abs=1e-4)
    assert max(lon for _, lon in ring) == pytest.approx(8.027 + 2 / 111.195 / 0.6308, abs=1e-3)


def test_several_shapes_are_a_union() -> None:
    """The cells of two areas are those of both."""
    one, two = Area("a", circles=(Circle(50.9, 8.0, 1),)), Area("b", polygons=(SQUARE,))
    assert cells([one, two]) == cells([one]) | cells([two])


def test_an_outline_keeps_the_order() -> None:
    """Latitude comes first, as in CAP, also in what was worked out."""
    assert {point[0] for point in outline([Area("a", polygons=(SQUARE,))])[0]} == {50.0, 50.1}


@pytest.mark.parametrize(
    ("ring", "problem"),
    [
        (SQUARE[:3], RingProblem.TOO_SHORT),
        (((95.0, 8.0), *SQUARE[1:]), RingProblem.OUT_OF_RANGE),
        (SQUARE[:4], RingProblem.NOT_CLOSED),
        (((50.0, 8.0), (50.1, 8.1), (50.1, 8.0), (50.0, 8.1), (50.0, 8.0)), RingProblem.NOT_SIMPLE),
        (SQUARE, None),
    ],
)
def test_ring_problems_are_named(ring: tuple[tuple[float, float], ...], problem: RingProblem | None) -> None:
    """Each mistake has its own value; a good ring has none."""
    assert ring_problem(ring) is problem


def test_a_crossing_polygon_still_matches() -> None:
    """A bow tie is repaired, not dropped: somebody meant a place."""
    bow = ((50.0, 8.0), (50.1, 8.1), (50.1, 8.0), (50.0, 8.1), (50.0, 8.0))
    assert cells([Area("x", polygons=(bow,))])


def test_an_area_without_shape_matches_nobody() -> None:
    """Words alone are no place; its size is nothing."""
    empty = Area("irgendwo")
    assert not empty.has_shape
    assert (cells([empty]), extent_km2([empty])) == (frozenset(), 0.0)
