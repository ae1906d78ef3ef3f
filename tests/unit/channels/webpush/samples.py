"""Messages and a clock for the web push tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from realis.model.alert import Level, Occasion
from realis.model.draft import Rendered
from realis.ports.channel import Message, MessageKind

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

TEXT = Rendered(
    language="de",
    written_in="de",
    notice="ÜBUNG – keine echte Gefahr",
    kind="Extreme Gefahr",
    headline="Hochwasser an der Sieg",
    description="Der Pegel steigt schnell. Keller laufen voll.",
    instruction="Gehen Sie in höhere Stockwerke. Betreten Sie keine Keller.",
    until="Gilt bis Sonntag, 22. November 2026, 16:00 Uhr",
    source="Stadt Siegen",
    labels=(),
    link="https://warnung.example.org/alerts/0190a1b2-0000-7000-8000-000000000001",
)

MESSAGE = Message(
    incident=UUID("0190a1b2-0000-7000-8000-000000000001"),
    revision=1,
    kind=MessageKind.ALERT,
    occasion=Occasion.UEBUNG,
    level=Level.EXTREME,
    event_code="BBK-EVC-038",
    text=TEXT,
    sent=NOW,
    expires=NOW + timedelta(hours=6),
    deadline=NOW + timedelta(hours=6),
    realert=True,
    url="https://warnung.example.org/alerts/0190a1b2-0000-7000-8000-000000000001",
)

ALL_CLEAR = replace(
    MESSAGE,
    revision=2,
    kind=MessageKind.ALL_CLEAR,
    text=replace(TEXT, kind="Entwarnung", description="Der Pegel fällt.", instruction="", until=""),
    expires=None,
    deadline=NOW + timedelta(hours=1),
)


@dataclass(slots=True)
class StandingClock:
    """Always the same instant, until it is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        """The instant."""
        return self.at
