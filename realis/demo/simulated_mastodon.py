"""Plays Mastodon's statuses API for the demo: post, edit, read, history, and what the instance allows.

It must not be friendlier than the real server: no token is 401, too many characters 422, an unknown status 404,
and one ``Idempotency-Key`` makes one status.
"""

from __future__ import annotations

import html
from collections import OrderedDict
from collections.abc import Mapping

import regex
from aiohttp import web

from realis.demo.simulator_page import MAX_POSTS, Post, Run, Simulator, SimulatorPages, parameters

MAX_LENGTH = 500
URL_LENGTH = 23
_URL = regex.compile(r"https?://\S+")
_GRAPHEME = regex.compile(r"\X")


class SimulatedMastodon(Simulator):
    """Plays the statuses API: post, edit, read, history, and what the instance allows."""

    face = SimulatorPages("Nachgestelltes Mastodon-Konto (Demo)", "Mastodon", "mastodon", "@stadtwarnungen")

    def routes(self, app: web.Application) -> None:
        """The endpoints under ``/api``."""
        self._keys: OrderedDict[str, int] = OrderedDict()
        app.router.add_get("/api/v1/instance", self._instance)
        app.router.add_get("/api/v2/instance", self._instance)
        app.router.add_post("/api/v1/statuses", self._post)
        app.router.add_put("/api/v1/statuses/{id}", self._put)
        app.router.add_get("/api/v1/statuses/{id}", self._get)
        app.router.add_get("/api/v1/statuses/{id}/history", self._history)

    async def _instance(self, _request: web.Request) -> web.Response:
        limits = {"max_characters": MAX_LENGTH, "characters_reserved_per_url": URL_LENGTH}
        return web.json_response({"title": self.face.title, "configuration": {"statuses": limits}})

    async def _post(self, request: web.Request) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        known = self.board.find(self._keys.get(key, 0)) if key else None
        if known is not None and _authorized(request):
            return self._status(known)
        sent = await parameters(request)
        if refused := _refusal(request, sent):
            return refused
        reply = str(sent.get("in_reply_to_id", ""))
        if reply and (not reply.isdecimal() or self.board.find(int(reply)) is None):
            return _error(404, "Record not found")
        language = str(sent.get("language", "")) or "de"
        post = self.board.add((Run(str(sent["status"])),), language=language, reply_to=int(reply) if reply else None)
        if key:
            self._keys[key] = post.id
            if len(self._keys) > MAX_POSTS:
                self._keys.popitem(last=False)
        return self._status(post)

    async def _put(self, request: web.Request) -> web.Response:
        sent = await parameters(request)
        if refused := _refusal(request, sent):
            return refused
        post = self._found(request)
        if post is None:
            return _error(404, "Record not found")
        runs = (Run(str(sent["status"])),)
        return self._status(post if runs == post.versions[-1].runs else self.board.edit(post, runs))

    async def _get(self, request: web.Request) -> web.Response:
        post = self._found(request)
        return _error(404, "Record not found") if post is None else self._status(post)

    async def _history(self, request: web.Request) -> web.Response:
        post = self._found(request)
        if post is None:
            return _error(404, "Record not found")
        return web.json_response(
            [{"created_at": v.at.isoformat(), "content": _paragraph(v.text)} for v in post.versions]
        )

    def _found(self, request: web.Request) -> Post | None:
        post_id = request.match_info["id"]
        return self.board.find(int(post_id)) if post_id.isdecimal() else None

    def _status(self, post: Post) -> web.Response:
        return web.json_response(
            {
                "id": str(post.id),
                "created_at": post.versions[0].at.isoformat(),
                "edited_at": post.versions[-1].at.isoformat() if post.edited else None,
                "in_reply_to_id": str(post.reply_to) if post.reply_to else None,
                "language": post.language,
                "visibility": "public",
                "url": f"{self.page_url}#post-{post.id}",
                "content": _paragraph(post.text),
            }
        )


def _authorized(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


def _refusal(request: web.Request, sent: Mapping[str, object]) -> web.Response | None:
    if not _authorized(request):
        return _error(401, "The access token is invalid")
    text = str(sent.get("status", ""))
    if not text.strip():
        return _error(422, "Validation failed: Text can't be blank")
    if length(text) > MAX_LENGTH:
        return _error(422, f"Validation failed: Text character limit of {MAX_LENGTH} exceeded")
    return None


def length(text: str) -> int:
    """Graphemes, every link counting 23, as Mastodon counts."""
    return sum(1 for _ in _GRAPHEME.finditer(_URL.sub("x" * URL_LENGTH, text)))


def _paragraph(text: str) -> str:
    return "<p>" + html.escape(text).replace("\n", "<br />") + "</p>"


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
