"""What a description of operations becomes."""

from __future__ import annotations

from pydantic import BaseModel

from realis.web.openapi import Body, Operation, Parameter, Reply, document


class Wanted(BaseModel):
    """A request."""

    name: str
    size: int = 1


class Made(BaseModel):
    """An answer."""

    id: int
    of: str


OPERATION = Operation(
    method="POST",
    path="/things/{kind}",
    name="make",
    summary="Make one",
    parameters=(Parameter("kind", "path", "which"), Parameter("dry", "query", "whether")),
    body=Body(Wanted),
    replies={201: Reply("Made.", Made, {"Location": "where"})},
    problems=(422,),
    bearer="maker",
)


def test_an_operation_becomes_a_path_with_parameters_body_answers_and_errors() -> None:
    """Models are named once, errors are problem+json, and what is always possible is always there."""
    made = document("Things", [OPERATION])
    assert made["paths"] == {
        "/things/{kind}": {
            "post": {
                "operationId": "make",
                "summary": "Make one",
                "security": [{"maker": []}],
                "parameters": [
                    {
                        "name": "kind",
                        "in": "path",
                        "required": True,
                        "description": "which",
                        "schema": {"type": "string"},
                    },
                    {
                        "name": "dry",
                        "in": "query",
                        "required": False,
                        "description": "whether",
                        "schema": {"type": "string"},
                    },
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wanted"}}},
                },
                "responses": {
                    "201": {
                        "description": "Made.",
                        "headers": {
                            "Location": {"description": "where", "required": True, "schema": {"type": "string"}}
                        },
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Made"}}},
                    },
                    **{
                        str(status): {
                            "description": words,
                            "content": {
                                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                            },
                        }
                        for status, words in (
                            (422, "A field is wrong; `where` names it."),
                            (500, "An error of ours; it is logged."),
                            (503, "The database cannot be reached now; try again later."),
                        )
                    },
                },
            }
        }
    }


def test_what_is_cached_may_be_asked_for_with_its_etag() -> None:
    """If-None-Match, ETag and 304 come with one word of the description."""
    operation = Operation(method="GET", path="/", name="r", summary="r", replies={200: Reply("It.", Made)}, cached=True)
    paths = document("Things", [operation])["paths"]
    assert isinstance(paths, dict)
    described = paths["/"]["get"]
    assert [parameter["name"] for parameter in described["parameters"]] == ["If-None-Match"]
    assert "ETag" in described["responses"]["200"]["headers"]
    assert "ETag" in described["responses"]["304"]["headers"]
    assert described["security"] == []
