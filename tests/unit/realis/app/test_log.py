"""No secret reaches the log, whatever a caller binds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from realis.app.log import redact

BOT = "123456789:AAE-abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "name", ["token", "password", "Authorization", "cookie", "endpoint", "address", "p256dh", "api_secret", "chat_id"]
)
def test_fields_named_like_secrets_are_blanked(name: str) -> None:
    """By their name, in any case."""
    assert redact(None, "", {"event": "x", name: "geheim"})[name] == "…"


@pytest.mark.parametrize("field", ["event", "exception", "detail"])
def test_bot_tokens_are_blanked_wherever_they_stand(field: str) -> None:
    """Also inside an event's text or a traceback with the service's address."""
    event = redact(None, "", {"event": "x", field: f"POST https://api.example/bot{BOT}/send"})
    assert BOT not in str(event)


def test_the_rest_is_left_alone() -> None:
    """Counts, names and ids stay readable."""
    event = {"event": "batch_done", "channel": "push", "batch": 7}
    assert redact(None, "", dict(event)) == event


LIBRARY = """
import asyncio, logging, sys, warnings
import structlog
from realis.app import log

log.configure(level=sys.argv[1], json=True)
log.configure(level=sys.argv[1], json=True)
structlog.get_logger("ours").info("batch_done", channel="push")
logging.getLogger("websockets.server").debug("< Authorization: Bearer abcdefghijklmnop")
logging.getLogger("aiohttp.server").warning("sent %s", "Authorization: Bearer abcdefghijklmnop", extra={"token": "t0p"})
try:
    raise RuntimeError("postgresql+asyncpg://realis:hunter2@db/realis [parameters: ('geheim-1',)]\\nzweite Zeile")
except RuntimeError:
    logging.getLogger("sqlalchemy.pool").exception("Error during reset")
warnings.warn("use that instead of 123456789:AAE-abcdefghijklmnopqrstuvwxyz", DeprecationWarning, stacklevel=1)


async def leave_a_task() -> None:
    async def fail() -> None:
        raise ValueError("eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl")

    task = asyncio.create_task(fail())
    await asyncio.wait({task})


asyncio.run(leave_a_task())
"""


def _lines(level: str) -> list[dict[str, object]]:
    """Every line of stderr of a program in which libraries fail and warn."""
    command = [sys.executable, "-W", "default", "-c", LIBRARY, level]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    for secret in ("abcdefghijklmnop", "t0p", "hunter2", "geheim-1", "AAE-", "c2lnbmF0dXJl"):
        assert secret not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_all_of_stderr_is_one_json_line_per_event() -> None:
    """Our events, libraries' warnings and exceptions, Python's warnings and failed tasks: one line each, redacted."""
    events = _lines("INFO")
    assert [(event.get("logger"), event["level"]) for event in events] == [
        (None, "info"),
        ("aiohttp.server", "warning"),
        ("sqlalchemy.pool", "error"),
        ("py.warnings", "warning"),
        ("asyncio", "error"),
    ]
    ours, wire, pool, warned, task = events
    assert ours["event"] == "batch_done"
    assert (wire["event"], wire["token"]) == ("sent Authorization: Bearer …", "…")
    assert "RuntimeError: postgresql+asyncpg://…@db/realis [parameters: …]" in str(pool["exception"])
    assert "use that instead of …" in str(warned["event"])
    assert "ValueError: …" in str(task["exception"])
    assert all(event["timestamp"] for event in events)


def test_a_level_holds_back_what_is_less_severe() -> None:
    """Ours from the level on; libraries' never below a warning, whatever the level."""
    assert [event.get("logger") for event in _lines("ERROR")] == ["sqlalchemy.pool", "asyncio"]
    assert len(_lines("DEBUG")) == len(_lines("INFO"))
