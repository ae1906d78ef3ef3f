"""What all tests share: how many processes run them, in which order, and a log that is cheap to write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from realis.app import log

ROOT = Path(__file__).parents[1]


# How long one example takes says nothing on a machine that does other work; pytest bounds the whole test.
settings.register_profile("realis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("realis")

MINUTES_FIRST = ("acceptance", "browser", "simulation", "integration", "contract", "properties")
"""Folders whose tests take longest, in the order they begin, so that no core waits for a last long one."""


MOST_PROCESSES = 8
"""More would start a PostgreSQL and a browser each for a handful of tests."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What ``-n auto`` means: one process more than there are cores, because half of the long tests wait.

    ``-n logical`` means one per core, for tests that only compute: another would cost more to start than it helps.
    """
    spare = 0 if config.option.numprocesses == "logical" else 1
    return min(len(os.sched_getaffinity(0)) + spare, MOST_PROCESSES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, and keep a file together that shares one thing among its tests.

    Tests that run on one event loop of their module follow one another on one server, so they belong to one process.
    """
    for item in items:
        loop = item.get_closest_marker("asyncio")
        if loop and loop.kwargs.get("loop_scope") == "module":
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: _rank(item.path.relative_to(ROOT).parts[1]))


def _rank(folder: str) -> int:
    return MINUTES_FIRST.index(folder) if folder in MINUTES_FIRST else len(MINUTES_FIRST)


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Events as lines of JSON on stderr, whatever the test before made of the log.

    Left to itself structlog renders every traceback with the variables of all frames; for a page that fails in a
    test this takes ten seconds. The stream is looked up for every event because pytest exchanges it, and loggers are
    not kept because the one before may have been configured by a command under test.
    """
    log.configure(json=True)
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr), cache_logger_on_first_use=False)
