"""The bounds of a conversation fit together; the conversation itself is tested with real sockets."""

from __future__ import annotations

from displays.connection import HEARTBEAT_S, ConnectionLimits
from displays.frames import MAX_FRAME_BYTES
from displays.protocol import MAX_MESSAGE_BYTES


def test_a_living_page_is_never_taken_for_dead() -> None:
    """Several heartbeats fit into the patience, and into the number of messages allowed."""
    bounds = ConnectionLimits()
    assert bounds.silent_s >= 4 * HEARTBEAT_S
    assert bounds.messages > 10 / HEARTBEAT_S * 4


def test_reading_fits_between_two_polls() -> None:
    """One slow read never overlaps the next."""
    assert ConnectionLimits().read_s < ConnectionLimits().poll_s
    assert MAX_MESSAGE_BYTES <= MAX_FRAME_BYTES
