"""Telephone numbers in running text as links that a touch dials.

Only what is surely a number becomes one: emergency and service numbers, and numbers with an area or country code.
Dates, times, years, distances and house numbers stay text.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_NOT_AFTER = r"(?<![0-9A-Za-zÀ-ɏ_+])(?<![0-9][.,:/-])(?<![0-9][ \u00a0])"
_NOT_BEFORE = r"(?![0-9A-Za-zÀ-ɏ_])(?![.,:/-][0-9])(?![ \u00a0](?:[0-9]|Uhr\b))"
_GAP = r"[ \u00a0\u202f]?"

_SERVICE = rf"116{_GAP}(?:000|006|016|111|116|117|123)"
"""Harmonised European service numbers, such as 116 117, the medical on-call service."""

_SHORT = r"11[025]"
"""Police, fire brigade and ambulance, authorities."""

_ROAD_OR_HOUSE = r"(?<!straße )(?<!Straße )(?<!str\. )(?<!weg )(?<!Platz )(?<!\bNr\. )(?<!\b[ABKLS] )(?<!§ )"
_UNIT = r"(?:[kcm]?m[²³]?|km/h|l|Liter|Meter|Kilometer|Grad|Prozent|Euro|Menschen|Personen)\b|[%°€]"
_QUANTITY = rf"(?![ \u00a0]?(?:{_UNIT}))"

_DATE = r"(?!0[1-9][ /–-][0-3]?[0-9][ /–-](?:19|20)[0-9]{2}(?![0-9]))"
_AREA = rf"0[1-9](?:{_GAP}[0-9]){{1,4}}"
_LOCAL = rf"[1-9](?:{_GAP}[0-9]){{2,9}}(?:{_GAP}[-–]{_GAP}[0-9]{{1,5}})?"
_NATIONAL = rf"{_DATE}(?:\({_AREA}\){_GAP}|{_AREA}[ \u00a0\u202f]?[/ \u00a0\u202f–-]{_GAP}){_LOCAL}"
_UNBROKEN = r"0[1-9][0-9]{6,11}"
_ABROAD = rf"(?:\+|00)[1-9][0-9]{{0,2}}{_GAP}(?:\(0\){_GAP})?[1-9](?:[ \u00a0\u202f/-]?[0-9]){{5,12}}"

_NUMBER = re.compile(
    rf"{_NOT_AFTER}(?:{_ABROAD}|{_NATIONAL}|{_UNBROKEN}|{_SERVICE}|{_ROAD_OR_HOUSE}{_SHORT}{_QUANTITY}){_NOT_BEFORE}"
)
_TAG = re.compile(r"(<[^>]*>)")


def linked(text: str) -> Markup:
    """Plain text as HTML, with its telephone numbers as ``tel:`` links."""
    return Markup(_with_links(str(escape(text))))  # noqa: S704 - escaped one step before


def linked_html(cleaned: Markup) -> Markup:
    """HTML that was cleaned already, with the numbers outside of its links made links too."""
    parts, inside_link = [], False
    for part in _TAG.split(str(cleaned)):
        if part.startswith("<"):
            inside_link = part.startswith(("<a ", "<a>")) or (inside_link and not part.startswith("</a"))
            parts.append(part)
        else:
            parts.append(part if inside_link else _with_links(part))
    return Markup("".join(parts))  # noqa: S704 - the caller's HTML, with nothing of its text changed


def _with_links(escaped: str) -> str:
    return _NUMBER.sub(lambda found: _link(found[0]), escaped)


def _link(shown: str) -> str:
    dialled = re.sub(r"[^0-9+]", "", shown.replace("(0)", ""))
    return f'<a href="tel:{dialled}" dir="ltr">{shown}</a>'
