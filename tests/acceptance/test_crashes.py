"""Random ``kill -9`` of the whole program, of its parts and of its push children while a city is warned.

``make test`` kills 20 times; ``make test-crash`` sets ``REALIS_KILLS`` and ``REALIS_TARGETS`` to the whole campaign.
The seed is printed; ``REALIS_SEED=n`` plays it again.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.acceptance.crash_campaign import Size, prepared
from tests.acceptance.crash_stage import Stage, many_machines, one_machine
from tests.acceptance.program import Post

SIZE = Size(int(os.environ.get("REALIS_TARGETS", "4000")), int(os.environ.get("REALIS_KILLS", "20")) // 2)
"""Of the campaign on one database; there are two."""

pytestmark = pytest.mark.timeout(SIZE.bound_s + 60)

STAGES: dict[str, Callable[[Path], AbstractAsyncContextManager[Stage]]] = {
    "sqlite": one_machine,
    "postgresql": many_machines,
}


@pytest.mark.parametrize("database", STAGES)
async def test_nobody_is_lost_whatever_is_killed_whenever(database: str, tmp_path: Path) -> None:
    """A warning, an update that moves the area and an all-clear, with kills at random moments of each.

    At the end the sums equal the plan and nothing is open; everyone warned or planned heard the ending and nobody
    outside heard anything; no phone heard anything older after anything newer; what arrived twice was in flight
    when somebody was killed; and the audit chain is whole.
    """
    number = int(os.environ.get("REALIS_SEED") or random.SystemRandom().randrange(10**9))
    print(f"\ncrash database={database} seed={number}: REALIS_SEED={number} plays it again", flush=True)
    begun = time.monotonic()
    async with Post().open() as post, STAGES[database](tmp_path) as stage, prepared(stage, post, SIZE, number) as all_:
        figures = await all_.run()
        verdict = await stage.record.audit()
        assert verdict.broken_at == 0
    print(figures.line(database=database, size=SIZE, begun=begun, number=number), flush=True)
    assert figures.kills.total() == SIZE.kills
