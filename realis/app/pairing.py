"""Pairing a public screen: it becomes a target, and gets the token its address carries once."""

from __future__ import annotations

from realis.model.area import Area, Circle, cells
from realis.model.errors import CommandError
from realis.ports.accounts import TokenKind, Tokens
from realis.ports.installation import City
from realis.ports.targets import NewTarget, Targets
from realis.web.sessions import hash_bearer_token, new_token


async def pair_screen(targets: Targets, tokens: Tokens, new: NewTarget) -> str:
    """Store a screen; the token its address bar must carry once."""
    token = new_token()
    target_id = await targets.put(new)
    await tokens.add(TokenKind.SCREEN, new.label, token_hash=hash_bearer_token(token), target_id=target_id)
    return token


def screen_target(city: City, name: str, place: str, *, joined: bool) -> NewTarget:
    """A screen in a place, or everywhere if no place is named. Raises ``CommandError`` for an unknown place."""
    found = city.place(place) if place else None
    if place and found is None:
        known = ", ".join(entry.id for entry in city.places)
        raise CommandError(f"Den Ort „{place}“ gibt es nicht.", where="place", remedy=f"Bekannt sind: {known}")
    spots = (
        cells([Area(found.name, circles=(Circle(found.lat, found.lon, found.radius_km),))]) if found else frozenset()
    )
    return NewTarget(
        channel="display",
        address="screen",
        fingerprint=f"screen:{name}",
        language="de",
        origin="gateway",
        places=spots,
        everywhere=found is None,
        joined=joined,
        label=name,
    )
