"""What the child process loads."""

from __future__ import annotations

import subprocess
import sys

FORBIDDEN = ("aiohttp", "pydantic", "sqlalchemy", "realis.model.alert", "realis.ports", "realis.storage")


def test_a_child_loads_only_what_it_needs() -> None:
    """No database, no alerts and no second HTTP client: a child starts at once and stays small."""
    asked = "import sys, channels.webpush.worker_process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert "channels.webpush.job_runner" in loaded
    assert loaded.intersection(FORBIDDEN) == set()
