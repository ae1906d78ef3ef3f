"""The drawing of areas: north above, true to shape, inside its box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realis.model.area import Circle, circle_ring
from realis.web.projection import Box, Projection


@given(st.floats(-80, 80), st.floats(-170, 170), st.floats(0.1, 200))
def test_a_circle_is_drawn_round_and_fills_its_box(lat: float, lon: float, radius_km: float) -> None:
    """At any place on earth, to within what one scale for the whole drawing allows."""
    ring = circle_ring(Circle(lat, lon, radius_km))
    box = Box.around(ring)
    drawn = [Projection(box, 1000 / box.height_km).point(point) for point in ring]
    xs, ys = [x for x, _ in drawn], [y for _, y in drawn]

    assert (min(xs), min(ys), max(ys)) == pytest.approx((0, 0, 1000), abs=0.2)
    assert max(xs) == pytest.approx(box.width_km * 1000 / box.height_km, abs=0.2)
    assert max(xs) == pytest.approx(1000, rel=0.06)


def test_north_is_above_and_a_larger_box_keeps_the_middle() -> None:
    """The south-western corner lies below and left, the middle in the middle."""
    box = Box.around([(50.8, 8.0), (50.9, 8.1)])
    wider = Projection(box.resized(20, 30), 10)

    assert Projection(box, 10).point((50.9, 8.0)) == (0, 0)
    assert wider.point((50.85, 8.05)) == (100, 150)


def test_a_ring_is_closed_by_the_path_itself() -> None:
    """Its last point, which repeats the first, is not drawn twice."""
    ring = ((50.9, 8.0), (50.9, 8.1), (50.8, 8.0), (50.9, 8.0))
    path = Projection(Box.around(ring), 10).path(ring)

    assert path.startswith("M0 0L")
    assert path.endswith("Z")
    assert path.count("L") == 2
