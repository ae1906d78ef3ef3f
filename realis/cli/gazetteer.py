"""Places by name: rough centres of German cities and districts, so that nobody has to look up degrees.

The centres are given to about a kilometre; the settings they become can be corrected by hand.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

from realis.app.settings import PlaceSettings
from realis.cli import ask
from realis.demo.seed import data
from realis.model.errors import CommandError

# A comma alone separates two numbers only where both have a decimal point: 50,87 is one number.
_COORDINATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(-?\d+(?:[.,]\d+)?)(?:\s*[;/]\s*|,?\s+)(-?\d+(?:[.,]\d+)?)",
        r"(-?\d+\.\d+),(-?\d+\.\d+)",
    )
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True, slots=True)
class Centre:
    """A point in degrees."""

    lat: float
    lon: float

    def __str__(self) -> str:
        return f"{self.lat:g} {self.lon:g}".replace(".", ",")


def slug(name: str) -> str:
    """A name as an identifier: small letters, digits and hyphens, at most forty."""
    plain = unicodedata.normalize("NFC", name).lower().translate(_UMLAUTS)
    return re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")


@cache
def _cities() -> dict[str, Centre]:
    rows = (resources.files("realis.cli") / "data" / "cities.csv").read_text(encoding="utf-8").splitlines()
    split = (row.split(";") for row in rows)
    return {slug(name): Centre(*(float(number.replace(",", ".")) for number in (lat, lon))) for name, lat, lon in split}


@cache
def _known_districts() -> dict[str, tuple[PlaceSettings, ...]]:
    plain = data("siegen.toml")["city"]
    return {slug(str(plain["name"])): tuple(PlaceSettings.model_validate(place) for place in plain["places"])}


def city(name: str) -> Centre | None:
    """The centre of a city, if it is in the list; spelling of umlauts and case do not matter."""
    return _cities().get(slug(name))


def districts(name: str) -> tuple[PlaceSettings, ...]:
    """The districts of a city, if they are known; else none."""
    return _known_districts().get(slug(name), ())


def centre(written: str, of_city: str = "") -> Centre:
    """What was typed: a name from the lists, or latitude and longitude, with decimal comma or point.

    Raises:
        CommandError: it is neither.
    """
    bare = re.sub(r"\s*[°NnOoEe]\s*(?=$|[\s,;/])", "", re.sub(r"°\s*(?=[NnOoEe])", "", written)).strip()
    if found := next((match for pattern in _COORDINATES if (match := pattern.fullmatch(bare))), None):
        lat, lon = found.groups()
        return Centre(ask.number(lat, least=-90, most=90), ask.number(lon, least=-180, most=180))
    for district in districts(of_city):
        if district.id == slug(written):
            return Centre(district.lat, district.lon)
    if named := city(written):
        return named
    raise CommandError(
        f"„{written}“ ist nicht in der Liste der Orte.",
        remedy="Geben Sie Breite und Länge ein, zum Beispiel: 50,87 8,02",
    )
