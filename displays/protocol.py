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
from uuid import UUID

from realis.model.errors import InvalidInput

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


class ProtocolError(InvalidInput):
    """A screen's message violates the protocol."""

    code = "display-protocol"

    def __init__(self, message: str, *, where: str = "", close: CloseCode = CloseCode.BAD_MESSAGE) -> None:
        super().__init__(message, where=where)
        self.close = close


@dataclass(frozen=True, slots=True)
class Have:
    """The state a screen still has from before: the version, and the incident it shows, if any."""

    version: int
    incident: UUID | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of a screen. The token never appears in ``repr``, so that it is never logged."""

    token: str
    have: Have | None = None

    def __repr__(self) -> str:
        return f"Hello(have={self.have!r})"


@dataclass(frozen=True, slots=True)
class Shown:
    """The screen has shown this revision; ``at`` by its own corrected clock."""

    incident: UUID
    revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Ping:
    """A heartbeat of the page itself; ``id`` is returned in the pong."""

    id: int


ClientMessage = Hello | Shown | Ping


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
    if len(message.encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"A message has at most {MAX_MESSAGE_BYTES} bytes.")
    try:
        data = json.loads(message)
    except (ValueError, RecursionError) as broken:
        raise ProtocolError("The message is not JSON.") from broken
    if not isinstance(data, dict):
        raise ProtocolError("The message is not a JSON object.")
    match data.get("type"):
        case "hello":
            return _hello(data)
        case "shown":
            return Shown(_uuid(data, "incident"), _integer(data, "revision", 1, MAX_REVISION), _time(data, "at"))
        case "ping":
            return Ping(_integer(data, "id", 0, MAX_VERSION))
        case _:
            raise ProtocolError("The type must be hello, shown or ping.", where="type")


def _hello(data: Mapping[str, object]) -> Hello:
    if _integer(data, "proto", 0, 1000) != PROTO:
        raise ProtocolError(f"This gateway speaks protocol {PROTO} only; reload the page.", where="proto")
    token = data.get("token")
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_CHARS:
        raise ProtocolError(f"The token must be a text of 1 to {MAX_TOKEN_CHARS} characters.", where="token")
    have = data.get("have")
    if have is None:
        return Hello(token)
    if not isinstance(have, dict):
        raise ProtocolError("have must be null or an object.", where="have")
    incident = None if have.get("incident") is None else _uuid(have, "incident")
    return Hello(token, Have(_integer(have, "version", 0, MAX_VERSION), incident))


def _integer(data: Mapping[str, object], field: str, low: int, high: int) -> int:
    value = data.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ProtocolError(f"{field} must be a whole number from {low} to {high}.", where=field)
    return value


def _uuid(data: Mapping[str, object], field: str) -> UUID:
    value = data.get(field)
    if isinstance(value, str) and len(value) == 36:
        try:
            return UUID(value)
        except ValueError:
            pass  # the same answer as for any other wrong value follows
    raise ProtocolError(f"{field} must be a UUID.", where=field)


def _time(data: Mapping[str, object], field: str) -> datetime:
    value = data.get(field)
    if isinstance(value, str) and len(value) <= 40:
        try:
            return _aware(datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            pass  # the same answer as for any other wrong value follows
    raise ProtocolError(f"{field} must be a time with its zone (RFC 3339).", where=field)


def _aware(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ValueError("no zone")
    return when.astimezone(UTC)


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
