"""Logging: structlog to stderr, one line per event, secrets blanked by name. Nobody else configures logging."""

from __future__ import annotations

import logging
import re
import sys

import structlog
from structlog.typing import EventDict

_SECRET = re.compile(r"token|password|secret|authorization|cookie|endpoint|address|p256dh|phone|chat_id", re.IGNORECASE)
_BOT_TOKEN = re.compile(r"(?<!\d)\d{3,}:[A-Za-z0-9_-]{20,}")


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Blank every field whose name says it is secret, and bot tokens wherever they stand."""
    for name, value in event.items():
        if name != "event" and _SECRET.search(name):
            event[name] = "…"
        elif isinstance(value, str):
            event[name] = _BOT_TOKEN.sub("…", value)
    return event


def configure(*, level: str = "INFO", json: bool | None = None) -> None:
    """Set up logging once per process. JSON unless stderr is a terminal."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
