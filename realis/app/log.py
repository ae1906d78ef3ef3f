"""Logging: one line per event on stderr, ours and the libraries', with secrets blanked. Nothing else configures it.

Our events are structlog's; what libraries write through ``logging`` (aiohttp, sqlalchemy, websockets, asyncio, alembic)
and Python's warnings take the same processors and the same renderer, so that a log collector reads one format.
"""

from __future__ import annotations

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, Processor

LIBRARIES = logging.WARNING
"""Libraries log nothing below this, whatever our own level: some would write whole messages, tokens included."""

_SECRET = re.compile(r"token|password|secret|authorization|cookie|endpoint|address|p256dh|phone|chat_id", re.IGNORECASE)
_HANDLER = "realis"

# What a text of somebody else's may hold: libraries put headers, addresses and statements into their messages.
_IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<!\d)\d{3,}:[A-Za-z0-9_-]{20,}"), "…"),  # a Telegram bot's token
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 …"),  # RFC 6750, RFC 7617
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "…"),  # a JSON web token, as VAPID's
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"), "…"),  # user and password of a database's or Redis' address
    (re.compile(r"\[parameters: [^\n]*"), "[parameters: …]"),  # SQLAlchemy's errors show what was to be stored
)


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Blank every field whose name says it is secret, and what looks like a secret in any text."""
    for name, value in event.items():
        if name != "event" and _SECRET.search(name):
            event[name] = "…"
        elif isinstance(value, str):
            event[name] = _blanked(value)
    return event


def _blanked(text: str) -> str:
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def configure(*, level: str = "INFO", json: bool | None = None) -> None:
    """Set up logging; may be called again with another level. JSON unless stderr is a terminal."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: Processor = structlog.dev.ConsoleRenderer()
    if as_json:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, redact, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        # Off, so that a level read from the settings counts for loggers used before.
        cache_logger_on_first_use=False,
    )
    _take_over_logging(shared, renderer, max(LIBRARIES, logging.getLevelNamesMapping()[level]))


def _take_over_logging(shared: list[Processor], renderer: Processor, level: int) -> None:
    """Let the root logger's events, and Python's warnings, end where ours do."""
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    for before in [handler for handler in root.handlers if handler.get_name() == _HANDLER]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
