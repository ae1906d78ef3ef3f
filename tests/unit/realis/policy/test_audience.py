"""Who is meant by a content."""

from __future__ import annotations

from datetime import UTC, datetime

from realis.model.alert import Occasion
from realis.model.draft import DraftKind
from realis.policy.audience import audience_for
from tests.support.core_world import EISERFELD, IN_WEIDENAU, WEIDENAU, flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)


def test_only_exercises_ask_for_joining() -> None:
    """A Probewarnung is for everyone, an Übung for those who joined."""
    assert [audience_for(flood(NOW, occasion=occasion)).joined_only for occasion in Occasion] == [False, False, True]


def test_only_a_false_alarm_matches_nobody_new() -> None:
    """It goes to those who were planned before."""
    assert [audience_for(flood(NOW, kind=kind)).match for kind in DraftKind] == [True, True, True, False]


def test_places_are_covered_by_their_area() -> None:
    """A place lies in its own district's area and not in another's."""
    assert IN_WEIDENAU in audience_for(flood(NOW, areas=(WEIDENAU,))).cells
    assert IN_WEIDENAU not in audience_for(flood(NOW, areas=(EISERFELD,))).cells
