"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)


class SettableClock:
    """``realis.ports.channel.Clock`` in a test's hand."""

    def __init__(self, start: datetime = START) -> None:
        self.instant = start

    def now(self) -> datetime:
        """The instant the test chose."""
        return self.instant

    def set(self, instant: datetime) -> None:
        """Jump to an instant."""
        self.instant = instant

    def forward(self, **units: float) -> None:
        """Move on, for example ``forward(hours=1)``."""
        self.instant += timedelta(**units)
