"""What may not be otherwise after any crash: the judgement on what arrived at the push service for one incident."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from channels.webpush.worker_process import REPORT_EVERY
from tests.acceptance.crash_record import PUSH, InFlight, Record
from tests.fakes.push_service import Phone
from tests.support.installation import Subscriber

ENDING = 3
BATCH = 500
LANES_FOR_ONE_SERVICE = 3
"""Of the channel's four: one service never fills them all."""

UNANSWERED = LANES_FOR_ONE_SERVICE * (64 + REPORT_EVERY)
"""What a push child may take along: of each batch it has, what is on its way, and what it has not yet told."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """The phones of a campaign, by the path they are reached at.

    Args:
        warned: those in the first area; ``next``: those in the area it moves to; ``outside``: in neither.
        paths: by the number of the target.
    """

    phones: Mapping[str, Phone]
    warned: frozenset[str]
    next: frozenset[str]
    outside: frozenset[str]
    paths: Mapping[int, str]

    @classmethod
    async def of(
        cls, people: Sequence[Subscriber], places: Sequence[str], record: Record, fingerprint: Callable[[str], str]
    ) -> Crowd:
        """These people, living in the three places."""
        numbers = await record.numbers()
        by_path = {f"/{one.phone.endpoint.split('/', 3)[3]}": one for one in people}
        warned, moved_to, outside = (
            frozenset(path for path, one in by_path.items() if place in one.places) for place in places
        )
        known = {numbers[fingerprint(one.phone.endpoint)]: path for path, one in by_path.items()}
        return cls({path: one.phone for path, one in by_path.items()}, warned, moved_to, outside, known)


@dataclass(slots=True)
class Bound:
    """What the crashes during one incident may have cost.

    Args:
        in_flight: what killed processes had claimed.
        most: the largest number one of them had.
        children: how many push children were killed.
        refused: commits refused to a process that stalled longer than its lease.
    """

    in_flight: InFlight = field(default_factory=Counter)
    most: int = 0
    children: int = 0
    refused: int = 0

    def add(self, claimed: InFlight) -> None:
        """One more killed process."""
        number = claimed.total()
        assert number <= LANES_FOR_ONE_SERVICE * BATCH, f"{number} pushes were in flight at once"
        self.in_flight.update(claimed)
        self.most = max(self.most, number)


@dataclass(frozen=True, slots=True)
class Toll:
    """What one incident's crashes did cost: arrivals, repeats among them, and repeats that were allowed."""

    arrivals: int
    repeats: int
    allowed: int
    of_children: int


async def judge(
    incident: UUID, arrivals: Sequence[tuple[str, bytes]], crowd: Crowd, record: Record, bound: Bound
) -> Toll:
    """Hold what arrived against the promises; what it cost."""
    heard = _heard(incident, arrivals, crowd)
    _nothing_older_after_anything_newer(heard)
    _everyone_heard_the_ending(heard, crowd, {crowd.paths[number] for number in await record.planned(incident)})
    await _sums_are_right(incident, heard, record)
    repeats, beyond = _repeats(heard, crowd, bound)
    assert beyond <= bound.children * UNANSWERED + bound.refused * BATCH, f"{beyond} repeats nobody can explain"
    allowed = bound.in_flight.total() + bound.children * UNANSWERED + bound.refused * BATCH
    return Toll(len(arrivals), repeats, allowed, beyond)


def _heard(incident: UUID, arrivals: Sequence[tuple[str, bytes]], crowd: Crowd) -> Mapping[str, Sequence[int]]:
    """Which revisions each phone could read, in the order they came. Every single push is decrypted."""
    heard: dict[str, list[int]] = {}
    for path, body in arrivals:
        told = json.loads(crowd.phones[path].read(body))["realis"]
        assert told["incident"] == str(incident), f"{path} heard of another incident"
        heard.setdefault(path, []).append(int(told["revision"]))
    return heard


def _nothing_older_after_anything_newer(heard: Mapping[str, Sequence[int]]) -> None:
    for path, order in heard.items():
        assert all(earlier <= later for earlier, later in pairwise(order)), f"{path} heard {order}"


def _everyone_heard_the_ending(heard: Mapping[str, Sequence[int]], crowd: Crowd, planned: set[str]) -> None:
    last = {path for path, order in heard.items() if order[-1] == ENDING}
    assert set(heard) == last, f"{len(set(heard) - last)} were warned and never heard the ending"
    assert planned == last, f"{len(planned - last)} were planned and heard nothing, {len(last - planned)} not planned"
    assert crowd.next <= last, f"{len(crowd.next - last)} in the area heard no ending"
    assert last <= crowd.warned | crowd.next, "somebody outside was told"


async def _sums_are_right(incident: UUID, heard: Mapping[str, Sequence[int]], record: Record) -> None:
    reached = Counter(revision for order in heard.values() for revision in set(order))
    sums = await record.sums(incident)
    assert {one.revision for one in sums if one.channel == PUSH} == {1, 2, 3}
    for one in sums:
        assert one.over, f"still open: {one}"
        assert one.planned == one.ended, f"sums differ: {one}"
        if one.channel == PUSH:
            assert one.accepted <= reached[one.revision] <= one.planned, f"{reached[one.revision]} reached: {one}"
        if one.channel == PUSH and one.revision == ENDING:
            assert one.accepted == one.planned, f"an ending did not reach everyone: {one}"


def _repeats(heard: Mapping[str, Sequence[int]], crowd: Crowd, bound: Bound) -> tuple[int, int]:
    """How often anyone was told anything again, and how much of it no killed process had in flight."""
    allowed = Counter({(rev, crowd.paths[target]): times for (rev, target), times in bound.in_flight.items()})
    again = Counter((revision, path) for path, order in heard.items() for revision in order)
    repeats = beyond = 0
    for key, times in again.items():
        repeats += times - 1
        beyond += max(0, times - 1 - allowed[key])
    return repeats, beyond
