"""The picture of an area: outline, scale, names; true to shape and always inside its frame."""

from __future__ import annotations

import re

import pytest

from mobile_api.area_sketch import WIDTH, area_names, area_sketch, touched
from realis.model.area import Area, Circle, NamedValue
from realis.ports.installation import Place
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


WHOLE = Place("stadt", "ganzes Stadtgebiet", 50.8838, 8.0209, 9.0)
CITY_AND_PARTS = (WHOLE, *PLACES)


def _chosen(*places: Place) -> tuple[Area, ...]:
    return tuple(Area(place.name, circles=(Circle(place.lat, place.lon, place.radius_km),)) for place in places)


def test_only_chosen_districts_are_named() -> None:
    """The circles of Mitte and Weidenau overlap others and lie in the city; neither was chosen."""
    areas = _chosen(PLACES[0], PLACES[1])

    assert area_names(areas, CITY_AND_PARTS) == ("Siegen-Mitte", "Weidenau")
    assert touched(areas, CITY_AND_PARTS) == ()


def test_a_message_that_names_a_district_of_ours_means_that_one() -> None:
    """Also where its outline is not our circle."""
    areas = (Area("Weidenau", circles=(Circle(50.8936, 8.0285, 2.5),)),)

    assert touched(areas, CITY_AND_PARTS) == ()


def test_a_drawing_beside_chosen_districts_names_what_it_touches() -> None:
    """Only the drawing is worked out; what was chosen keeps its name."""
    drawn = Area("Sieg-Ufer", circles=(Circle(50.9170, 8.0240, 0.2),))
    areas = (*_chosen(PLACES[0]), drawn)

    assert area_names(areas, CITY_AND_PARTS) == ("Siegen-Mitte", "Sieg-Ufer")
    assert touched(areas, CITY_AND_PARTS) == ("Geisweid",)


def test_an_area_without_words_is_named_by_what_it_touches() -> None:
    """A nameless outline from outside; the whole city is named only when all of it is meant."""
    nameless = Area("", circles=(Circle(50.8936, 8.0285, 0.2),))
    everything = Area("", circles=(Circle(50.8838, 8.0209, 12.0),))

    assert area_names((nameless,), CITY_AND_PARTS) == ("Weidenau",)
    assert area_names((everything,), CITY_AND_PARTS) == tuple(place.name for place in CITY_AND_PARTS)
    assert area_names((Area("", geocodes=(NamedValue("ARS", "059700040040"),)),), CITY_AND_PARTS) == ()
