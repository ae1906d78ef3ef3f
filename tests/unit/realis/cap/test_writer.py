"""The strict writer: what it spells, and what it refuses to write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from realis.cap.reader import read
from realis.cap.writer import write
from realis.model.alert import Alert, Reference, Resource
from realis.model.area import Area, Circle, NamedValue
from realis.model.errors import InvalidInput
from tests.data.cap import sample, xsd_valid


def weather() -> Alert:
    """A sound message."""
    return read(sample("weather_languages")).alert


def with_info(**changes: object) -> Alert:
    """The sound message with only its first info, changed."""
    alert = weather()
    return replace(alert, infos=(replace(alert.infos[0], **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["weather_languages", "all_clear_double_escaped", "expired", "unknown_reference"])
def test_what_was_read_is_written_valid_and_the_same(name: str) -> None:
    """A foreign message comes out valid against the OASIS schema, means the same, and is clean now."""
    alert = read(sample(name)).alert
    written = write(alert)
    assert xsd_valid(written)
    assert read(written).alert == alert
    assert {finding.rule for finding in read(written).problems} <= {"all-clear-unmarked"}


def test_the_same_alert_gives_the_same_bytes() -> None:
    """Writing is deterministic."""
    assert write(weather()) == write(weather())


@pytest.mark.parametrize(
    ("moment", "spelled"),
    [
        (datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC), "2026-03-01T09:00:00-00:00"),
        (datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=-3, minutes=-30))), "2026-03-01T09:00:00-03:30"),
        (datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(seconds=3601))), "2026-03-01T07:59:59-00:00"),
        (datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=20))), "2026-02-28T13:00:00-00:00"),
    ],
)
def test_times_are_spelled_as_the_standard_wants(moment: datetime, spelled: str) -> None:
    """±hh:mm, UTC as -00:00, never Z, no fraction, no impossible offset."""
    written = write(replace(weather(), sent=moment)).decode()
    assert f"<sent>{spelled}</sent>" in written
    assert "Z<" not in written


def test_lists_quote_items_with_spaces() -> None:
    """Addresses and incidents with spaces stand in double quotes and come back whole."""
    alert = replace(weather(), addresses=("a@b", "Stab Nord"), incidents=("i1", "Hoch Wasser"))
    written = write(alert)
    assert b'<addresses>a@b "Stab Nord"</addresses>' in written
    assert read(written).alert == alert


def test_tiny_numbers_have_no_exponent() -> None:
    """Coordinates are plain decimals, however small."""
    written = write(with_info(areas=(Area("See", circles=(Circle(1e-7, -1e-7, 0.0),)),))).decode()
    assert "<circle>0.0000001,-0.0000001 0</circle>" in written


def test_what_no_receiver_would_read_is_not_written() -> None:
    """A message beyond the size we would read ourselves is refused before it is signed and sent."""
    ring = tuple((1 + n / 1e6, 2 + n / 1e6) for n in range(100_000))
    info = replace(weather().infos[0], areas=(Area("x", polygons=((*ring, ring[0]),)),))
    with pytest.raises(InvalidInput, match="written-too-large"):
        write(replace(weather(), infos=(info, info, info)))


RING = ((1.0, 1.0), (1.0, 2.0), (2.0, 2.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("alert", "where"),
    [
        (replace(weather(), identifier="a b"), "identifier"),
        (replace(weather(), identifier=""), "identifier"),
        (replace(weather(), sender="a,b"), "sender"),
        (replace(weather(), sender="a<b"), "sender"),
        (replace(weather(), sender="a&b"), "sender"),
        (replace(weather(), sent=datetime(2026, 3, 1, 9)), "sent"),  # noqa: DTZ001
        (replace(weather(), references=(Reference("a", "b", None),)), "references"),
        (replace(weather(), references=(Reference("", "b", datetime(2026, 3, 1, tzinfo=UTC)),)), "references"),
        (replace(weather(), addresses=('a"b',)), "addresses"),
        (replace(weather(), codes=("",)), "code"),
        (replace(weather(), note="a\x00b"), "note"),
        (with_info(language="de_DE"), "language"),
        (with_info(categories=()), "category"),
        (with_info(headline="a\x07b"), "headline"),
        (with_info(web="www.example.org"), "web"),
        (with_info(expires=datetime(2026, 3, 1, 9)), "expires"),  # noqa: DTZ001
        (with_info(parameters=(NamedValue("", "x"),)), "parameter"),
        (with_info(resources=(Resource("Karte", ""),)), "mimeType"),
        (with_info(areas=(Area("x", polygons=(RING[:-1],)),)), "polygon"),
        (with_info(areas=(Area("x", polygons=(((1.0, 1.0), (95.0, 2.0), (2.0, 2.0), (1.0, 1.0)),)),)), "area"),
        (with_info(areas=(Area("x", circles=(Circle(1.0, float("nan"), 1.0),)),)), "area"),
        (with_info(areas=(Area("x", circles=(Circle(1.0, 1.0, -1.0),)),)), "circle"),
        (with_info(areas=(Area("x", circles=(Circle(1.0, 1.0, float("inf")),)),)), "circle"),
        (with_info(areas=(Area("x", ceiling_ft=5.0),)), "ceiling"),
    ],
)
def test_refuses_what_has_no_legal_form(alert: Alert, where: str) -> None:
    """An illegal value is refused with the element's name, never mended or written."""
    with pytest.raises(InvalidInput) as caught:
        write(alert)
    assert caught.value.where == where
