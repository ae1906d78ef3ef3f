"""Pairing a public screen: it becomes a target, and gets the token its address carries once."""

from __future__ import annotations

from collections.abc import Sequence

from realis.model.area import Area, Circle, cells
from realis.model.errors import CommandError
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.accounts import TokenKind, Tokens
from realis.ports.installation import City, Place
from realis.ports.targets import NewTarget, Targets
from realis.web.sessions import hash_bearer_token, new_token

MAX_LANGUAGE_LIST = 20
"""Characters the database has for a target's languages."""


async def pair_screen(targets: Targets, tokens: Tokens, new: NewTarget) -> str:
    """Store a screen; the token its address bar must carry once."""
    token = new_token()
    target_id = await targets.put(new)
    await tokens.add(TokenKind.SCREEN, new.label, token_hash=hash_bearer_token(token), target_id=target_id)
    return token


def known_place(city: City, place_id: str) -> Place:
    """A place by its id. Raises ``CommandError`` that names those there are."""
    if (found := city.place(place_id)) is None:
        known = ", ".join(entry.id for entry in city.places)
        raise CommandError(f"Den Ort „{place_id}“ gibt es nicht.", where="place", remedy=f"Bekannt sind: {known}")
    return found


def screen_target(
    city: City, name: str, place: str, *, joined: bool, languages: Sequence[str] = (SOURCE_LANGUAGE,)
) -> NewTarget:
    """A screen in a place, or everywhere if no place is named.

    Args:
        languages: what it shows in turn; after a single one follow the city's others.

    Raises:
        CommandError: an unknown place, or a language the city does not warn in.
    """
    for language in languages:
        if language not in city.languages:
            raise CommandError(
                f"In der Sprache „{language}“ warnt diese Stadt nicht.",
                where="language",
                remedy=f"Möglich sind: {', '.join(city.languages)}",
            )
    listed = " ".join(dict.fromkeys(languages))
    if len(listed) > MAX_LANGUAGE_LIST:
        raise CommandError(
            "Das sind zu viele Sprachen für einen Bildschirm.",
            where="language",
            remedy="Nennen Sie höchstens sechs oder nur die erste: dann folgen alle anderen der Stadt.",
        )
    found = known_place(city, place) if place else None
    spots = (
        cells([Area(found.name, circles=(Circle(found.lat, found.lon, found.radius_km),))]) if found else frozenset()
    )
    return NewTarget(
        channel="display",
        address="screen",
        fingerprint=f"screen:{name}",
        language=listed,
        origin="gateway",
        places=spots,
        everywhere=found is None,
        joined=joined,
        label=name,
    )
