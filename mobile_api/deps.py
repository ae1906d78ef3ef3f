"""What the citizens' pages and API need from outside, in one frozen bundle.

It holds no state of its own and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from realis.model.incident import Viewer
from realis.model.languages import LANGUAGE_NAMES
from realis.ports.clock import Clock
from realis.ports.content import CourseCatalogue, Phrases
from realis.ports.installation import City
from realis.ports.read_models import ActiveAlerts
from realis.ports.targets import Targets
from realis.web.openapi import Operation
from realis.web.pages import Pages, wanted_language

PUSH_CHANNEL = "webpush"
"""Name of the channel that phone subscriptions belong to."""

EXERCISE_COOKIE = "exercise"
COOKIE_S = 365 * 24 * 3600
TRUE_WORDS = frozenset({"true", "1", "on"})
FALSE_WORDS = frozenset({"false", "0", "off"})

ParseSubscription = Callable[[Mapping[str, object]], tuple[str, str]]
"""Checks a browser's subscription; its address as JSON and the push service's origin. Raises ``InvalidInput``."""


@dataclass(frozen=True, slots=True)
class Deps:
    """The ports and facts this face works with.

    Args:
        vapid_public_key: for ``pushManager.subscribe()``, base64url without padding.
        keyed_hash: HMAC with the key store's key. An endpoint's is its fingerprint, by which it is found again; a
            subscription's bearer token is made of the fingerprint's own.
        other_operations: what other packages serve under ``/api/v1``, for the API's description.
    """

    situation: ActiveAlerts
    targets: Targets
    courses: CourseCatalogue
    phrases: Phrases
    pages: Pages
    city: City
    clock: Clock
    vapid_public_key: str
    parse_subscription: ParseSubscription
    keyed_hash: Callable[[str], str]
    other_operations: tuple[Operation, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages a reader can choose, in the city's order."""
        return tuple(language for language in self.city.languages if language in LANGUAGE_NAMES)

    def language(self, request: web.Request) -> str:
        """The reader's language among the city's."""
        return wanted_language(request, self.languages)

    def viewer(self, request: web.Request) -> Viewer:
        """Who asks. In the demo everybody has joined; else ``?exercise=``, else the cookie of the pages."""
        asked = request.query.get("exercise", "").lower()
        if asked in TRUE_WORDS or self.city.demo:
            return Viewer(joined=True)
        remembered = request.cookies.get(EXERCISE_COOKIE, "") in TRUE_WORDS
        page = not request.path.startswith("/api/")
        return Viewer(joined=page and remembered and asked not in FALSE_WORDS)
