"""Drafts: what keeps one from being submitted, and the message it becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from realis.model.alert import MsgType, Occasion, Status
from realis.model.area import Area, Circle
from realis.model.draft import Content, DraftKind, Envelope, LanguageText, compose, problems
from tests.support.core_world import flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
GERMAN = LanguageText("de", "Hochwasser", "", "Oben bleiben.")


def test_a_complete_content_has_no_problem() -> None:
    """Nothing is asked for that is there."""
    assert problems(flood(NOW), NOW) == ()


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (flood(NOW, texts=(LanguageText("en", "Flood", "", "Stay."),)), "headline"),
        (flood(NOW, texts=(LanguageText("de", "   ", "", "x"),)), "headline"),
        (flood(NOW, texts=(LanguageText("de", "Hochwasser"),)), "instruction"),
        (flood(NOW, texts=(GERMAN, LanguageText("en", "x" * 161))), "headline.en"),
        (flood(NOW, texts=(GERMAN, LanguageText("en", "x", "y" * 4001))), "text.en"),
        (flood(NOW, areas=(Area("irgendwo"),)), "area"),
        (flood(NOW, areas=(Area("Europa", circles=(Circle(50, 8, 900),)),)), "area"),
        (flood(NOW, channels=()), "channels"),
        (flood(NOW, expires=None), "expires"),
        (flood(NOW, expires=NOW), "expires"),
    ],
)
def test_each_problem_names_its_field(content: Content, where: str) -> None:
    """What is missing, too long, too large or past."""
    assert [problem.where for problem in problems(content, NOW)] == [where]


def test_an_ending_needs_no_instruction() -> None:
    """After the danger there may be nothing to do."""
    assert problems(flood(NOW, kind=DraftKind.ALL_CLEAR, texts=(LanguageText("de", "Entwarnung"),)), NOW) == ()


@pytest.mark.parametrize("occasion", list(Occasion))
def test_the_occasion_is_the_cap_status(occasion: Occasion) -> None:
    """Only an Ernstfall is Actual; an Übung says so in its note too."""
    alert = compose(flood(NOW, occasion=occasion), Envelope("x.1", "s@x", NOW))
    assert (alert.status is Status.ACTUAL) == (occasion is Occasion.ERNSTFALL)
    assert bool(alert.note) == (occasion is Occasion.UEBUNG)


def test_every_language_is_one_info() -> None:
    """German first, each with the same event, area and end."""
    alert = compose(flood(NOW), Envelope("x.1", "s@x", NOW))
    assert [info.language for info in alert.infos] == ["de", "en", "ar"]
    assert {(info.event, info.expires, info.areas) for info in alert.infos} == {
        ("Hochwasser", NOW + timedelta(hours=6), alert.areas)
    }
    assert alert.msg_type is MsgType.ALERT
