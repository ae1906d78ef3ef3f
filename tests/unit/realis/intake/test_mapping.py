"""What foreign messages become, and above all what they never become."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from realis.cap.reader import ReadResult, read
from realis.cap.rules import check
from realis.cap.signature import SignatureState, SignatureVerdict
from realis.cap.writer import write
from realis.intake.mapping import asks_for_draft, content_of, kind_of, occasion_of, tag_of
from realis.model.alert import (
    Alert,
    Certainty,
    Level,
    MsgType,
    Occasion,
    ResponseType,
    Severity,
    Status,
    Urgency,
)
from realis.model.area import Area, NamedValue
from realis.model.draft import Content, DraftKind, Envelope, compose
from realis.model.languages import INTERFACE_LANGUAGES as LANGUAGES
from realis.model.languages import PLAIN
from tests.data.cap import sample

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def content(alert: Alert, languages: Collection[str] = LANGUAGES) -> Content:
    """The draft content of an alert, with its findings."""
    result = ReadResult(alert, (), SignatureVerdict(SignatureState.ABSENT))
    return content_of(result, check(alert, NOW, ()), languages=languages, default_source="Kreisleitstelle")


def sent(name: str) -> Alert:
    """One of the samples."""
    return read(sample(name)).alert


def test_a_weather_warning_becomes_a_draft_in_its_languages() -> None:
    """Texts keep their words under primary tags, German first, checked by the authority that wrote them."""
    found = content(sent("weather_languages"))
    assert (found.occasion, found.kind, found.level) == (Occasion.ERNSTFALL, DraftKind.ALERT, Level.INFORMATION)
    assert [(text.language, text.checked_by) for text in found.texts] == [
        ("de", "Wetteramt Musterland"),
        ("en", "Wetteramt Musterland"),
        ("ar", "Wetteramt Musterland"),
    ]
    assert found.texts[0].headline == "Warnung vor STURMBÖEN"
    assert found.expires == datetime(2026, 3, 1, 21, tzinfo=UTC)
    assert found.onset == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert [area.desc for area in found.areas] == ["Gebiet der Warnung", "Musterstadt"]
    assert (found.event, found.event_code, found.web) == ("STURMBÖEN", "", "https://wetter.example.org/warnungen")
    assert (found.severity, found.urgency, found.certainty) == (Severity.MODERATE, Urgency.IMMEDIATE, None)
    assert found.channels == ()


def test_languages_the_city_does_not_use_are_left_out() -> None:
    """Only the city's languages come along."""
    assert [text.language for text in content(sent("weather_languages"), ("de", "tr")).texts] == ["de"]


def test_an_all_clear_keeps_its_untranslated_texts_unchecked() -> None:
    """An all-clear is one; a version that only repeats the German text counts as checked by nobody."""
    found = content(sent("all_clear_double_escaped"))
    assert found.kind is DraftKind.ALL_CLEAR
    assert found.event_code == "BBK-EVC-010"
    assert found.source_name == "Leitstelle Musterstadt, Feuerwehr und Rettungsdienst"
    assert [(text.language, bool(text.checked_by)) for text in found.texts] == [("de", True), (PLAIN, False)]
    assert len(found.areas) == 1


@pytest.mark.parametrize(
    ("status", "occasion"),
    [
        (Status.ACTUAL, Occasion.ERNSTFALL),
        (Status.TEST, Occasion.PROBEWARNUNG),
        (Status.EXERCISE, Occasion.UEBUNG),
        (Status.SYSTEM, Occasion.UEBUNG),
        (Status.DRAFT, Occasion.UEBUNG),
    ],
)
def test_only_actual_becomes_an_ernstfall(status: Status, occasion: Occasion) -> None:
    """No other status can ever turn into the real thing."""
    assert occasion_of(replace(sent("expired"), status=status)) is occasion


def test_kinds_follow_the_message() -> None:
    """Alert, update, all-clear and retraction keep their kind; a bare cancel claims neither ending."""
    alert = sent("expired")
    info = alert.infos[0]
    cancel = replace(alert, msg_type=MsgType.CANCEL)
    retracted = replace(info, parameters=(NamedValue("ending", "retracted"),))
    cleared = replace(info, response_types=(ResponseType.ALL_CLEAR,))
    assert kind_of(alert) is DraftKind.ALERT
    assert kind_of(replace(alert, msg_type=MsgType.UPDATE)) is DraftKind.UPDATE
    assert kind_of(replace(alert, msg_type=MsgType.UPDATE, infos=(cleared,))) is DraftKind.ALL_CLEAR
    assert kind_of(replace(cancel, infos=(retracted,))) is DraftKind.RETRACTION
    assert kind_of(cancel) is DraftKind.UPDATE


def test_answers_ask_for_no_draft() -> None:
    """An acknowledgement or error is about a message, not about a situation."""
    alert = sent("expired")
    assert asks_for_draft(alert)
    assert not asks_for_draft(replace(alert, msg_type=MsgType.ACK))
    assert not asks_for_draft(replace(alert, msg_type=MsgType.ERROR))


def test_later_infos_of_a_language_expand_the_first() -> None:
    """Two German infos become one text that holds both, each sentence once."""
    alert = sent("expired")
    more = replace(alert.infos[0], description="Die Brücke ist gesperrt.")
    found = content(replace(alert, infos=(*alert.infos, more)))
    assert len(found.texts) == 1
    assert found.texts[0].description == "Der Musterbach steigt schnell.\n\nDie Brücke ist gesperrt."
    assert found.texts[0].instruction == "Meiden Sie das Ufer."


def test_nothing_given_leaves_the_words_to_the_operator() -> None:
    """A message without any info becomes an empty draft at level danger, from the authority that sent it."""
    found = content(replace(sent("expired"), infos=()))
    assert (found.texts, found.areas, found.level) == ((), (), Level.DANGER)
    assert found.source_name == "Kreisleitstelle"
    assert (found.severity, found.urgency, found.certainty) == (None, None, None)


@pytest.mark.parametrize(
    "ring",
    [
        ((50.8, 7.9), (50.8, 8.2), (51.0, 8.2), (51.0, 7.9)),
        ((50.8, 7.9), (50.8, 8.2), (50.8, 190.0), (51.0, 8.2), (51.0, 7.9), (50.8, 7.9)),
        ((50.8, 7.9), (51.0, 8.2), (50.8, 8.2), (51.0, 7.9), (50.8, 7.9)),
        ((50.8, 7.9), (50.8, 7.9)),
        (),
    ],
)
def test_bent_areas_become_writable(ring: tuple[tuple[float, float], ...]) -> None:
    """Open, impossible, crossing, short and empty polygons never keep a later release from being written."""
    alert = sent("expired")
    area = Area("Ufer", polygons=(ring,), circles=alert.areas[0].circles, ceiling_ft=100.0)
    bent = replace(alert, infos=(replace(alert.infos[0], areas=(area,), web="javascript:alert(1)"),))
    found = content(bent)
    assert found.web == ""
    assert write(compose(found, Envelope("x.1", "stab@musterstadt.example", NOW)))


def test_what_says_no_more_than_the_level_is_not_kept() -> None:
    """Severity, urgency and certainty are set only where the message says something of its own."""
    found = content(sent("expired"))
    assert (found.level, found.severity, found.urgency, found.certainty) == (
        Level.DANGER,
        None,
        Urgency.EXPECTED,
        None,
    )
    unknown = replace(sent("expired").infos[0], certainty=Certainty.UNKNOWN)
    assert content(replace(sent("expired"), infos=(unknown,))).certainty is None


@pytest.mark.parametrize(
    ("language", "tag"), [("de-DE", "de"), ("EN-us", "en"), ("de-x-ls", PLAIN), ("zh-Hant-MO", "zh"), ("und", "und")]
)
def test_tags_are_primary(language: str, tag: str) -> None:
    """Texts are kept under the primary tag, plain German under its own."""
    assert tag_of(language) == tag
