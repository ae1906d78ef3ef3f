"""Who saw everything: watches each step of a schedule and says which promise of the architecture it broke.

It sees what the services saw, never the program's own books, except to compare the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from realis.model.alert import Occasion
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome, State
from realis.model.incident import Revision
from realis.ports.channel import Message, MessageKind, Target
from realis.ports.stores import AlertStore, BatchResult, Claim

SKEW = timedelta(seconds=4)
"""Two clocks of one cluster may be this far apart in a schedule; a lease's margin is larger."""

Rank = tuple[int, bool]
"""Revision, and whether it is that revision's expiry notice: what may never go backwards."""


class PromiseBrokenError(AssertionError):
    """A schedule broke a promise."""


def rank(message: Message) -> Rank:
    """A message's place in its incident."""
    return message.revision, message.kind is MessageKind.EXPIRY


@dataclass(slots=True)
class Holding:
    """A batch as somebody claimed it."""

    claim: Claim
    who: int
    until: datetime
    lost: bool = False


@dataclass(slots=True)
class Witness:
    """Everything seen so far in one schedule.

    Args:
        clock_of: a process's own clock, by its number.
        alive: whether a process still runs.
        here: targets that are active now.
    """

    alerts: AlertStore
    now: Callable[[], datetime]
    clock_of: Callable[[int], datetime]
    alive: Callable[[int], bool]
    here: Callable[[], Awaitable[set[int]]]
    broken: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    incidents: list[UUID] = field(default_factory=list)
    newest: dict[tuple[UUID, int], Rank] = field(default_factory=dict)
    ranks: dict[tuple[UUID, int], set[Rank]] = field(default_factory=dict)
    answers: dict[tuple[UUID, Rank, int], Outcome] = field(default_factory=dict)
    settled: set[tuple[UUID, Rank, int]] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    unsure: set[tuple[UUID, Rank, int]] = field(default_factory=set)
    joined: dict[int, list[tuple[datetime, bool]]] = field(default_factory=dict)
    holdings: dict[int, Holding] = field(default_factory=dict)
    lost: int = 0
    repeats: int = 0
    sends: int = 0

    def fail(self, what: str) -> NoReturn:
        """Raise with what was broken; kept too, because a channel's caller catches whatever a channel raises."""
        self.broken.append(what)
        raise PromiseBrokenError(what)

    def note(self, line: str) -> None:
        """Into the trace, with the second."""
        self.trace.append(f"{self.now():%d %H:%M:%S.%f} {line}")

    def named(self, incident: UUID) -> str:
        """An incident by its place in the schedule, the same in every replay."""
        return f"i{self.incidents.index(incident)}"

    # ---- what processes do

    async def claimed(self, who: int, claim: Claim, now: datetime, lease_s: float) -> None:
        """A batch was handed out: nobody else may hold it, and it must be the newest there is to say."""
        message = claim.message
        before = self.holdings.get(claim.batch)
        if before is not None:
            self._handed_on(before)
        chain = await self.alerts.chain(message.incident)
        if not chain or chain[-1].number != message.revision:
            self.fail(f"revision {message.revision} was handed out, {len(chain)} is issued")
        self.holdings[claim.batch] = Holding(claim, who, now + timedelta(seconds=lease_s))
        self.note(f"p{who} claims b{claim.batch}/{claim.epoch} {self._what(message)} {[t.id for t in claim.targets]}")

    def _handed_on(self, before: Holding) -> None:
        if not before.lost and self.alive(before.who) and before.until > self.now() + SKEW:
            self.fail(f"batch {before.claim.batch} was handed out twice under a lease that held")
        self.lost += not before.lost
        self.repeats += 1

    def crashed(self, who: int) -> None:
        """Whatever it held is lost."""
        for holding in self.holdings.values():
            if holding.who == who and not holding.lost:
                holding.lost = True
                self.lost += 1

    def committed(self, claim: Claim, result: BatchResult, here: set[int], *, written: bool) -> None:
        """Outcomes were written, or refused because the batch is somebody else's now. ``here``: active before."""
        self.note(f"commit b{claim.batch}/{claim.epoch} {written} {sorted(result.states.items())}")
        if not written:
            return
        if any(group.due >= claim.message.deadline for group in result.retries if not group.held):
            self.fail(f"batch {claim.batch} is to be tried again after its deadline")
        del self.holdings[claim.batch]
        keys = [(claim.message.incident, rank(claim.message), target.id) for target in claim.targets]
        accepted = [key for key in keys if isinstance(self.answers.get(key), Accepted)]
        if len(accepted) == result.states.get(State.ACCEPTED, 0):
            self.settled.update(accepted)
        # At level 3 a message that may have arrived is not repeated; it counts as heard.
        unsure = {failure.target_id for failure in result.failures if failure.state is State.UNKNOWN}
        self.unsure.update(key for key in keys if key[2] in unsure)
        if ended := (set(result.gone) & here) - self.gone:
            self.fail(f"{ended} were ended though no service said so")

    def started(self, who: int, message: Message, target: Target) -> None:
        """A send begins."""
        self.sends += 1
        key = (message.incident, target.id)
        mine = rank(message)
        self.note(f"p{who} sends {self._what(message)} to {target.id}")
        if not target.address:
            self.fail(f"{target.id} was sent to without an address")
        if self.newest.get(key, mine) > mine:
            self.fail(f"{target.id} is sent {mine} after {self.newest[key]}")
        if self.clock_of(who) >= message.deadline:
            self.fail(f"{target.id} is sent {self._what(message)} after its deadline")
        if (message.incident, mine, target.id) in self.settled:
            self.fail(f"{target.id} is sent {self._what(message)} again though it was accepted and written")
        if message.occasion is Occasion.UEBUNG and not self._had_joined(target.id, message.sent):
            self.fail(f"{target.id} never joined and is sent an exercise")
        self.newest[key] = mine
        self.ranks.setdefault(key, set()).add(mine)
        self.answers.pop((message.incident, mine, target.id), None)

    def _had_joined(self, target: int, _sent: datetime) -> bool:
        return any(joined for _, joined in self.joined.get(target, ()))

    def answered(self, message: Message, target: Target, outcome: Outcome) -> None:
        """What the service said."""
        if isinstance(outcome, Failed) and outcome.kind is FailureKind.GONE:
            self.gone.add(target.id)
        self.answers[message.incident, rank(message), target.id] = outcome
        self.note(f"answer {outcome.kind if isinstance(outcome, Failed) else 'accepted'} for {target.id}")

    def came_back(self, target: int) -> None:
        """Whoever was gone may be sent the same thing again."""
        self.settled = {key for key in self.settled if key[2] != target}

    def _what(self, message: Message) -> str:
        return f"{self.named(message.incident)} r{message.revision} {message.kind}"

    # ---- the end

    def all_heard(self, incident: UUID, chain: tuple[Revision, ...], here: set[int]) -> None:
        """Whoever was sent anything, and is still there, was sent the last word too."""
        last: Rank = (chain[-1].number, chain[-1].ending is None)
        for (of, target), ranks in self.ranks.items():
            if of != incident or target not in here or target in self.gone:
                continue
            if last not in ranks and (of, last, target) not in self.unsure:
                self.fail(f"{target} was warned of {self.named(incident)} ({sorted(ranks)}) and never heard {last}")

    def figures(self) -> Counter[str]:
        """How much was seen, to make sure that schedules are worth their time."""
        return Counter(sends=self.sends, lost=self.lost, repeats=self.repeats)
