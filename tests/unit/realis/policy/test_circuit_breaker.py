"""The breaker: when an origin is left alone, and how it comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from realis.model.delivery import FAILING_AFTER, Accepted, Failed, FailureKind, Outcome
from realis.policy.circuit_breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, CircuitBreaker
from realis.policy.retry import LONGEST_DELAY_S

NOW = datetime(2026, 3, 14, 2, 0, tzinfo=UTC)
FCM, MOZILLA = "https://fcm.example", "https://mozilla.example"
DOWN = Failed(FailureKind.UNAVAILABLE, "gestört")
LEFT = Failed(FailureKind.GONE, "abgemeldet")

outcomes = st.one_of(
    st.just(Accepted()),
    st.builds(Failed, st.sampled_from(FailureKind), retry_after_s=st.none() | st.floats(0, 1e6)),
)


def after(seconds: float) -> datetime:
    """So much later."""
    return NOW + timedelta(seconds=seconds)


def test_it_opens_after_failures_in_a_row_and_only_for_that_origin() -> None:
    """Failures of single phones say nothing of the service."""
    breaker = CircuitBreaker()
    assert breaker.note(FCM, [LEFT] * 100, NOW) is None
    assert breaker.note(FCM, [DOWN] * (FAILING_AFTER - 1), NOW) is None
    assert breaker.shut(NOW, ()) == frozenset()
    assert breaker.note(FCM, [DOWN], NOW) == FIRST_PAUSE_S
    assert breaker.shut(NOW, ()) == {FCM}


def test_one_push_that_was_taken_starts_the_count_anew() -> None:
    """A service that takes some pushes is at work: what it does not take is tried again one by one."""
    breaker = CircuitBreaker()
    breaker.note(FCM, [DOWN] * (FAILING_AFTER - 1), NOW)
    assert breaker.note(FCM, [*[DOWN] * 50, Accepted(), *[DOWN] * 50], NOW) is None
    assert breaker.note(FCM, [DOWN] * (FAILING_AFTER - 1), NOW) is None


def test_half_open_it_lets_one_batch_through() -> None:
    """While that one is out, no other starts; when it succeeds, all may."""
    breaker = CircuitBreaker()
    breaker.note(FCM, [DOWN] * FAILING_AFTER, NOW)
    later = after(FIRST_PAUSE_S)
    assert breaker.shut(later, busy=()) == frozenset()
    assert breaker.shut(later, busy=(FCM, MOZILLA)) == {FCM}
    breaker.note(FCM, [Accepted()], later)
    assert breaker.shut(later, busy=(FCM,)) == frozenset()


def test_each_failed_attempt_doubles_the_pause_up_to_a_bound() -> None:
    """A single failure is enough once it was open."""
    breaker = CircuitBreaker()
    pauses = [breaker.note(FCM, [DOWN] * FAILING_AFTER, NOW), *(breaker.note(FCM, [DOWN], NOW) for _ in range(7))]
    assert pauses == [2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_it_waits_as_long_as_the_service_asks() -> None:
    """What all of them ask for, within five minutes; one phone's wish is no wish of the service."""
    breaker = CircuitBreaker()
    mixed = [Failed(FailureKind.RATE_LIMITED, retry_after_s=wish) for wish in (5.0, 120.0, None)]
    slow = [Failed(FailureKind.RATE_LIMITED, retry_after_s=wish) for wish in (130.0, 120.0)]
    assert breaker.note(MOZILLA, mixed * FAILING_AFTER, NOW) == FIRST_PAUSE_S
    assert breaker.note(FCM, slow * FAILING_AFTER, NOW) == 120
    assert breaker.note(FCM, [Failed(FailureKind.RATE_LIMITED, retry_after_s=1e9)], NOW) == LONGEST_DELAY_S


@given(batches=st.lists(st.tuples(st.sampled_from([FCM, MOZILLA]), st.lists(outcomes, max_size=20)), max_size=30))
def test_no_origin_is_shut_for_ever(batches: list[tuple[str, list[Outcome]]]) -> None:
    """Whatever happened: five minutes later every origin may be tried, and one success opens it."""
    breaker = CircuitBreaker()
    for origin, found in batches:
        breaker.note(origin, found, NOW)
    assert breaker.shut(after(LONGEST_DELAY_S), busy=()) == frozenset()
    breaker.note(FCM, [Accepted()], NOW)
    assert FCM not in breaker.shut(NOW, busy=(FCM,))
