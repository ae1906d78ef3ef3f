"""Which warning a group of screens shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from displays.scene import ScreenAudience, choose, languages_of, spoken
from realis.model.alert import Ending, Level
from realis.model.area import cell_of, cells
from realis.ports.read_models import Snapshot, WarningView
from realis.ports.targets import TargetRecord
from tests.support.displays import ELSEWHERE, WEIDENAU, ShiftedClock, ended, warning

CLOCK = ShiftedClock()
HERE = ScreenAudience(frozenset({cell_of(*WEIDENAU)}), everywhere=False, languages=("de",))
OTHER = UUID("01930000-0000-7000-8000-00000000000b")


def touched(view: WarningView) -> frozenset[str]:
    """The cells of a warning, computed anew."""
    return cells(view.areas)


def snapshot(*in_force: WarningView, over: tuple[WarningView, ...] = ()) -> Snapshot:
    """What the store says now."""
    return Snapshot(1, CLOCK.now(), in_force, over)


def test_the_gravest_that_touches_the_place_is_shown_and_the_rest_counted() -> None:
    """A graver warning elsewhere does not concern this screen."""
    far = warning(CLOCK, incident=OTHER, areas=(ELSEWHERE,))
    near, second = warning(CLOCK, level=Level.DANGER), warning(CLOCK, level=Level.INFORMATION)
    scene = choose(snapshot(far, near, second), HERE, touched)
    assert (scene.view, scene.others) == (near, 1)


def test_a_screen_for_everywhere_shows_what_concerns_any_place() -> None:
    """The screen in the town hall shows every warning of the city."""
    far = warning(CLOCK, areas=(ELSEWHERE,))
    assert choose(snapshot(far), HERE, touched).view is None
    assert choose(snapshot(far), replace(HERE, everywhere=True), touched).view is far


def test_who_was_shown_a_warning_hears_the_rest_when_the_area_moved() -> None:
    """Promise 4: an update whose area no longer touches the screen still reaches it, and so does the ending."""
    moved = warning(CLOCK, areas=(ELSEWHERE,), revision=2)
    enrolled = replace(HERE, enrolled=frozenset({moved.incident}))
    assert choose(snapshot(moved), enrolled, touched).view is moved
    over = ended(moved, Ending.ALL_CLEAR, CLOCK.now())
    assert choose(snapshot(over=(over,)), enrolled, touched).view is over


def test_an_ending_is_shown_for_a_bounded_time() -> None:
    """Ten minutes after it ended the screen is idle again."""
    fresh = ended(warning(CLOCK), Ending.ALL_CLEAR, CLOCK.now() - timedelta(minutes=9))
    old = replace(fresh, ended_at=CLOCK.now() - timedelta(minutes=11))
    assert choose(snapshot(over=(fresh,)), HERE, touched).view is fresh
    assert choose(snapshot(over=(old,)), HERE, touched).view is None


@pytest.mark.parametrize("ending", [Ending.RETRACTED, Ending.EXPIRED])
def test_a_false_alarm_is_not_announced_where_nobody_saw_it(ending: Ending) -> None:
    """A retraction or a run-out goes only to screens that had shown the warning."""
    over = ended(warning(CLOCK), ending, CLOCK.now())
    assert choose(snapshot(over=(over,)), HERE, touched).view is None
    enrolled = replace(HERE, enrolled=frozenset({over.incident}))
    assert choose(snapshot(over=(over,)), enrolled, touched).view is over


def test_a_warning_in_force_goes_before_an_ending() -> None:
    """While anything is in force here, no ending of something else covers it."""
    over = ended(warning(CLOCK, incident=OTHER), Ending.ALL_CLEAR, CLOCK.now())
    near = warning(CLOCK)
    assert choose(snapshot(near, over=(over,)), HERE, touched).view is near


def test_frames_of_one_place_do_not_fit_another() -> None:
    """Each place has its own name, which goes into the signed frame."""
    other = replace(HERE, places=frozenset({cell_of(50.842, 7.985)}))
    assert len({HERE.screen, other.screen, replace(HERE, everywhere=True).screen}) == 3


def test_languages_come_from_the_screen_then_the_city() -> None:
    """A list is taken as it is; one language goes first and the city's follow."""
    record = TargetRecord(1, "display", "tr, ar", joined=False, active=True)
    assert languages_of(record, ("de", "en")) == ("tr", "ar")
    assert languages_of(replace(record, language="ar"), ("de", "ar", "en")) == ("ar", "de", "en")
    assert languages_of(replace(record, language=""), ()) == ("de",)


def test_a_language_without_own_words_is_not_rotated() -> None:
    """German words do not come again under every language's name; alone, they are shown."""
    texts = dict(warning(CLOCK, languages=("de", "en")).texts)
    texts["tr"] = replace(texts["de"], language="tr")
    assert [text.language for text in spoken(texts, ("de", "tr", "en"))] == ["de", "en"]
    assert [text.language for text in spoken(texts, ("tr",))] == ["tr"]
    assert [text.language for text in spoken(texts, ("pl",))] == ["de"]
