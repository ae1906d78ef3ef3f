"""The city an installation serves, and its parts. No city is named in the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the city that citizens and operators choose by name.

    Args:
        approximate: True where the circle only roughly stands for the real outline; shown as such.
    """

    id: str
    name: str
    lat: float
    lon: float
    radius_km: float
    approximate: bool = True


@dataclass(frozen=True, slots=True)
class City:
    """The city this installation serves, from the settings."""

    name: str
    authority: str
    time_zone: str
    public_url: str
    gateway_url: str
    languages: tuple[str, ...]
    places: tuple[Place, ...] = ()
    demo: bool = False
    contact: str = ""

    def place(self, place_id: str) -> Place | None:
        """One place by its id."""
        return next((place for place in self.places if place.id == place_id), None)
