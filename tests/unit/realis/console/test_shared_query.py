"""One question for many: shared while it runs and for a second after, and a failure is asked anew."""

from __future__ import annotations

import asyncio

import pytest

from realis.console.shared_query import MAX_KEYS, SharedQuery


class Ledger:
    """Counts how often it is asked; answers when it may."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.free = asyncio.Event()
        self.broken = False

    async def counts(self, key: int) -> str:
        """An answer that names the key and how often it was asked for."""
        self.asked.append(key)
        await self.free.wait()
        if self.broken:
            raise ConnectionError
        return f"{key} #{self.asked.count(key)}"


async def test_many_at_once_share_one_answer() -> None:
    """Fifty pages that ask at once, and one a moment later, cost one question per key."""
    ledger = Ledger()
    query = SharedQuery(ledger.counts)
    waiting = [asyncio.ensure_future(query.get(key)) for key in (1, 2) for _ in range(50)]
    await asyncio.sleep(0)
    ledger.free.set()
    assert set(await asyncio.gather(*waiting)) == {"1 #1", "2 #1"}
    assert await query.get(1) == "1 #1"
    assert sorted(ledger.asked) == [1, 2]


async def test_an_answer_grows_old() -> None:
    """After its time the question is asked again."""
    ledger = Ledger()
    ledger.free.set()
    query = SharedQuery(ledger.counts, fresh_s=0.0)
    assert [await query.get(1), await query.get(1)] == ["1 #1", "1 #2"]


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    """A cancelled request does not cancel the shared question."""
    ledger = Ledger()
    query = SharedQuery(ledger.counts)
    first, second = asyncio.ensure_future(query.get(1)), asyncio.ensure_future(query.get(1))
    await asyncio.sleep(0)
    first.cancel()
    ledger.free.set()
    assert await second == "1 #1"
    assert first.cancelled()


async def test_a_failure_is_raised_and_not_kept() -> None:
    """What failed is asked anew the next time."""
    ledger = Ledger()
    ledger.free.set()
    ledger.broken = True
    query = SharedQuery(ledger.counts)
    with pytest.raises(ConnectionError):
        await query.get(1)
    ledger.broken = False
    assert await query.get(1) == "1 #2"


async def test_it_keeps_a_bounded_number_of_answers() -> None:
    """The oldest answers go."""
    ledger = Ledger()
    ledger.free.set()
    query = SharedQuery(ledger.counts, fresh_s=100)
    for key in range(MAX_KEYS + 1):
        await query.get(key)
    assert await query.get(0) == "0 #2"
