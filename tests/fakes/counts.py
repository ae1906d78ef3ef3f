"""A night's figures, in every way a channel can stand: for the pages that show them, over a real desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast
from uuid import UUID

from realis.model.delivery import State
from realis.ports.channel import MessageKind
from realis.ports.read_models import ChannelCount
from realis.ports.stores import BatchStore
from realis.services.desk import Desk
from tests.support.desk import House, serve


@dataclass(frozen=True, slots=True)
class Told:
    """Answers ``BatchStore.counts`` with what it was told; nobody who only looks asks it anything else."""

    figures: Sequence[ChannelCount]

    async def counts(self, incident: UUID) -> tuple[ChannelCount, ...]:
        """These figures, of that incident."""
        return tuple(replace(one, incident=incident) for one in self.figures)


def night(here: House) -> tuple[ChannelCount, ...]:
    """A big channel in the middle of it, one on hold, one that is done, one with a single target, one untouched."""
    now, nobody = here.clock.now(), UUID(int=0)
    soon, later, tomorrow = now + timedelta(seconds=20), now + timedelta(hours=2), now + timedelta(hours=24)
    busy = ChannelCount(
        channel="public",
        incident=nobody,
        revision=1,
        kind=MessageKind.ALERT,
        planned=104_444,
        states={
            State.ACCEPTED: 103_305,
            State.PLANNED: 500,
            State.RETRYING: 12,
            State.GONE: 611,
            State.REJECTED: 5,
            State.EXPIRED: 7,
            State.UNKNOWN: 3,
            State.SUPERSEDED: 1,
        },
        failures={"gone": 611, "rejected": 4, "too_large": 1, "timeout": 7, "unknown": 3},
        confirmed=4_012,
        planning_done=True,
        first_ms=41,
        p50_ms=4_060,
        p99_ms=9_790,
        last_ms=10_190,
        retry_due=soon,
        deadline=later,
    )
    blank = replace(
        busy, states={}, failures={}, confirmed=0, first_ms=None, p50_ms=None, p99_ms=None, last_ms=None, retry_due=None
    )
    return (
        busy,
        replace(blank, channel="short", planned=1, states={State.HELD: 1}, deadline=tomorrow),
        replace(
            blank,
            channel="terminal",
            planned=40,
            states={State.ACCEPTED: 40},
            confirmed=38,
            first_ms=12,
            p50_ms=90,
            p99_ms=700_000,
            last_ms=7_320_000,
        ),
        replace(blank, channel="by_hand", planned=1, states={State.ACCEPTED: 1}, first_ms=240, last_ms=240),
        replace(blank, channel="display", planned=500, states={State.PLANNED: 500}, planning_done=False),
    )


@asynccontextmanager
async def telling(here: House, figures: Sequence[ChannelCount]) -> AsyncIterator[str]:
    """The house's console, whose every incident has these figures; its address."""
    ledger = cast("BatchStore", Told(figures))
    async with serve(replace(here, desk=Desk.over(replace(here.desk.ports, ledger=ledger)))) as address:
        yield address
