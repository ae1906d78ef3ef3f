"""Who is at this browser: server-side sessions in a strict cookie, and proof that a form is our own.

Only the SHA-256 of a token is stored. Nothing here knows what a session is used for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from realis.model.errors import NotAllowed
from realis.ports.accounts import SessionRecord, Sessions, User
from realis.ports.clock import Clock

LIFETIME = timedelta(hours=12)
"""Absolute: one shift. Using the console does not lengthen it."""

CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
_TOKEN_BYTES = 32
_MAX_TOKEN = 100


def hash_bearer_token(token: str) -> str:
    """SHA-256 of a session's or bearer token in hex: the only form in which it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """An unguessable token of 256 bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class SessionManager:
    """Opens, finds and closes the sessions behind the cookie.

    Args:
        https: True puts ``__Host-`` and Secure on the cookie; False is for localhost only.
    """

    sessions: Sessions
    clock: Clock
    https: bool

    @property
    def cookie(self) -> str:
        """The cookie's name; ``__Host-`` pins it to this very host (RFC 6265bis, 4.1.3)."""
        return "__Host-session" if self.https else "session"

    async def find(self, request: web.Request) -> SessionRecord | None:
        """The session this request belongs to, or None."""
        token = self._token(request)
        return await self.sessions.get(hash_bearer_token(token), self.clock.now()) if token else None

    async def open(self, request: web.Request, response: web.StreamResponse, user: User) -> None:
        """Start a session for the user; whatever session the browser had before ends."""
        await self._end(request)
        token = new_token()
        now = self.clock.now()
        await self.sessions.create(
            hash_bearer_token(token), user.id, csrf=new_token(), now=now, expires_at=now + LIFETIME
        )
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=self.https,
            httponly=True,
            samesite="Strict",
        )

    async def close(self, request: web.Request, response: web.StreamResponse) -> None:
        """End the session, here and in the browser."""
        await self._end(request)
        response.del_cookie(self.cookie, path="/", secure=self.https, httponly=True, samesite="Strict")

    async def _end(self, request: web.Request) -> None:
        token = self._token(request)
        if token:
            await self.sessions.delete(hash_bearer_token(token))

    def _token(self, request: web.Request) -> str:
        token = request.cookies.get(self.cookie, "")
        return token if len(token) <= _MAX_TOKEN else ""


def check_origin(request: web.Request) -> None:
    """Raise ``NotAllowed`` if a browser says another site sent this request.

    Sec-Fetch-Site decides where there is one (W3C Fetch Metadata); else Origin must name our own host.
    Programs that are not browsers send neither, and cannot be tricked into sending somebody's cookie.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        origin = request.headers.get("Origin")
        own = origin is None or urlsplit(origin).netloc == request.host
    if not own:
        raise NotAllowed("foreign-origin", where="origin")


def check_csrf(request: web.Request, session: SessionRecord, *, field: str = "") -> None:
    """Raise ``NotAllowed`` unless the form or the header carries this session's token."""
    sent = request.headers.get(CSRF_HEADER, "") or field
    if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise NotAllowed("form-expired", where=CSRF_FIELD)
