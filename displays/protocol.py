"""The protocol between screen and gateway as data: parsing, serialisation, bounds and order.

Sans I/O: no sockets, no asyncio, no clock. A screen sends ``hello``, ``shown`` and ``ping``; the gateway sends
``welcome``, ``state`` (signed frames), ``pong`` and ``bye``. Every message is one JSON object in a text frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, MsgspecError, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import FieldInfo

from realis.model.errors import SentenceError

PROTO = 1
MAX_MESSAGE_BYTES = 2048
"""Bytes of one message of a screen at most; the socket refuses longer ones before they are read."""

MAX_TOKEN_CHARS = 200
MAX_REVISION = 1_000_000
MAX_VERSION = 2**53 - 1
"""JSON numbers above this are not exact in a browser (RFC 8259, 6)."""


class CloseCode(IntEnum):
    """Why the gateway ended a connection (RFC 6455, 7.4.2: 4000 and up are an application's own)."""

    BAD_MESSAGE = 4400
    WRONG_TOKEN = 4401
    TOO_SLOW = 4408
    REPLACED = 4409
    REVOKED = 4410
    TOO_MANY = 4429


class ProtocolError(SentenceError):
    """A screen's message violates the protocol; in English, for developers of screens."""

    kind = "display-protocol"

    def __init__(self, message: str, *, where: str = "", close: CloseCode = CloseCode.BAD_MESSAGE) -> None:
        super().__init__(message, where=where)
        self.close = close


Proto = Annotated[int, Meta(ge=0, le=1000)]
Version = Annotated[int, Meta(ge=0, le=MAX_VERSION)]
Revision = Annotated[int, Meta(ge=1, le=MAX_REVISION)]
Instant = Annotated[datetime, Meta(tz=True)]


class Have(Struct, frozen=True):
    """The state a screen still has from before: the version, and the incident it shows, if any."""

    version: Version
    incident: UUID | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of a screen. The token never appears in ``repr``, so that it is never logged."""

    token: str
    have: Have | None = None

    def __repr__(self) -> str:
        return f"Hello(have={self.have!r})"


class Shown(Struct, frozen=True, tag="shown"):
    """The screen has shown this revision; ``at`` by its own corrected clock."""

    incident: UUID
    revision: Revision
    at: Instant


class Ping(Struct, frozen=True, tag="ping"):
    """A heartbeat of the page itself; ``id`` is returned in the pong."""

    id: Version


ClientMessage = Hello | Shown | Ping


class _Hello(Struct, frozen=True, tag="hello"):
    """A hello as encoded, with its protocol version."""

    proto: Proto
    token: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN_CHARS)]
    have: Have | None = None

    def __repr__(self) -> str:
        return f"_Hello(proto={self.proto})"


class Session:
    """The order of one connection's messages: one hello first, then anything but a hello."""

    __slots__ = ("_greeted",)

    def __init__(self) -> None:
        self._greeted = False

    def receive(self, message: str | bytes) -> ClientMessage:
        """Return the message as data. Raises ``ProtocolError`` naming the fault."""
        if isinstance(message, bytes):
            raise ProtocolError("Only text frames are understood.")
        parsed = parse(message)
        if isinstance(parsed, Hello) is self._greeted:
            raise ProtocolError("Exactly one hello must come, and first.", where="type")
        self._greeted = True
        return parsed


def parse(message: str) -> ClientMessage:
    """Return one message of a screen as data. Raises ``ProtocolError`` naming the field that is wrong."""
    data = message.encode("utf-8", "surrogatepass")
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"A message has at most {MAX_MESSAGE_BYTES} bytes.")
    try:
        parsed = _DECODER.decode(data)
    except ValidationError as invalid:
        raise _reason(data) from invalid
    except (MsgspecError, ValueError, RecursionError) as broken:
        raise ProtocolError("The message is not JSON.") from broken
    if isinstance(parsed, _Hello):
        return _greeting(parsed)
    return _in_utc(parsed) if isinstance(parsed, Shown) else parsed


def _greeting(hello: _Hello) -> Hello:
    if hello.proto != PROTO:
        raise _other_protocol()
    return Hello(hello.token, hello.have)


def _other_protocol() -> ProtocolError:
    return ProtocolError(f"This gateway speaks protocol {PROTO} only; reload the page.", where="proto")


def _in_utc(shown: Shown) -> Shown:
    try:
        return msgspec.structs.replace(shown, at=shown.at.astimezone(UTC))
    except OverflowError as beyond:  # within a day of the first or last one there is
        raise ProtocolError(_REASONS["at"], where="at") from beyond


_DECODER: Decoder[_Hello | Shown | Ping] = Decoder(_Hello | Shown | Ping)
_KINDS: Mapping[object, type[Struct]] = {"hello": _Hello, "shown": Shown, "ping": Ping}
_REASONS: Mapping[str, str] = {
    "proto": "proto must be a whole number from 0 to 1000.",
    "token": f"The token must be a text of 1 to {MAX_TOKEN_CHARS} characters.",
    "have": "have must be null or an object.",
    "version": f"version must be a whole number from 0 to {MAX_VERSION}.",
    "incident": "incident must be a UUID.",
    "revision": f"revision must be a whole number from 1 to {MAX_REVISION}.",
    "at": "at must be a time with its zone (RFC 3339).",
    "id": f"id must be a whole number from 0 to {MAX_VERSION}.",
}


def _reason(data: bytes) -> ProtocolError:
    """Return the error naming the wrong field. The decoder names it in a sentence only, so each is tried alone."""
    try:
        message = msgspec.json.decode(data)
    except (MsgspecError, ValueError, RecursionError):
        return ProtocolError("The message is not JSON.")
    if not isinstance(message, dict):
        return ProtocolError("The message is not a JSON object.")
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        return ProtocolError("The type must be hello, shown or ping.", where="type")
    where = _wrong_field(_KINDS[kind], message)
    if kind == "hello" and where != "proto" and message["proto"] != PROTO:
        return _other_protocol()  # the rest of its hello may have another form
    return ProtocolError(_REASONS.get(where, "The message is not in the protocol."), where=where)


def _wrong_field(kind: type[Struct], fields: Mapping[str, object]) -> str:
    """Return the first field, in the order of declaration, that is missing or not of its type; empty if none is."""
    for field in msgspec.structs.fields(kind):
        value = fields.get(field.name)
        if value is None and not field.required:
            continue
        if field.name == "have" and isinstance(value, dict):
            nested = _wrong_field(Have, value)
            if nested:
                return nested
        elif not _fits(field, value):
            return field.name
    return ""


def _fits(field: FieldInfo, value: object) -> bool:
    try:
        msgspec.convert(value, field.type)
    except MsgspecError:
        return False
    return True


# ---------------------------------------------------------------- which state is newer


PUT_BACK_AFTER = timedelta(minutes=10)
"""Reads further apart than this are ordered by time alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The order of a state: the store's version, when it was read, and the incident it shows."""

    version: int
    as_of: datetime
    incident: UUID | None = None
    revision: int = 0


def supersedes(new: Mark, old: Mark | None) -> bool:
    """Whether a screen replaces ``old`` by ``new``: the newest state wins, an older one is refused (promise 3).

    A store restored from a backup counts from lower versions again: of two reads far apart the later one wins.
    ``as_of`` is signed, so a replayed old frame gains nothing by that. The same rule in JavaScript is
    ``static/display/order.js``; a browser test compares both.
    """
    if old is None:
        return True
    if new.incident is not None and new.incident == old.incident and new.revision < old.revision:
        return False
    if abs(new.as_of - old.as_of) >= PUT_BACK_AFTER:
        return new.as_of > old.as_of
    return (new.version, new.as_of) >= (old.version, old.as_of)


# ---------------------------------------------------------------- messages of the gateway


def instant(when: datetime) -> str:
    """Return a time in the protocol's form: RFC 3339, UTC, milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact(data: Mapping[str, object]) -> str:
    """Return compact JSON, without white space."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def welcome(screen: str, *, now: datetime, heartbeat_s: float, idle: Mapping[str, object]) -> str:
    """Return the answer to hello: the name of the screen's audience, the gateway's time, and the idle content."""
    return compact(
        {
            "type": "welcome",
            "proto": PROTO,
            "screen": screen,
            "server_time": instant(now),
            "heartbeat_s": heartbeat_s,
            "idle": idle,
        }
    )


def state(frames: tuple[str, ...]) -> str:
    """Signed frames that belong together: one per language, or a single clear or current frame."""
    return compact({"type": "state", "frames": list(frames)})


def pong(ping: Ping, now: datetime) -> str:
    """The answer to a ping, with the gateway's time for the screen's clock."""
    return compact({"type": "pong", "id": ping.id, "server_time": instant(now)})


def bye(code: CloseCode, reason: str) -> str:
    """Return the message sent before the gateway closes, so that the screen can show the reason."""
    return compact({"type": "bye", "code": int(code), "reason": reason})
