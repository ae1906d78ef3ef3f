"""The semantic rules: each finding where it belongs, and none on a sound message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from realis.cap.reader import read
from realis.cap.rules import check, looks_like_test
from realis.model.alert import Alert, Info, MsgType, Reference, Scope, Status
from realis.model.area import Area, NamedValue
from tests.data.cap import sample

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def weather() -> Alert:
    """A sound message."""
    return read(sample("weather_languages")).alert


def rules(alert: Alert, now: datetime = NOW, known: tuple[Reference, ...] = ()) -> set[str]:
    """The rule ids of all findings."""
    return {finding.rule for finding in check(alert, now, known)}


def with_info(**changes: object) -> Alert:
    """The sound message with only its first info, changed."""
    alert = weather()
    return replace(alert, infos=(replace(alert.infos[0], **changes),))  # type: ignore[arg-type]


def test_a_sound_message_has_no_findings() -> None:
    """Nothing is said about a message that is in order."""
    assert check(weather(), NOW, ()) == ()


def test_expiry_counts_the_latest_of_all_infos() -> None:
    """A message is expired when its last info is, not its first."""
    assert rules(weather(), datetime(2026, 3, 1, 20, tzinfo=UTC)) == set()
    assert rules(weather(), datetime(2026, 3, 1, 21, tzinfo=UTC)) == {"expired"}
    assert "expired" in rules(read(sample("expired")).alert)


def test_unknown_references_are_named_and_known_ones_are_not() -> None:
    """A reference is known by sender, identifier and instant, whatever its zone."""
    alert = read(sample("unknown_reference")).alert
    assert rules(alert) == {"reference-unknown"}
    known = Reference("stab@musterstadt.example", "stab.never-seen.1", datetime(2026, 3, 1, 8, tzinfo=UTC))
    assert rules(alert, known=(known,)) == set()


@pytest.mark.parametrize("msg_type", [MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK])
def test_answers_need_references(msg_type: MsgType) -> None:
    """An update, cancel or acknowledgement must say of what."""
    assert "references-missing" in rules(replace(weather(), msg_type=msg_type))


def test_references_that_make_no_sense() -> None:
    """A new message refers to nothing, and none to itself."""
    alert = weather()
    found = rules(replace(alert, references=(alert.reference,)))
    assert {"references-on-alert", "reference-to-self"} <= found


def test_scope_and_restriction_must_fit() -> None:
    """Restricted needs a rule, private needs addresses, and neither is public."""
    assert rules(replace(weather(), scope=Scope.RESTRICTED)) == {"restriction-missing", "not-public"}
    assert rules(replace(weather(), scope=Scope.PRIVATE)) == {"addresses-missing", "not-public"}
    assert rules(replace(weather(), restriction="nur Stab")) == {"restriction-unused"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"expires": None}, "no-expires"),
        ({"expires": NOW - timedelta(hours=5)}, "expires-before-sent"),
        ({"onset": NOW + timedelta(days=3)}, "expires-before-onset"),
        ({"headline": ""}, "headline-missing"),
        ({"headline": "x" * 161}, "headline-long"),
        ({"instruction": ""}, "instruction-missing"),
        ({"event": ""}, "event-missing"),
        ({"areas": ()}, "no-shape"),
        ({"areas": (Area("Luft", geocodes=(NamedValue("X", "1"),)),)}, "no-shape"),
        ({"areas": (replace(weather().areas[0], altitude_ft=None),)}, "ceiling-without-altitude"),
        ({"areas": (replace(weather().areas[0], altitude_ft=99_999.0),)}, "ceiling-below-altitude"),
        ({"areas": (replace(weather().areas[0], desc=""),)}, "area-unnamed"),
    ],
)
def test_each_flaw_of_an_info_is_named(changes: dict[str, object], rule: str) -> None:
    """Each flaw of one info gives its own finding."""
    assert rule in rules(with_info(**changes))


def test_infos_must_describe_one_event() -> None:
    """Language versions with different categories, codes or the same text are named."""
    alert = weather()
    first, second = alert.infos[0], alert.infos[1]
    other = replace(second, categories=(), event_codes=(), description=first.description)
    found = rules(replace(alert, infos=(first, other)))
    assert {"categories-differ", "event-codes-differ", "same-text"} <= found


def test_a_message_without_info_is_named() -> None:
    """An alert without any info says nothing; a cancel may do without."""
    assert "info-missing" in rules(replace(weather(), infos=()))
    assert "info-missing" not in rules(replace(weather(), infos=(), msg_type=MsgType.CANCEL))


def test_a_cancel_that_does_not_say_why_is_named() -> None:
    """Neither Entwarnung nor Fehlalarm may be assumed."""
    assert "ending-unclear" in rules(replace(weather(), msg_type=MsgType.CANCEL))
    assert "ending-unclear" not in rules(read(sample("all_clear_double_escaped")).alert)


def _titled(info: Info, headline: str) -> Alert:
    return replace(weather(), infos=(replace(info, headline=headline),))


@pytest.mark.parametrize(
    "headline",
    ["Probealarm - Land Hessen", "TEST der Sirenen", "Landesweiter Warntag", "Übung: Hochwasser", "This is a drill"],
)
def test_a_test_under_the_status_actual_is_named(headline: str) -> None:
    """Words that say test demand a choice of occasion; the status alone is not believed."""
    alert = _titled(weather().infos[0], headline)
    assert looks_like_test(alert)
    assert "looks-like-test" in rules(alert)
    assert "looks-like-test" not in rules(replace(alert, status=Status.TEST))


@pytest.mark.parametrize("code", ["BBK-EVC-050", "BBK-EVC-060", "BBK-EVC-078"])
def test_a_test_code_is_named(code: str) -> None:
    """The codes for test warning, siren test and test alarm count as well."""
    assert "looks-like-test" in rules(with_info(event_codes=(NamedValue("profile:DE-BBK-EVENTCODE", code),)))


@pytest.mark.parametrize("headline", ["Protest in der Innenstadt", "Please exercise caution", "Wasserproben auffällig"])
def test_words_that_only_look_like_tests_are_left_alone(headline: str) -> None:
    """Parts of other words are no test."""
    assert not looks_like_test(_titled(weather().infos[0], headline))


def test_a_sender_from_the_future_is_named() -> None:
    """A message sent later than now hints at a wrong clock."""
    assert "sent-in-future" in rules(weather(), NOW - timedelta(days=1))
