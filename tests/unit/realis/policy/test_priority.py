"""Who goes first, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from realis.model.alert import Level, Occasion
from realis.model.draft import DraftKind
from realis.policy.priority import ENDING_DEADLINE, EXPIRY_GRAVITY, deadline, gravity
from tests.support.core_world import flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)


def test_the_order_of_dispatches() -> None:
    """Fehlalarm, levels 1 and 2, Entwarnung, level 3, then all of the rehearsed, then expiry notices."""
    order = [
        gravity(flood(NOW, kind=DraftKind.RETRACTION, level=Level.INFORMATION)),
        gravity(flood(NOW, level=Level.EXTREME)),
        gravity(flood(NOW, level=Level.DANGER)),
        gravity(flood(NOW, kind=DraftKind.ALL_CLEAR)),
        gravity(flood(NOW, level=Level.INFORMATION)),
        gravity(flood(NOW, level=Level.EXTREME, occasion=Occasion.UEBUNG)),
        EXPIRY_GRAVITY,
    ]
    assert order == sorted(set(order))


def test_deadlines() -> None:
    """A warning is tried until it ends; an ending for a day, whatever its own end is."""
    assert deadline(flood(NOW), NOW) == NOW + timedelta(hours=6)
    for kind in (DraftKind.ALL_CLEAR, DraftKind.RETRACTION):
        assert deadline(flood(NOW, kind=kind), NOW) == NOW + ENDING_DEADLINE
