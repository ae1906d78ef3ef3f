"""Telephone numbers become links; whatever only looks like one, and all other text, stays as it is."""

from __future__ import annotations

import html
import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_api.phone_numbers import linked, linked_html
from realis.web.pages import safe_html

LINK = re.compile(r'<a href="tel:([^"]*)" dir="ltr">([^<]*)</a>')


def dialled(text: str) -> list[str]:
    """What the links in the text dial."""
    return [number for number, _ in LINK.findall(linked(text))]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Wählen Sie 112.", ["112"]),
        ("Polizei: 110, Feuerwehr: 112", ["110", "112"]),
        ("Bereitschaftsdienst 116117 oder 116 117", ["116117", "116117"]),
        ("Bürgertelefon 02 71/404-0", ["02714040"]),
        ("Bürgertelefon (0271) 404-0, täglich bis 20 Uhr", ["02714040"]),
        ("0271 404-1234 oder 0171 1234567", ["02714041234", "01711234567"]),
        ("0271/4040 und +49 271 404-0", ["02714040", "+492714040"]),
        ("+49 (0)271 404-0", ["+492714040"]),
        ("0800 1110111", ["08001110111"]),
        ("اتصلوا بالرقم 112 أو 0271 404-0", ["112", "02714040"]),
        ("Дзвоніть 112", ["112"]),
    ],
)
def test_numbers_can_be_dialled(text: str, numbers: list[str]) -> None:
    """Each form in use in Germany, alone or among others, in any script."""
    assert dialled(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "Hagener Straße 112",
        "Sperrung der B 112",
        "Pegel bei 112 cm, Wind 110 km/h",
        "112 Menschen, 110,5 Liter, 1.112 Haushalte",
        "von 0800-1000 Uhr",
        "57072 Siegen, 01067 Dresden",
        "50.8749, 8.0243",
        "2026-112",
        "Aktenzeichen 12/0345/26",
        "IBAN DE02 1203 0000 0000 2020 51",
    ],
)
def test_other_figures_stay_text(text: str) -> None:
    """House numbers, roads, amounts, times, postcodes, places on the map, references."""
    assert dialled(text) == []


DATES = ("%d.%m.%Y", "%d. %m. %Y", "%Y-%m-%d", "%d/%m/%Y", "%m/%Y", "%d-%m-%Y", "%d %m %Y", "%d.%m.%y", "%Y", "%Y/%Y")
TIMES = ("%H:%M", "%H.%M", "%H:%M Uhr", "%H Uhr", "%H.%M-%H.%M Uhr", "%H:%M–%H:%M", "%H%M Uhr", "%I:%M %p")
BETWEEN_1950_AND_2049 = st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31))  # noqa: DTZ001 - figures only


@given(BETWEEN_1950_AND_2049, st.sampled_from(DATES), st.sampled_from(TIMES))
def test_no_date_time_or_year_becomes_a_link(when: datetime, day: str, hour: str) -> None:
    """In every usual way of writing, beside one another too."""
    assert dialled(f"Am {when.strftime(day)} um {when.strftime(hour)}, bis {when.strftime(hour)}.") == []


@given(st.text() | st.text(alphabet="0123456789 /-+().,<>&\"'a112"))
def test_not_a_letter_of_the_text_changes(text: str) -> None:
    """Without the links the text is what was written, escaped once."""
    assert html.unescape(LINK.sub(r"\2", linked(text))) == text


@given(
    st.from_regex(r"0[1-9][0-9]{2}", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{3,7}", fullmatch=True),
    st.sampled_from([" ", "/", " / ", "-", " – "]),
)
def test_area_code_and_number_dial_their_digits(area: str, number: str, between: str) -> None:
    """Whatever stands between them."""
    assert dialled(f"Tel. {area}{between}{number}.") == [area + number]


@given(st.dates(date(1950, 1, 1)))
def test_a_date_beside_a_number_is_not_drawn_in(day: date) -> None:
    """The number is linked, the date before it is not part of it."""
    assert dialled(f"{day:%d.%m.%Y} 0271 404-0") in ([], ["02714040"])
    assert dialled(f"{day:%d.%m.%Y}: 0271 404-0") == ["02714040"]


def test_numbers_in_cleaned_html_are_linked_once() -> None:
    """A link of the course stays the one it is; text around it gets its own."""
    course = safe_html('<p>Rufen Sie <strong>112</strong>, sonst <a href="tel:116117">116 117</a> &amp; 110.</p>')

    assert linked_html(course) == (
        '<p>Rufen Sie <strong><a href="tel:112" dir="ltr">112</a></strong>, sonst '
        '<a href="tel:116117">116 117</a> &amp; <a href="tel:110" dir="ltr">110</a>.</p>'
    )
