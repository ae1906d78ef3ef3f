"""States of a target: which are terminal, which may follow which."""

from __future__ import annotations

from realis.model.delivery import OPEN_STATES, TERMINAL_STATES, State, may_follow


def test_every_state_is_open_or_terminal() -> None:
    """The eight terminal outcomes of the promises, and three open ones."""
    assert set(State) == OPEN_STATES | TERMINAL_STATES
    assert {state.value for state in TERMINAL_STATES} == {
        "accepted", "gone", "rejected", "expired", "superseded", "stopped", "withdrawn", "unknown",
    }  # fmt: skip


def test_nobody_goes_back_to_planned() -> None:
    """What was tried stays tried."""
    assert not may_follow(State.RETRYING, State.PLANNED)
    assert may_follow(State.HELD, State.RETRYING)
