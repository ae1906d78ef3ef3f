"""The port to the clock. Decisions take their time from it alone."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time for decisions."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...
