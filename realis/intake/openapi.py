"""Describes the intake for the API's OpenAPI document, and the answer to a message that came in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from realis.web.openapi import Body, Operation, Reply

PATH = "/api/v1/intake/cap"
MEDIA_TYPES = ("application/cap+xml", "application/xml", "text/xml", "application/octet-stream")
"""The last one is what clients send that name no type."""


class ReceivedAlert(BaseModel):
    """What became of a message: what operators will review, and what was wrong with it, one line each."""

    model_config = ConfigDict(frozen=True)

    incident: UUID
    draft: UUID | None
    problems: tuple[str, ...]
    url: Annotated[str, Field(description="page of the console")]


_LOCATION = {"Location": "page of the console"}

OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        name="receive_cap",
        summary="An authority hands in a CAP 1.2 message; it becomes a draft that people review",
        body=Body(media_types=MEDIA_TYPES),
        replies={
            200: Reply("The same bytes had come in before; nothing was changed.", ReceivedAlert, _LOCATION),
            201: Reply("Stored.", ReceivedAlert, _LOCATION),
        },
        problems=(400, 401, 403, 408, 409, 413, 415, 422),
        bearer="authority",
    ),
)
"""Every route of the intake; a test holds both together."""
