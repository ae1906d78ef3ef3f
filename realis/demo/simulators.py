"""Stand-ins for Telegram and Mastodon on this machine, so that the demo shows posts appear, change and end.

They are reachable from this machine only; nothing kept on disk, and their pages say they are staged.
"""

from __future__ import annotations

from realis.demo.simulated_mastodon import SimulatedMastodon
from realis.demo.simulated_telegram import SimulatedTelegram

__all__ = ["SimulatedMastodon", "SimulatedTelegram"]
