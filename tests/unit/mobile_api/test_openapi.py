"""The API's description: complete, valid, cached, and true of answers that are checked against it."""

from __future__ import annotations

from dataclasses import replace

import jsonschema_rs
from aiohttp import web

from mobile_api.openapi import OPERATIONS
from realis.model.alert import Ending, Occasion
from tests.support.mobile import NOW, Phone, warning
from tests.support.openapi import AnswerCheck, described, routes
from tests.unit.mobile_api.conftest import Client


def test_every_route_is_described_and_every_description_has_a_route(parts: Phone) -> None:
    """A new route without its description fails here, and so does the description of a route that is gone."""
    assert described(OPERATIONS) == routes(parts.app)


def test_names_of_operations_are_unique() -> None:
    """Programs that are generated from the document name their functions by them."""
    names = [operation.name for operation in OPERATIONS]
    assert len(names) == len(set(names))


async def test_the_document_is_served_and_asked_for_again_cheaply(client: Client) -> None:
    """OpenAPI 3.1 with every path; 304 while it is the same; it names no server, so that it fits any address."""
    first = await client.get("/api/v1/openapi.json")
    again = await client.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    document = await first.json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {operation.path for operation in OPERATIONS}
    assert "servers" not in document
    assert again.status == 304


def test_open_operations_demand_nothing_and_the_others_say_what() -> None:
    """Reading warnings needs no token; a phone's own subscription needs its own."""
    paths = AnswerCheck(OPERATIONS).document["paths"]
    assert paths["/api/v1/alerts"]["get"]["security"] == []
    assert paths["/api/v1/push/subscriptions/{id}"]["delete"]["security"] == [{"subscription": []}]


def test_every_schema_is_valid_and_every_reference_resolves() -> None:
    """Each component compiles as JSON Schema 2020-12 together with the others."""
    components = AnswerCheck(OPERATIONS).document["components"]
    for name in components["schemas"]:
        jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def test_a_field_that_may_be_left_out_is_not_required() -> None:
    """Links to a course and to CAP are there only where there is one; all other fields always are."""
    schemas = AnswerCheck(OPERATIONS).document["components"]["schemas"]
    assert schemas["AlertLinks"]["required"] == ["self", "page"]
    assert set(schemas["Alert"]["required"]) == set(schemas["Alert"]["properties"])


async def test_every_kind_of_warning_is_as_described(client: Client, parts: Phone) -> None:
    """In force, each ending, an exercise, and one of which little is known; the check of the client compares."""
    bare = replace(warning(NOW), identifier="", event_code="", areas=(), history=(), onset=NOW)
    ended = [warning(NOW, ending=ending) for ending in Ending if ending is not Ending.ENDED]
    parts.situation.show([warning(NOW), bare, warning(NOW, occasion=Occasion.UEBUNG)], ended)
    answer = await client.get("/api/v1/alerts?exercise=true")
    listed = await answer.json()
    assert (len(listed["alerts"]), len(listed["ended"])) == (3, len(ended))
    assert "cap" not in listed["alerts"][1]["links"]


def test_the_check_notices_what_is_not_described() -> None:
    """Status, header, media type, body and fields: were one difference not found, the checks here would say nothing."""
    held = AnswerCheck(OPERATIONS)
    etag = {"ETag": '"1"'}
    answers = {
        "status 418": web.Response(status=418),
        "headers missing": web.json_response({"city": "Siegen", "places": []}),
        "content type text/plain": web.Response(text="Siegen", headers=etag),
        "a body": web.Response(status=304, body=b"x", headers=etag),
        "required": web.json_response({"city": "Siegen"}, headers=etag),
    }
    for expected, answer in answers.items():
        assert expected in held.violation("get", "/api/v1/places", answer)
    assert not held.violation("get", "/api/v1/places", web.json_response({"city": "", "places": []}, headers=etag))


async def test_a_method_that_is_not_there_is_refused_with_those_that_are(client: Client) -> None:
    """405 with Allow (RFC 9110, 15.5.6), as problem+json."""
    answer = await client.delete("/api/v1/places")
    assert (answer.status, answer.content_type) == (405, "application/problem+json")
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}
