"""Push subscriptions of phones: stored, changed, shown and deleted by whoever holds the bearer token.

The token is a keyed hash of the subscription's fingerprint, so nothing more needs to be stored for it. It keeps no
address and sends nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from mobile_api.deps import COOKIE_S, EXERCISE_COOKIE, PUSH_CHANNEL, Deps
from mobile_api.responses import body_as
from mobile_api.schemas import Json, PushKey, Subscription, SubscriptionCreated
from realis.model.area import Area, Circle, cells
from realis.model.errors import InvalidInput, NotAuthenticated, NotFound
from realis.ports.installation import Place
from realis.ports.targets import NewTarget, TargetRecord

log = structlog.get_logger(__name__)

MAX_ENDPOINT = 2048
MAX_PLACES = 100
_MAX_KEY = 200

PlaceId = Annotated[str, Field(min_length=1, max_length=80)]


class SubscriptionKeys(BaseModel):
    """The browser's public key and secret, base64url (RFC 8291)."""

    model_config = ConfigDict(extra="forbid")

    p256dh: Annotated[str, Field(min_length=1, max_length=_MAX_KEY)]
    auth: Annotated[str, Field(min_length=1, max_length=_MAX_KEY)]


class BrowserSubscription(BaseModel):
    """What the browser gave the phone: where and how to reach it."""

    model_config = ConfigDict(extra="forbid")

    endpoint: Annotated[str, Field(min_length=1, max_length=MAX_ENDPOINT)]
    keys: SubscriptionKeys

    def identity(self) -> Mapping[str, object]:
        """Endpoint and keys only, as the channel checks them."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": self.keys.p256dh, "auth": self.keys.auth}}


class NewSubscription(BrowserSubscription):
    """A phone that wants to be warned."""

    language: Annotated[str, Field(min_length=1, max_length=20)]
    places: Annotated[list[PlaceId], Field(max_length=MAX_PLACES)] = []
    everywhere: bool = False
    joined: bool = False


class Change(BrowserSubscription):
    """What shall be different. Endpoint and keys come along, because the stored address is never read back here."""

    language: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    places: Annotated[list[PlaceId], Field(max_length=MAX_PLACES)] | None = None
    everywhere: bool | None = None
    joined: bool | None = None


class Subscriptions:
    """The handlers under ``/api/v1/push``."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._cells = {place.id: _cells_of(place) for place in deps.city.places}

    def add_routes(self, app: web.Application) -> None:
        """Put the handlers on their paths."""
        one = "/api/v1/push/subscriptions/{id:[0-9]{1,18}}"
        app.router.add_get("/api/v1/push/key", self.key)
        app.router.add_post("/api/v1/push/subscriptions", self.create)
        app.router.add_get(one, self.read)
        app.router.add_patch(one, self.change)
        app.router.add_delete(one, self.delete)

    async def key(self, _request: web.Request) -> web.Response:
        """The application server's public key (RFC 8292)."""
        key = PushKey(public_key=self._deps.vapid_public_key)
        return web.json_response(key.as_json(), headers={"Cache-Control": "no-cache"})

    async def create(self, request: web.Request) -> web.Response:
        """201 with id and token; the same endpoint again updates what is stored and gets the same answer."""
        wanted = await body_as(NewSubscription, request)
        address, origin = self._deps.parse_subscription(wanted.identity())
        fingerprint = self._deps.keyed_hash(wanted.endpoint)
        places = self._chosen(wanted.places, everywhere=wanted.everywhere)
        target_id = await self._deps.targets.put(
            NewTarget(
                channel=PUSH_CHANNEL,
                address=address,
                fingerprint=fingerprint,
                language=self._known_language(wanted.language),
                origin=origin,
                places=places,
                everywhere=wanted.everywhere,
                joined=wanted.joined or self._deps.city.demo,
            )
        )
        await self._deps.targets.seen(target_id, self._deps.clock.now())
        log.info("push_subscribed", target_id=target_id, places=len(wanted.places), everywhere=wanted.everywhere)
        made = SubscriptionCreated(id=target_id, token=self._token(fingerprint))
        response = web.json_response(made.as_json(), status=201, headers=_PRIVATE)
        if wanted.joined:  # the pages then show the exercises this phone will hear of
            response.set_cookie(EXERCISE_COOKIE, "1", max_age=COOKIE_S, samesite="Lax", secure=request.secure, path="/")
        return response

    async def read(self, request: web.Request) -> web.Response:
        """Everything we hold of this subscription, but for the address, which the phone itself knows."""
        record, _ = await self._mine(request)
        return web.json_response(_record_json(record), headers=_PRIVATE)

    async def change(self, request: web.Request) -> web.Response:
        """Change language, places or exercises; what is not named stays."""
        record, fingerprint = await self._mine(request)
        wanted = await body_as(Change, request)
        if not hmac.compare_digest(self._deps.keyed_hash(wanted.endpoint), fingerprint):
            raise InvalidInput("endpoint-of-another", where="endpoint")
        address, origin = self._deps.parse_subscription(wanted.identity())
        everywhere, places = self._changed_places(wanted, record)
        joined = record.joined if wanted.joined is None else wanted.joined
        await self._deps.targets.put(
            NewTarget(
                channel=PUSH_CHANNEL,
                address=address,
                fingerprint=fingerprint,
                language=self._known_language(wanted.language or record.language),
                origin=origin,
                places=places,
                everywhere=everywhere,
                joined=joined or self._deps.city.demo,
            )
        )
        found = await self._deps.targets.find(PUSH_CHANNEL, fingerprint)
        return web.json_response(_record_json(found or record), headers=_PRIVATE)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete address, language and places for good. Deleting again is no error worth a phone's retry."""
        record, _ = await self._mine(request)
        await self._deps.targets.remove(record.id)
        log.info("push_unsubscribed", target_id=record.id)
        return web.Response(status=204)

    def _token(self, fingerprint: str) -> str:
        return f"{fingerprint}.{self._deps.keyed_hash(f'push-subscription:{fingerprint}')}"

    async def _mine(self, request: web.Request) -> tuple[TargetRecord, str]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        fingerprint = token.strip().partition(".")[0]
        genuine = hmac.compare_digest(token.strip().encode(), self._token(fingerprint).encode())
        if scheme.lower() != "bearer" or not fingerprint or not genuine:
            raise NotAuthenticated("subscription-key-wrong")
        record = await self._deps.targets.find(PUSH_CHANNEL, fingerprint)
        if record is None or record.id != int(request.match_info["id"]):
            raise NotFound("subscription-not-found")
        return record, fingerprint

    def _known_language(self, language: str) -> str:
        if language not in self._deps.city.languages:
            offered = ", ".join(self._deps.city.languages)
            raise InvalidInput("language-not-offered", where="language", offered=offered)
        return language

    def _changed_places(self, wanted: Change, record: TargetRecord) -> tuple[bool, frozenset[str]]:
        if wanted.places is None and wanted.everywhere is None:
            return record.everywhere, record.places
        everywhere = bool(wanted.everywhere)
        if wanted.places is None and not everywhere and record.places:
            return False, record.places
        return everywhere, self._chosen(wanted.places or [], everywhere=everywhere)

    def _chosen(self, places: list[str], *, everywhere: bool) -> frozenset[str]:
        if everywhere:
            return frozenset()
        unknown = next((place for place in places if place not in self._cells), None)
        if unknown is not None:
            raise InvalidInput("place-unknown", where="places", place=unknown)
        if not places:
            raise InvalidInput("places-missing", where="places")
        return frozenset[str]().union(*(self._cells[place] for place in places))


_PRIVATE = {"Cache-Control": "no-store"}


def _cells_of(place: Place) -> frozenset[str]:
    return cells([Area(place.name, circles=(Circle(place.lat, place.lon, place.radius_km),))])


def _record_json(record: TargetRecord) -> Json:
    return Subscription(
        id=record.id,
        language=record.language,
        everywhere=record.everywhere,
        cells=tuple(sorted(record.places)),
        joined=record.joined,
    ).as_json()
