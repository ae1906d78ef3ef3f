"""Makes an OpenAPI 3.1 document from descriptions of operations and pydantic models. It serves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

Json = dict[str, object]
Usage = tuple[type[BaseModel], JsonSchemaMode]

PROBLEM_MEDIA_TYPE = "application/problem+json"
ALWAYS_POSSIBLE: Mapping[int, str] = {
    500: "An error of ours; it is logged.",
    503: "The database cannot be reached now; try again later.",
}
_PROBLEMS: Mapping[int, str] = {
    400: "The message cannot be read.",
    401: "The bearer token is missing or wrong.",
    403: "The bearer token is for something else.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "It contradicts what came in before.",
    413: "The body is too large.",
    415: "The body's media type is not accepted.",
    422: "A field is wrong; `where` names it.",
    **ALWAYS_POSSIBLE,
}


class Problem(BaseModel):
    """An error (RFC 9457): `title` says what is wrong, `remedy` what to do, `where` names the field or element."""

    type: Annotated[str, Field(description="`urn:realis:` and a code, or `about:blank`")]
    title: str
    status: int
    code: str | None = None
    where: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of path, query or headers.

    Args:
        schema: JSON schema of the value; a text where nothing else is said.
    """

    name: str
    where: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})

    def described(self) -> Json:
        """The Parameter Object."""
        return {
            "name": self.name,
            "in": self.where,
            "required": self.where == "path",
            "description": self.description,
            "schema": dict(self.schema),
        }


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: JSON of a model, or a text of one of the media types."""

    model: type[BaseModel] | None = None
    media_types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no error. ``headers`` maps names to what they say."""

    description: str
    model: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Args:
        path: as the router writes it, with ``{name}`` and no pattern.
        problems: statuses answered with a ``Problem``, besides those that are always possible.
        cached: answers carry an ETag and may be asked for again with If-None-Match (304).
        bearer: whose token is demanded; empty for what is open to all.
    """

    method: str
    path: str
    name: str
    summary: str
    replies: Mapping[int, Reply]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    problems: tuple[int, ...] = ()
    cached: bool = False
    bearer: str = ""


_IF_NONE_MATCH = Parameter("If-None-Match", "header", "ETag of what the client holds (RFC 9110, 13.1.2)")
_ETAG = {"ETag": "changes with the answer"}


def document(title: str, operations: Iterable[Operation]) -> Json:
    """The OpenAPI document of these operations."""
    listed = tuple(operations)
    usages = _usages(listed)
    found, definitions = models_json_schema(usages, ref_template="#/components/schemas/{model}")
    references: Mapping[Usage, Json] = {usage: found[usage] for usage in usages}
    paths: dict[str, Json] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1.0.0",
            "description": "Answers may gain fields; names and meanings of those there are stay.",
        },
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": _schemes(listed)},
    }


def _usages(operations: Iterable[Operation]) -> list[Usage]:
    used: dict[Usage, None] = {(Problem, "serialization"): None}
    for operation in operations:
        if operation.body is not None and operation.body.model is not None:
            used[(operation.body.model, "validation")] = None
        for reply in operation.replies.values():
            if reply.model is not None:
                used[(reply.model, "serialization")] = None
    return list(used)


def _operation(operation: Operation, references: Mapping[Usage, Json]) -> Json:
    parameters = (*operation.parameters, _IF_NONE_MATCH) if operation.cached else operation.parameters
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{operation.bearer: []}] if operation.bearer else [],
        "parameters": [parameter.described() for parameter in parameters],
        "responses": _responses(operation, references),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body, references)}
    return described


def _content(body: Body, references: Mapping[Usage, Json]) -> Json:
    schema = references[(body.model, "validation")] if body.model else {"type": "string"}
    return {media_type: {"schema": schema} for media_type in body.media_types}


def _responses(operation: Operation, references: Mapping[Usage, Json]) -> Json:
    replies = dict(operation.replies)
    extra = _ETAG if operation.cached else {}
    if operation.cached:
        replies[304] = Reply("The client holds it already.")
    problem = {PROBLEM_MEDIA_TYPE: {"schema": references[(Problem, "serialization")]}}
    answers = {str(status): _reply(reply, extra, references) for status, reply in replies.items()}
    errors: Json = {
        str(status): {"description": _PROBLEMS[status], "content": problem}
        for status in (*operation.problems, *ALWAYS_POSSIBLE)
    }
    return answers | errors


def _reply(reply: Reply, extra: Mapping[str, str], references: Mapping[Usage, Json]) -> Json:
    described: Json = {"description": reply.description}
    headers = {**reply.headers, **extra}
    if headers:
        described["headers"] = {
            name: {"description": meaning, "required": True, "schema": {"type": "string"}}
            for name, meaning in headers.items()
        }
    if reply.model is not None:
        described["content"] = {"application/json": {"schema": references[(reply.model, "serialization")]}}
    return described


def _schemes(operations: Iterable[Operation]) -> Json:
    holders = sorted({operation.bearer for operation in operations} - {""})
    return {holder: {"type": "http", "scheme": "bearer"} for holder in holders}
