"""How hints are merged, so that a listener that sleeps loses no topic and fills no memory."""

from __future__ import annotations

import gc

from realis.backplane.memory import MAX_PENDING, MemoryEvents, Pending
from realis.ports.events import Topic


def test_hints_come_in_order_and_once() -> None:
    """The first coming counts."""
    pending = Pending()
    for key in ("a", "b", "a"):
        pending.add(Topic.DESK, key)
    assert [pending.pop(), pending.pop()] == [(Topic.DESK, "a"), (Topic.DESK, "b")]
    assert not pending


def test_too_many_become_one_for_each_topic() -> None:
    """Beyond the bound a hint without a key stands for all of its topic; no topic is lost."""
    pending = Pending()
    pending.add(Topic.WORK, "")
    for number in range(10 * MAX_PENDING):
        pending.add(Topic.DELIVERY, str(number))
    pending.add(Topic.DESK, "x")
    assert pending.take() == ((Topic.WORK, ""), (Topic.DELIVERY, ""), (Topic.DESK, "x"))
    assert not pending


async def test_who_stops_listening_is_forgotten() -> None:
    """Listeners that went away do not pile up."""
    events = MemoryEvents()
    kept = events.listen(Topic.DESK)
    for _ in range(100):
        events.listen(Topic.DESK)
    gc.collect()
    assert len(events._listeners) == 1
    del kept
