"""The content of a push: the JSON the phone reads, and the headers the push service reads (RFC 8030).

It must not encrypt or send; the texts come from the message unchanged.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from realis.model.alert import Level
from realis.model.draft import Rendered
from realis.model.languages import direction
from realis.ports.channel import Message

MAX_TTL_S = 2_592_000
"""30 days: the most Mozilla's service accepts."""


def payload(message: Message) -> bytes:
    """The plaintext of a push: UTF-8 JSON, read by the service worker and, as it is, by Safari.

    It has the form of a Declarative Web Push, which a browser that supports it shows without any script::

        {"web_push": 8030,
         "notification": {"title", "lang", "dir", "body", "navigate", "tag", "silent"},
         "realis": {"incident", "revision", "kind", "occasion", "level", "ending", "sent", "expires", "url"}}

    * ``title``: notice, kind and headline in one line; ``body``: instruction, description, end, source, labels;
      paragraphs joined by line breaks.
    * ``lang``: of most of the text; ``dir``: ``ltr``, ``rtl``, or ``auto`` where two languages are mixed.
    * ``tag``: the incident, so that an update or ending replaces what is shown.
    * ``silent``: true for "still ersetzen"; the worker sets ``renotify`` to its opposite.
    * ``navigate`` and ``url``: the incident's public page.
    * ``revision``: the worker ignores one lower than what it shows for the incident.
    * ``kind``: alert, update, all_clear, retraction, expiry; ``occasion``: ernstfall, probewarnung, uebung;
      ``level``: 1 to 3; ``ending``: null, all_clear, retracted or expired.
    * ``sent``, ``expires``: ISO 8601 with offset; ``expires`` is null for endings.
    """
    text = message.text
    data = {
        "web_push": 8030,
        "notification": {
            "title": text.title,
            "lang": text.written_in,
            "dir": _direction(text),
            "body": _body(text),
            "navigate": message.url,
            "tag": str(message.incident),
            "silent": not message.realert,
        },
        "realis": {
            "incident": str(message.incident),
            "revision": message.revision,
            "kind": message.kind.value,
            "occasion": message.occasion.value,
            "level": int(message.level),
            "ending": message.kind.ending.value if message.kind.ending else None,
            "sent": message.sent.isoformat(),
            "expires": message.expires.isoformat() if message.expires else None,
            "url": message.url,
        },
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def reduced(message: Message) -> Iterator[Message]:
    """Return the whole message, then with ever fewer of its parts, for a service that answers 413.

    The description is dropped first, then the labels. Title (notice, kind, headline), instruction, end, source and
    link always stay, unchanged.
    """
    yield message
    without = replace(message.text, description="", shortened=True)
    yield replace(message, text=without)
    yield replace(message, text=replace(without, labels=()))


def headers(message: Message, now: datetime) -> dict[str, str]:
    """The headers all pushes of a batch share; the Authorization is per origin."""
    return {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(ttl_s(message, now)),
        "Urgency": urgency(message),
        "Topic": topic(message),
    }


def ttl_s(message: Message, now: datetime) -> int:
    """Seconds a push service may keep it for a phone that is off: until it expires, endings until the deadline."""
    end = message.expires or message.deadline
    return min(MAX_TTL_S, max(0, int((end - now).total_seconds())))


def urgency(message: Message) -> str:
    """Return the Urgency header (RFC 8030, 5.3), which decides whether an idle phone is woken.

    Levels 1 and 2 wake it, level 3 waits until the phone is in use. A silent replacement has one step less, because
    the warning it corrects is already shown.
    """
    grave = message.level is not Level.INFORMATION
    if message.realert:
        return "high" if grave else "normal"
    return "normal" if grave else "low"


def topic(message: Message) -> str:
    """32 base64url characters per incident: an undelivered push is replaced by the next (RFC 8030, 5.4)."""
    return urlsafe_b64encode(sha256(message.incident.bytes).digest()).decode()[:32]


def _direction(text: Rendered) -> str:
    if text.language != text.written_in:
        return "auto"
    return direction(text.language)


def _body(text: Rendered) -> str:
    footer = " · ".join(part for part in (text.until, text.source) if part)
    parts = (text.instruction, text.description, footer, *text.labels)
    return "\n".join(part for part in parts if part)
