"""Answers that can be asked for again cheaply (ETag, 304), and bodies read within a bound.

Knows nothing of what they say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from realis.model.errors import InvalidInput

MAX_BODY_BYTES = 8192
"""More than any browser's subscription with all of a city's places."""

_MESSAGES = {
    "missing": "Das Feld fehlt.",
    "extra_forbidden": "Dieses Feld gibt es nicht.",
    "string_too_long": "Der Text ist zu lang: höchstens {max_length} Zeichen.",
    "string_too_short": "Der Text ist leer.",
    "too_long": "Die Liste ist zu lang: höchstens {max_length} Einträge.",
    "string_type": "Hier wird ein Text erwartet.",
    "bool_type": "Hier wird true oder false erwartet.",
    "list_type": "Hier wird eine Liste erwartet.",
    "tuple_type": "Hier wird eine Liste erwartet.",
    "json_invalid": "Das ist kein gültiges JSON.",
    "model_type": "Hier wird ein Objekt erwartet.",
    "model_attributes_type": "Hier wird ein Objekt erwartet.",
}


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A body with its strong ETag (RFC 9110, 8.8.3), made once and given to many."""

    body: bytes
    etag: str
    content_type: str = "application/json"

    @classmethod
    def of(cls, value: object) -> CachedResponse:
        """The value as compact JSON."""
        return cls.of_bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")

    @classmethod
    def of_bytes(cls, body: bytes, content_type: str) -> CachedResponse:
        """These bytes, which leave as they are."""
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"', content_type)

    def to(self, request: web.Request, extra: Mapping[str, str] | None = None) -> web.Response:
        """The answer to this request: 304 if the client has it already (RFC 9110, 13.1.2)."""
        headers = {"ETag": self.etag, "Cache-Control": "no-cache", **(extra or {})}
        if has_it(request, self.etag):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, content_type=self.content_type, charset="utf-8", headers=headers)


def has_it(request: web.Request, etag: str) -> bool:
    """Whether the client's If-None-Match names this ETag; compared weakly, as proxies may have weakened it."""
    named = request.headers.get("If-None-Match", "")
    return named.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in named.split(",")]


M = TypeVar("M", bound=BaseModel)


async def body_as(model: type[M], request: web.Request) -> M:
    """The request's JSON body as a model. Raises ``InvalidInput`` that names the field, in German."""
    raw = await _bounded(request)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _in_german(error.errors(include_url=False, include_input=False)) from error


async def _bounded(request: web.Request) -> bytes:
    declared = request.content_length or 0
    raw = b"" if declared > MAX_BODY_BYTES else await request.content.read(MAX_BODY_BYTES + 1)
    while raw and len(raw) <= MAX_BODY_BYTES:
        more = await request.content.read(MAX_BODY_BYTES + 1 - len(raw))
        if not more:
            break
        raw += more
    if max(declared, len(raw)) > MAX_BODY_BYTES:
        raise InvalidInput(
            f"Die Anfrage ist zu groß: höchstens {MAX_BODY_BYTES} Bytes.", remedy="Senden Sie nur die genannten Felder."
        )
    return raw


def _in_german(errors: list[ErrorDetails]) -> InvalidInput:
    first = errors[0]
    pattern = _MESSAGES.get(first["type"], "Der Wert passt hier nicht.")
    message = pattern.format(**first.get("ctx", {}))
    where = ".".join(str(part) for part in first["loc"])
    rest = f" Weitere Fehler: {len(errors) - 1}." if len(errors) > 1 else ""
    return InvalidInput(message, where=where, remedy=f"Berichtigen Sie „{where or 'die Anfrage'}“.{rest}")
