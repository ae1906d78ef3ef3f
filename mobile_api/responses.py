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

from realis.model.errors import InvalidInput, Problem, Value

MAX_BODY_BYTES = 8192
"""More than any browser's subscription with all of a city's places."""

CODES = {
    "missing": "field-missing",
    "extra_forbidden": "field-unknown",
    "string_too_long": "field-too-long",
    "string_too_short": "field-empty",
    "too_long": "list-too-long",
    "string_type": "text-expected",
    "bool_type": "boolean-expected",
    "list_type": "list-expected",
    "tuple_type": "list-expected",
    "json_invalid": "json-invalid",
    "model_type": "object-expected",
    "model_attributes_type": "object-expected",
}
"""Our code for each of pydantic's error types; what the message needs of their context has the same name there."""

OTHER_CODE = "value-unfit"


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
    """The request's JSON body as a model. Raises ``InvalidInput`` naming the field, or all of them as causes."""
    raw = await _bounded(request)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False, include_input=False)) from error


async def _bounded(request: web.Request) -> bytes:
    declared = request.content_length or 0
    raw = b"" if declared > MAX_BODY_BYTES else await request.content.read(MAX_BODY_BYTES + 1)
    while raw and len(raw) <= MAX_BODY_BYTES:
        more = await request.content.read(MAX_BODY_BYTES + 1 - len(raw))
        if not more:
            break
        raw += more
    if max(declared, len(raw)) > MAX_BODY_BYTES:
        raise InvalidInput("body-too-large", max=MAX_BODY_BYTES)
    return raw


def _invalid(errors: list[ErrorDetails]) -> InvalidInput:
    first, *others = (_problem(error) for error in errors)
    causes = (first, *others) if others else ()
    return InvalidInput(first.code, where=first.where, causes=causes, **first.values)


def _problem(error: ErrorDetails) -> Problem:
    where = ".".join(str(part) for part in error["loc"])
    values: dict[str, Value] = {"field": where}
    if "max_length" in error.get("ctx", {}):
        values["max_length"] = int(error["ctx"]["max_length"])
    return Problem(where, CODES.get(error["type"], OTHER_CODE), values)
