"""The tolerant reader: what it refuses, what it mends, and that it says so."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter

import pytest

from realis.cap.reader import read
from realis.cap.signature import SignatureState
from realis.cap.xml import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS
from realis.model.alert import Certainty, Ending, MsgType, Reference, Scope, Severity, Status, ending_of
from realis.model.area import Circle
from realis.model.errors import UnreadableMessage
from tests.data.cap import sample
from tests.support.pace import at_pace
from tests.support.wording import german


def rules(raw: bytes) -> set[str]:
    """The rule ids of everything the reader noted."""
    return {finding.rule for finding in read(raw).problems}


def changed(name: str, old: str, new: str) -> bytes:
    """A sample with one thing replaced; fails if the thing is not there."""
    text = sample(name).decode()
    assert old in text
    return text.replace(old, new).encode()


def test_reads_a_clean_message_without_findings() -> None:
    """A valid message in several languages is read whole and nothing is noted."""
    result = read(sample("weather_languages"))
    alert = result.alert
    assert result.problems == ()
    assert result.signature.state is SignatureState.ABSENT
    assert (alert.status, alert.msg_type, alert.scope) == (Status.ACTUAL, MsgType.ALERT, Scope.PUBLIC)
    assert [info.language for info in alert.infos] == ["de-DE", "en", "ar"]
    assert alert.infos[0].expires == datetime(2026, 3, 1, 19, tzinfo=UTC)
    assert alert.infos[0].areas[0].ceiling_ft == pytest.approx(9842.5197)
    assert alert.infos[0].areas[1].geocodes[0].name == "WARNCELLID"
    assert alert.codes == ("id:9.99.0.1.WETTER.1772355600",)


def test_reads_an_all_clear_in_wrong_order_with_escaped_html() -> None:
    """An all-clear with HTML, wrong order and no responseType is read as one, each flaw is named."""
    result = read(sample("all_clear_double_escaped"))
    german = result.alert.infos[0]
    assert german.description == 'Die Warnung "Rauch über der Nordstadt" ist aufgehoben.\n\nDer Brand ist gelöscht.'
    assert german.instruction == "Sie können Fenster wieder öffnen.\nEs besteht keine Gefahr."
    assert result.alert.infos[1].language == "de-x-ls"
    assert ending_of(result.alert) is Ending.ALL_CLEAR
    assert {finding.rule for finding in result.problems} == {
        "not-schema-valid",
        "html-in-text",
        "language-form",
        "all-clear-unmarked",
    }
    assert any("Zeile" in finding.where for finding in result.problems)


def test_keeps_a_crossing_polygon_and_says_so() -> None:
    """A polygon that crosses itself is kept as sent and named."""
    result = read(sample("crossing_polygon"))
    assert [finding.rule for finding in result.problems] == ["polygon-not-simple"]
    assert len(result.alert.areas[0].polygons[0]) == 5
    assert result.alert.areas[0].circles == (Circle(50.87, 8.02, 1.5),)


@pytest.mark.parametrize(
    ("raw", "word", "where"),
    [
        (b"not xml at all", "kein lesbares XML", ":1"),
        (b"", "kein lesbares XML", ""),
        (b"<rss/>", "keine CAP-Nachricht", "<rss>"),
        (b'<alert xmlns="urn:other"/>', "keine CAP-Nachricht", "<alert>"),
        (sample("dtd_bomb"), "DTD", "<!DOCTYPE>"),
        (sample("dtd_bomb").decode().replace("UTF-8", "UTF-16").encode("utf-16"), "DTD", "<!DOCTYPE>"),
        (b"<!DOCTYPE alert><alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'/>", "DTD", "<!DOCTYPE>"),
        (sample("no_zone"), "keine Zeitzone", "<expires>"),
        (changed("expired", "2020-01-01T08:00:00+01:00", "2020-01-01T08:00:00"), "keine Zeitzone", "<sent>"),
        (changed("expired", "2020-01-01T08:00:00+01:00", "gestern"), "keine Zeitangabe", "<sent>"),
        (b" " * (MAX_BYTES + 1), "größer als 5 MB", ""),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), "tiefer", ""),
        (b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "mehr als", ""),
    ],
)
def test_refuses_what_is_unsafe_or_unreadable(raw: bytes, word: str, where: str) -> None:
    """Whatever is not XML, not safe, not CAP or has no zone is refused with what, where and what to do."""
    with pytest.raises(UnreadableMessage) as caught:
        read(raw)
    assert word in german(caught.value).title
    assert where in caught.value.where
    assert german(caught.value).remedy


@pytest.mark.parametrize("name", ["identifier", "sender", "sent", "status", "msgType"])
def test_refuses_a_message_that_cannot_be_placed(name: str) -> None:
    """Each of the five elements that identify a message must be there, and the refusal names it."""
    text = sample("expired").decode()
    start, end = text.index(f"<{name}>"), text.index(f"</{name}>") + len(f"</{name}>")
    with pytest.raises(UnreadableMessage, match=f"element={name}"):
        read((text[:start] + text[end:]).encode())


def test_refuses_too_many_points() -> None:
    """Polygons with more points than anybody draws are refused, however many polygons share them."""
    ring = " ".join(f"50.{n % 10000:04d},8.{n % 10000:04d}" for n in range(130_000))
    raw = changed("expired", "<circle>", f"<polygon>{ring}</polygon><polygon>{ring} 1,1</polygon><circle>")
    with pytest.raises(UnreadableMessage, match="too-many-points"):
        read(raw)


@pytest.mark.parametrize(
    ("spelled", "instant"),
    [
        ("2020-01-01T11:00:00Z", datetime(2020, 1, 1, 11, tzinfo=UTC)),
        ("2020-01-01T11:00:00.250+00:00", datetime(2020, 1, 1, 11, tzinfo=UTC)),
        ("2020-01-01T11:00:00+00:00", datetime(2020, 1, 1, 11, tzinfo=UTC)),
        ("2020-01-01T11:00-01:00", datetime(2020, 1, 1, 12, tzinfo=UTC)),
    ],
)
def test_reads_other_spellings_of_time(spelled: str, instant: datetime) -> None:
    """Z, fractions, +00:00 and missing seconds are read, and named."""
    raw = changed("expired", "<expires>2020-01-01T12:00:00+01:00", f"<expires>{spelled}")
    result = read(raw)
    assert result.alert.infos[0].expires == instant
    assert "time-form" in {finding.rule for finding in result.problems}


def test_leaves_out_what_is_no_time() -> None:
    """An optional time that is none is left out and named; an empty one is simply missing."""
    assert "bad-time" in rules(changed("expired", "<expires>2020-01-01T12:00:00+01:00", "<expires>morgen"))
    assert read(changed("expired", "<expires>2020-01-01T12:00:00+01:00", "<expires>")).alert.infos[0].expires is None


SENT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected", "clean"),
    [
        ("a@b,x.1,2026-03-01T10:00:00+01:00", [Reference("a@b", "x.1", SENT)], True),
        (
            "a@b,x.1,2026-03-01T10:00:00+01:00\n\t a@b,x.2,2026-03-01T09:00:00-00:00",
            [Reference("a@b", "x.1", SENT), Reference("a@b", "x.2", SENT)],
            True,
        ),
        ("x.1 x.2", [Reference("", "x.1", None), Reference("", "x.2", None)], False),
        ("a@b,x.1,x.2", [Reference("", "x.1", None), Reference("", "x.2", None)], False),
        (
            "S,x.1,x.2,2026-03-01T10:00:00+01:00",
            [Reference("S", "x.1", None), Reference("S", "x.2", None)],
            False,
        ),
        (
            "S,x.1,2026-03-01T10:00:00+01:00,S,x.2,2026-03-01T10:00:00+01:00",
            [Reference("S", "x.1", SENT), Reference("S", "x.2", SENT)],
            False,
        ),
    ],
)
def test_reads_references_in_every_form_seen(text: str, expected: list[Reference], clean: bool) -> None:
    """Triples, ids only, grouped ids and triples joined by commas are read; other than triples is named."""
    raw = changed("unknown_reference", "stab@musterstadt.example,stab.never-seen.1,2026-03-01T09:00:00+01:00", text)
    result = read(raw)
    assert list(result.alert.references) == expected
    assert ("references-form" not in {finding.rule for finding in result.problems}) is clean


def test_reads_no_endless_references() -> None:
    """A message that refers to thousands of others is read up to a bound, and says so."""
    many = " ".join(f"x.{n}" for n in range(2000))
    raw = changed("unknown_reference", "stab@musterstadt.example,stab.never-seen.1,2026-03-01T09:00:00+01:00", many)
    assert len(read(raw).alert.references) == 500
    assert "references-many" in rules(raw)


def test_maps_unknown_words_and_says_so() -> None:
    """Values the standard does not know are read as the closest one, and never silently."""
    result = read(changed("expired", "<severity>Severe", "<severity>Terrible"))
    assert result.alert.infos[0].severity is Severity.UNKNOWN
    assert {"unknown-value", "not-schema-valid"} <= {finding.rule for finding in result.problems}
    assert read(changed("expired", "Likely", "Very Likely")).alert.infos[0].certainty is Certainty.LIKELY
    assert read(changed("expired", "Actual", "actual")).alert.status is Status.ACTUAL


def test_an_unknown_status_alarms_nobody() -> None:
    """A status that nobody knows is read as Draft, never as Actual."""
    assert read(changed("expired", "Actual", "Live")).alert.status is Status.DRAFT


def test_a_missing_language_is_declared_english() -> None:
    """The standard's default for a missing language is applied and named."""
    raw = changed("expired", "<language>de-DE</language>", "")
    assert read(raw).alert.infos[0].language == "en-US"
    assert "no-language" in rules(raw)


@pytest.mark.parametrize(
    ("ring", "rule"),
    [
        ("50.80,7.90 50.80,8.20 51.00,8.20 51.00,7.90", "polygon-not-closed"),
        ("50.80,7.90 50.80,8.20 50.80,7.90", "polygon-too-short"),
        ("50.80,7.90 50.80,190 51.00,8.20 50.80,7.90", "polygon-out-of-range"),
        ("50.80,7.90 hier 50.80,8.20 51.00,8.20 51.00,7.90 50.80,7.90", "bad-point"),
        ("", "polygon-empty"),
    ],
)
def test_names_bent_polygons(ring: str, rule: str) -> None:
    """Open, short, impossible, broken and empty polygons are each named."""
    assert rule in rules(changed("expired", "50.80,7.90 50.80,8.20 51.00,8.20 51.00,7.90 50.80,7.90", ring))


@pytest.mark.parametrize("circle", ["50.87,8.02", "50.87 8.02 1", "95,8 1", "50,8 -1", "50,8 nan"])
def test_leaves_out_impossible_circles(circle: str) -> None:
    """A circle that cannot be is left out and named."""
    raw = changed("expired", "50.87,8.02 1.5", circle)
    assert read(raw).alert.areas[0].circles == ()
    assert "bad-circle" in rules(raw)


@pytest.mark.parametrize("namespace", ["urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0"])
def test_reads_older_versions(namespace: str) -> None:
    """CAP 1.0 and 1.1 are read like 1.2, with a word about it."""
    raw = changed("expired", "urn:oasis:names:tc:emergency:cap:1.2", namespace)
    assert read(raw).alert.infos[0].event == "Hochwasser"
    assert "not-cap-12" in rules(raw)


def test_joins_repeated_instructions() -> None:
    """A second instruction is not lost: what people should do matters more than the schema."""
    raw = changed("expired", "</instruction>", "</instruction><instruction>Helfen Sie Nachbarn.</instruction>")
    assert read(raw).alert.infos[0].instruction == "Meiden Sie das Ufer.\n\nHelfen Sie Nachbarn."
    assert "repeated" in rules(raw)


def test_a_hostile_text_takes_no_time() -> None:
    """Runs of blanks, tags and escapes are read in time that grows with their length."""
    for attack in ("&lt;p" + " " * 1_000_000, "&lt;div&gt;" * 100_000, " ," * 200_000):
        started = perf_counter()
        read(changed("expired", "Der Musterbach steigt schnell.", attack))
        read(changed("expired", "50.87,8.02 1.5", attack))
        assert perf_counter() - started < at_pace(5)


def test_bounds_what_a_person_is_shown() -> None:
    """However many flaws a message has, the list stays short and says that there are more."""
    flaws = "".join(f"<category>C{n}</category>" for n in range(500))
    problems = read(changed("expired", "<category>", f"{flaws}<category>")).problems
    assert len(problems) == 51
    assert problems[-1].rule == "more-findings"
