"""What is in force, for random chains and instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from realis.model.alert import Occasion
from realis.model.draft import DraftKind, Envelope, compose
from realis.model.incident import Revision, Viewer, by_gravity, in_force, latest, recently_ended, references_for_next
from tests.support.core_world import flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
INCIDENT = UUID(int=7)


@st.composite
def chains(draw: st.DrawFn) -> list[Revision]:
    """Revisions with random kinds and ends, in any order."""
    occasion = draw(st.sampled_from(Occasion))
    found = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        kind = DraftKind.ALERT if number == 1 else draw(st.sampled_from(DraftKind))
        sent = NOW + timedelta(minutes=number)
        ends = sent + timedelta(minutes=draw(st.integers(1, 3000)))
        content = flood(NOW, kind=kind, occasion=occasion, expires=ends)
        found.append(Revision(INCIDENT, number, compose(content, Envelope(f"x.{number}", "s@x", sent))))
    return draw(st.permutations(found))


@given(chains(), st.integers(0, 10_000), st.booleans())
def test_in_force_is_the_latest_or_nothing(chain: list[Revision], minutes: int, joined: bool) -> None:
    """Only the newest revision can be in force, never an ending, never past its end, no Übung for strangers."""
    now, viewer = NOW + timedelta(minutes=minutes), Viewer(joined)
    running, over = in_force(chain, now, viewer), recently_ended(chain, now, viewer)
    assert running is None or over is None
    newest = latest(chain)
    if running is not None:
        assert running is newest
        assert running.ending is None
        assert now < running.ends_at
        assert joined or running.alert.status.value != "Exercise"
    if over is not None:
        assert over.revision is newest
        assert over.at <= now or newest.ending is not None
    elif newest is not None and running is None and (joined or newest.alert.status.value != "Exercise"):
        ended = newest.alert.sent if newest.ending else newest.ends_at
        assert now >= ended + timedelta(hours=24)


@given(chains())
def test_the_order_of_a_chain_does_not_matter(chain: list[Revision]) -> None:
    """References are oldest first and complete, whatever order the chain came in."""
    assert [reference.identifier for reference in references_for_next(chain)] == [
        f"x.{number}" for number in range(1, len(chain) + 1)
    ]
    levels = [revision.level for revision in by_gravity(chain)]
    assert levels == sorted(levels)
