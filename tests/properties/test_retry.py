"""Retry arithmetic over all outcomes: always bounded, never in the past, never after the deadline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from realis.model.alert import Level
from realis.model.delivery import TERMINAL_STATES, Accepted, Failed, FailureKind, Outcome, State, may_follow
from realis.policy.retry import LONGEST_RETRY_AFTER_S, Again, Attempt, decide

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Accepted),
    st.builds(Failed, st.sampled_from(FailureKind), st.just(""), st.one_of(st.none(), st.floats())),
)
attempts = st.builds(
    Attempt,
    st.integers(1, 10**6),
    st.just(NOW),
    st.integers(-3600, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.sampled_from(Level),
    st.floats(0, 1, exclude_max=True),
)


@given(outcomes, attempts)
def test_every_outcome_ends_or_comes_back_in_time(outcome: Outcome, attempt: Attempt) -> None:
    """A final state is terminal; a retry lies between now and the deadline and within the longest wait."""
    decision = decide(outcome, attempt)
    if isinstance(decision, Again):
        assert decision.due >= NOW
        assert decision.held or decision.due < attempt.deadline
        assert decision.due - NOW <= timedelta(seconds=LONGEST_RETRY_AFTER_S + 1)
    else:
        assert decision.state in TERMINAL_STATES


@given(st.sampled_from(State), st.sampled_from(State))
def test_terminal_states_are_terminal(before: State, after: State) -> None:
    """Nothing follows a terminal state; anything terminal may follow an open one."""
    if before in TERMINAL_STATES:
        assert not may_follow(before, after)
    elif after in TERMINAL_STATES:
        assert may_follow(before, after)
