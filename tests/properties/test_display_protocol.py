"""Properties of the screens' protocol: order, duplicates and reconnects never bring an older state back."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from displays.protocol import Mark, ProtocolError, Session, parse, supersedes

START = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
INCIDENTS = [UUID(int=number) for number in (1, 2, 3)]
EVENTS = st.lists(
    st.tuples(st.sampled_from([*INCIDENTS, None]), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=12
)


def history(events: list[tuple[UUID | None, int, int]]) -> list[Mark]:
    """What a store could have said over time: versions and reads grow, an incident's revisions never fall."""
    revisions: dict[UUID, int] = {}
    marks, version = [], 1
    for second, (incident, new_revision, new_version) in enumerate(events):
        version += new_version | new_revision
        revision = 0
        if incident is not None:
            revision = revisions[incident] = revisions.get(incident, 1) + new_revision
        marks.append(Mark(version, START + timedelta(seconds=second), incident, revision))
    return marks


@given(EVENTS, st.data())
def test_in_any_order_with_duplicates_the_newest_state_stays(
    events: list[tuple[UUID | None, int, int]], data: st.DataObject
) -> None:
    """However frames arrive, also again after a reconnect, the screen ends with the newest one."""
    marks = history(events)
    arriving = data.draw(st.permutations(marks + data.draw(st.lists(st.sampled_from(marks), max_size=10))))
    held: Mark | None = None
    for mark in arriving:
        if supersedes(mark, held):
            held = mark
    assert held == marks[-1]


@given(EVENTS)
def test_what_is_held_never_gets_older(events: list[tuple[UUID | None, int, int]]) -> None:
    """Of two different states only one can replace the other."""
    marks = history(events)
    for one in marks:
        for other in marks:
            assert one == other or not (supersedes(one, other) and supersedes(other, one))


@given(st.text(max_size=300) | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(str))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """No text from a screen can raise anything but a protocol error."""
    with contextlib.suppress(ProtocolError):
        parse(text)


@given(st.lists(st.sampled_from(['{"type":"ping","id":1}', '{"type":"hello","proto":1,"token":"t"}', "{", "[]"])))
def test_a_session_hears_nothing_before_its_hello(messages: list[str]) -> None:
    """In any order of messages, the first one heard is a hello, and there is one only."""
    session, heard = Session(), []
    for message in messages:
        with contextlib.suppress(ProtocolError):
            heard.append(type(session.receive(message)).__name__)
    assert heard[:1] in ([], ["Hello"])
    assert heard.count("Hello") <= 1
