"""The picture of an area: outline, scale, names; true to shape and always inside its frame."""

from __future__ import annotations

import re

import pytest

from mobile_api.area_sketch import WIDTH, area_sketch, touched
from realis.model.area import Area, Circle
from tests.support.mobile import PLACES


def test_nothing_to_draw_gives_no_picture() -> None:
    """An area of geocodes only has no shape."""
    assert area_sketch((Area("Siegen"),), PLACES) is None


@pytest.mark.parametrize("radius_km", [0.05, 0.9, 12, 300])
def test_a_circle_is_round_and_inside(radius_km: float) -> None:
    """As wide as high, within the frame, with a scale bar shorter than a third of it."""
    drawn = area_sketch((Area("Kreis", circles=(Circle(50.87, 8.02, radius_km),)),), PLACES)

    assert drawn is not None
    numbers = [float(number) for number in re.findall(r"[\d.]+", drawn.paths[0])]
    xs, ys = numbers[0::2], numbers[1::2]
    assert min(xs) > 0
    assert max(xs) < drawn.width
    assert min(ys) > 0
    assert max(ys) < drawn.height
    assert max(xs) - min(xs) == pytest.approx(max(ys) - min(ys), rel=0.06)
    assert 0 < drawn.scale_length < WIDTH / 3


def test_names_do_not_cover_each_other() -> None:
    """Places on the same spot: each has its dot, one has its name."""
    crowd = (PLACES[0], PLACES[0], PLACES[0])
    drawn = area_sketch((Area("Kreis", circles=(Circle(50.87, 8.02, 2),)),), crowd)

    assert drawn is not None
    assert [dot.labelled for dot in drawn.dots] == [True, False, False]


def test_the_same_area_in_words() -> None:
    """The touched places are named in the city's order; far ones are not."""
    north = Area("Norden", circles=(Circle(50.905, 8.026, 1.0),))

    assert touched((north,), PLACES) == ("Weidenau", "Geisweid")
