"""CAP's spelling of time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from realis.cap.times import MissingZone, is_strict, read_time, write_time
from realis.model.errors import InvalidInput


@pytest.mark.parametrize(
    "text", ["2026-03-01T09:00:00-00:00", "2026-03-01T10:00:00+01:00", "2026-03-01T09:00:00-03:30"]
)
def test_strict_spellings_are_known(text: str) -> None:
    """What CAP 1.2 asks for counts as strict and survives reading and writing."""
    assert is_strict(text)
    assert write_time(read_time(text), "sent") == text


@pytest.mark.parametrize("text", ["2026-03-01T09:00:00Z", "2026-03-01T09:00:00+00:00", "2026-03-01 09:00:00.5-00:00"])
def test_lax_spellings_are_read_as_the_same_instant(text: str) -> None:
    """Z, +00:00, blanks and fractions mean what they seem to mean, but are not strict."""
    assert not is_strict(text)
    assert read_time(text) == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-03-01T09:00:00", "2026-03-01T09:00"])
def test_a_time_without_zone_is_no_instant(text: str) -> None:
    """A missing zone is told apart from nonsense, for it is refused."""
    with pytest.raises(MissingZone):
        read_time(text)


@pytest.mark.parametrize("text", ["", "morgen", "2026-02-30T09:00:00Z", "2026-03-01", "2026-03-01T09:00:00+25:00"])
def test_nonsense_is_no_time(text: str) -> None:
    """Impossible dates and words are refused as such."""
    with pytest.raises(ValueError, match=r".*") as caught:
        read_time(text)
    assert not isinstance(caught.value, MissingZone)


def test_a_naive_time_is_never_written() -> None:
    """Nobody guesses a zone on the way out."""
    with pytest.raises(InvalidInput):
        write_time(datetime(2026, 3, 1, 9), "sent")  # noqa: DTZ001
