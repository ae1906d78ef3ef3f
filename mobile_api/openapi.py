"""Describes the citizens' API and serves the description of all of ``/api/v1`` as an OpenAPI 3.1 document."""

from __future__ import annotations

from aiohttp import web

from mobile_api.api import AS_OF
from mobile_api.deps import Deps
from mobile_api.responses import CachedResponse
from mobile_api.schemas import (
    Alert,
    Course,
    Courses,
    OpenApiDocument,
    Places,
    PushKey,
    Situation,
    Subscription,
    SubscriptionCreated,
)
from mobile_api.subscriptions import Change, NewSubscription
from realis.web.openapi import Body, Operation, Parameter, Reply, document

PATH = "/api/v1/openapi.json"
SUBSCRIPTION = "/api/v1/push/subscriptions/{id}"
_HOLDER = "subscription"

_EXERCISE = Parameter("exercise", "query", "`true` adds exercises (Übungen), which are for those who joined")
_LANGUAGE = Parameter("lang", "query", "BCP 47 tag; else what Accept-Language asks for")
_INCIDENT = Parameter("incident", "path", "the incident's id", {"type": "string", "format": "uuid"})
_SLUG = Parameter("slug", "path", "the course's name in addresses", {"type": "string", "minLength": 1})
_ID = Parameter("id", "path", "the subscription's id", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1})

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/alerts",
        name="alerts",
        summary="What is in force, and what ended in the last 24 hours",
        parameters=(_EXERCISE,),
        replies={200: Reply("The situation.", Situation, {AS_OF: "when the situation was read, ISO 8601"})},
        cached=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/alerts/{incident}",
        name="alert",
        summary="One incident's latest state, in force or ended",
        parameters=(_INCIDENT, _EXERCISE),
        replies={200: Reply("The warning.", Alert)},
        problems=(404,),
        cached=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/places",
        name="places",
        summary="The parts of the city one can subscribe to",
        replies={200: Reply("The places.", Places)},
        cached=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/courses",
        name="courses",
        summary="All courses in the reader's language",
        parameters=(_LANGUAGE,),
        replies={200: Reply("The courses.", Courses)},
        cached=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/courses/{slug}",
        name="course",
        summary="One course with cards and quiz",
        parameters=(_SLUG, _LANGUAGE),
        replies={200: Reply("The course.", Course)},
        problems=(404,),
        cached=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/push/key",
        name="push_key",
        summary="The key for pushManager.subscribe()",
        replies={200: Reply("The key.", PushKey)},
    ),
    Operation(
        method="POST",
        path="/api/v1/push/subscriptions",
        name="subscribe",
        summary="Subscribe a phone; the same endpoint again updates its subscription",
        body=Body(NewSubscription),
        replies={201: Reply("Stored. The same endpoint always gets the same id and token.", SubscriptionCreated)},
        problems=(413, 422),
    ),
    Operation(
        method="GET",
        path=SUBSCRIPTION,
        name="subscription",
        summary="Everything that is held of a subscription, but for its address",
        parameters=(_ID,),
        replies={200: Reply("The subscription.", Subscription)},
        problems=(401, 404),
        bearer=_HOLDER,
    ),
    Operation(
        method="PATCH",
        path=SUBSCRIPTION,
        name="change_subscription",
        summary="Change language, places or exercises; what is not named stays",
        parameters=(_ID,),
        body=Body(Change),
        replies={200: Reply("The subscription as it is now.", Subscription)},
        problems=(401, 404, 413, 422),
        bearer=_HOLDER,
    ),
    Operation(
        method="DELETE",
        path=SUBSCRIPTION,
        name="unsubscribe",
        summary="Delete address, language and places for good",
        parameters=(_ID,),
        replies={204: Reply("Nothing of it is left.")},
        problems=(401, 404),
        bearer=_HOLDER,
    ),
    Operation(
        method="GET",
        path=PATH,
        name="openapi",
        summary="This document",
        replies={200: Reply("OpenAPI 3.1.", OpenApiDocument)},
        cached=True,
    ),
)
"""Every route of this package under ``/api/v1``; a test holds both together."""


class OpenApi:
    """Serves the document, made once."""

    def __init__(self, deps: Deps) -> None:
        operations = (*OPERATIONS, *deps.other_operations)
        self._answer = CachedResponse.of(document(f"REALIS {deps.city.name}", operations))

    def add_routes(self, app: web.Application) -> None:
        """Put the handler on its path."""
        app.router.add_get(PATH, self.document)

    async def document(self, request: web.Request) -> web.Response:
        """The description of all of ``/api/v1``."""
        return self._answer.to(request)
