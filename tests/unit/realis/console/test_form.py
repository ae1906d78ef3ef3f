"""Times as typed, areas as drawn: the small readings behind the edit page."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from realis.console.area_form import chosen_places, own_areas, place_area, sketch
from realis.console.local_time import later, local_parts, read_local
from realis.model.errors import InvalidInput
from tests.support.desk import PLACES, triangle

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_local_time_and_back() -> None:
    """What is typed in the city's zone is stored in UTC and shown again as typed."""
    instant = read_local("2026-07-01", "18:30", BERLIN)
    assert instant == datetime(2026, 7, 1, 16, 30, tzinfo=UTC)
    assert local_parts(instant, BERLIN) == ("2026-07-01", "18:30")
    assert read_local("", "", BERLIN) is None


def test_the_hour_that_comes_twice_is_the_later_one() -> None:
    """In the night the clock goes back, a warning never ends an hour too early."""
    assert read_local("2026-10-25", "02:30", BERLIN) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "time", "code"),
    [
        ("2026-03-29", "02:30", "time-skipped"),
        ("2026-13-01", "10:00", "time-unreadable"),
        ("2026-01-01", "", "time-unreadable"),
    ],
)
def test_a_time_that_is_none_is_refused(date: str, time: str, code: str) -> None:
    """The skipped hour, nonsense, and half of a time are named, never guessed."""
    with pytest.raises(InvalidInput, match=code):
        read_local(date, time, BERLIN)


@pytest.mark.parametrize(("minute", "second", "ends"), [(3, 0, 5), (0, 0, 0), (0, 1, 5), (57, 30, 0)])
def test_quick_times_are_round(minute: int, second: int, ends: int) -> None:
    """A quick time is never earlier than asked and ends on a multiple of five minutes."""
    now = datetime(2026, 1, 1, 12, minute, second, tzinfo=UTC)
    found = later(now, 60)
    assert found.minute == ends
    assert 60 <= (found - now).total_seconds() / 60 < 65 + 1


def test_districts_and_own_areas_are_told_apart() -> None:
    """A district is recognised whatever it is called; everything else is the message's own."""
    areas = (place_area(PLACES[1]), triangle())
    assert chosen_places(areas, PLACES) == {"geisweid"}
    assert own_areas(areas, PLACES) == (triangle(),)


def test_a_sketch_is_true_to_shape() -> None:
    """A circle stays round at Siegen's latitude and lies inside the drawing; nothing drawable gives no drawing."""
    drawn = sketch((place_area(PLACES[0]),))
    assert drawn is not None
    assert drawn.width == pytest.approx(drawn.height, rel=0.01)
    numbers = [float(part) for part in drawn.path.replace("M", " ").replace("L", " ").replace("Z", " ").split()]
    assert min(numbers) >= 0
    assert max(numbers) <= 400
    assert sketch(()) is None
