"""What a screen may say, how it is refused, and which state is newer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from displays.protocol import (
    MAX_MESSAGE_BYTES,
    CloseCode,
    Have,
    Hello,
    Mark,
    Ping,
    ProtocolError,
    Session,
    Shown,
    bye,
    instant,
    parse,
    pong,
    state,
    supersedes,
)

INCIDENT = UUID("01930000-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
HELLO = {"type": "hello", "proto": 1, "token": "secret-token", "have": None}


def said(**fields: object) -> str:
    """A message as a screen sends it."""
    return json.dumps(fields)


def test_hello_with_what_the_screen_still_holds() -> None:
    """A screen says its token, and which version and incident it still shows."""
    have = {"version": 7, "incident": str(INCIDENT)}
    assert parse(said(**{**HELLO, "have": have})) == Hello("secret-token", Have(7, INCIDENT))


def test_a_token_never_shows_in_repr() -> None:
    """What is logged about a hello cannot contain its token."""
    assert "secret-token" not in repr(parse(said(**HELLO)))


def test_shown_in_any_zone_becomes_utc() -> None:
    """The time a screen painted is compared as an instant."""
    message = said(type="shown", incident=str(INCIDENT), revision=2, at="2026-11-03T11:00:00.000+01:00")
    assert parse(message) == Shown(INCIDENT, 2, NOW)


def test_ping_comes_back_with_its_number_and_the_time() -> None:
    """The page measures its clock by the answer to its ping."""
    assert json.loads(pong(Ping(3), NOW)) == {"type": "pong", "id": 3, "server_time": "2026-11-03T10:00:00.000Z"}


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("no json", ""),
        ("[]", ""),
        ("[" * 1500, ""),
        (said(type="dance"), "type"),
        (said(type="ping"), "id"),
        (said(type="ping", id=True), "id"),
        (said(type="ping", id=-1), "id"),
        (said(type="ping", id=2**60), "id"),
        (said(**{**HELLO, "proto": 2}), "proto"),
        (said(type="hello", proto=2, ticket="of another form"), "proto"),
        (said(type="hello", token="t"), "proto"),
        (said(type=["hello"]), "type"),
        ('{"type": "ping", "id": 1, "more": NaN}', ""),
        (said(**{**HELLO, "token": ""}), "token"),
        (said(**{**HELLO, "token": "x" * 201}), "token"),
        (said(**{**HELLO, "have": 3}), "have"),
        (said(**{**HELLO, "have": {"version": "7"}}), "version"),
        (said(**{**HELLO, "have": {"version": 7, "incident": "x"}}), "incident"),
        (said(type="shown", incident="x" * 36, revision=1, at=instant(NOW)), "incident"),
        (said(type="shown", incident=str(INCIDENT), revision=0, at=instant(NOW)), "revision"),
        (said(type="shown", incident=str(INCIDENT), revision=1, at="2026-11-03T10:00:00"), "at"),
        (said(type="shown", incident=str(INCIDENT), revision=1, at="0001-01-01T00:00:00+14:00"), "at"),
        (said(type="shown", incident=str(INCIDENT), revision=1, at="yesterday"), "at"),
        (said(**{**HELLO, "extra": "x" * MAX_MESSAGE_BYTES}), ""),
    ],
)
def test_bad_messages_are_refused_by_field(message: str, where: str) -> None:
    """Whatever is wrong, the answer is a protocol error that names the field and closes with 4400."""
    with pytest.raises(ProtocolError) as refused:
        parse(message)
    assert refused.value.where == where
    assert refused.value.close is CloseCode.BAD_MESSAGE


def test_a_hello_comes_first_and_once() -> None:
    """Nothing is heard before the hello, and no second hello after it."""
    session = Session()
    with pytest.raises(ProtocolError, match="hello"):
        session.receive(said(type="ping", id=1))
    assert isinstance(session.receive(said(**HELLO)), Hello)
    assert session.receive(said(type="ping", id=1)) == Ping(1)
    with pytest.raises(ProtocolError, match="hello"):
        session.receive(said(**HELLO))


def test_binary_frames_are_refused() -> None:
    """Only text frames are part of the protocol."""
    with pytest.raises(ProtocolError, match="text"):
        Session().receive(b"{}")


def test_what_the_gateway_says_is_json() -> None:
    """State and goodbye are JSON objects a page can read."""
    assert json.loads(state(("a.b.c",))) == {"type": "state", "frames": ["a.b.c"]}
    assert json.loads(bye(CloseCode.REVOKED, "ä"))["code"] == 4410


@pytest.mark.parametrize(
    ("new", "old", "taken"),
    [
        (Mark(1, NOW), None, True),
        (Mark(2, NOW), Mark(1, NOW), True),
        (Mark(1, NOW), Mark(2, NOW - timedelta(minutes=9)), False),
        (Mark(1, NOW), Mark(2, NOW - timedelta(minutes=10)), True),
        (Mark(2, NOW), Mark(1, NOW + timedelta(minutes=10)), False),
        (Mark(1, NOW), Mark(1, NOW), True),
        (Mark(1, NOW), Mark(1, NOW + timedelta(seconds=1)), False),
        (Mark(3, NOW, INCIDENT, 1), Mark(2, NOW, INCIDENT, 2), False),
        (Mark(3, NOW, INCIDENT, 3), Mark(2, NOW, INCIDENT, 2), True),
    ],
)
def test_newest_state_wins(new: Mark, old: Mark | None, *, taken: bool) -> None:
    """A higher version or a later read wins, and a much later read also after the store was put back; an older
    revision of the same incident never does."""
    assert supersedes(new, old) is taken
