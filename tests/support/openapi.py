"""Holds an application to its OpenAPI document: which routes it has, and what each of its answers looks like."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import jsonschema_rs
from aiohttp import web
from aiohttp.typedefs import Handler

from realis.web.openapi import Operation, document

ROOT = "/api/v1/"


def routes(app: web.Application) -> set[tuple[str, str]]:
    """Method and path of every route below ``/api/v1``; HEAD comes with each GET."""
    resources = ((route.method, route.resource) for route in app.router.routes())
    found = {(method, resource.canonical) for method, resource in resources if resource is not None}
    return {(method, path) for method, path in found if path.startswith(ROOT) and method != "HEAD"}


def described(operations: Iterable[Operation]) -> set[tuple[str, str]]:
    """Method and path of every operation."""
    return {(operation.method, operation.path) for operation in operations}


class AnswerCheck:
    """Middleware that notes every answer below ``/api/v1`` that is not as the document says."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.document: dict[str, Any] = document("Test", operations)
        self.checked = 0
        self.violations: list[str] = []

    def install(self, app: web.Application) -> None:
        """Look at answers as clients get them, outside of every other middleware."""
        app.middlewares.insert(0, self._middleware())

    def _middleware(self) -> Any:  # noqa: ANN401 - aiohttp's decorated middleware has no public type
        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            resource = request.match_info.route.resource
            if resource is not None and resource.canonical.startswith(ROOT) and isinstance(answer, web.Response):
                self.checked += 1
                if problem := self.violation(request.method.lower(), resource.canonical, answer):
                    self.violations.append(f"{request.method} {request.path}: {problem}")
            return answer

        return check

    def violation(self, method: str, path: str, answer: web.Response) -> str:
        """What of an answer is not as described; empty if all is."""
        operation = self.document["paths"][path]["get" if method == "head" else method]
        reply = operation["responses"].get(str(answer.status))
        if reply is None:
            return f"status {answer.status} is not described"
        if missing := [name for name in reply.get("headers", {}) if name not in answer.headers]:
            return f"headers missing: {missing}"
        content = reply.get("content")
        body = answer.body if isinstance(answer.body, bytes) else b""
        if content is None:
            return "a body where none is described" if body else ""
        if answer.content_type not in content:
            return f"content type {answer.content_type} is not described"
        schema = content[answer.content_type]["schema"] | {"components": self.document["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        return "; ".join(str(error.message) for error in validator.iter_errors(json.loads(body)))
