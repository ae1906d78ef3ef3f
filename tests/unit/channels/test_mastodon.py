"""How Mastodon's answers are read and statuses worded, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from pydantic import SecretStr

from channels.mastodon import SPEC, Config, classify, format_post
from realis.egress.client import Answer
from realis.model.delivery import FailureKind
from tests.fakes.channel_messages import rendered

DATE = "Tue, 03 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "17", "X-RateLimit-Reset": "2026-11-03T11:00:00Z", "Date": DATE}, 17.0),
        ({"Retry-After": "Tue, 03 Nov 2026 10:01:30 GMT", "Date": DATE}, 90.0),
        ({"X-RateLimit-Reset": "2026-11-03T10:02:00.000Z", "Date": DATE}, 120.0),
        ({"X-RateLimit-Reset": "1793700060", "Date": DATE}, 60.0),
        ({"X-RateLimit-Reset": "2026-11-03T09:00:00Z", "Date": DATE}, 0.0),
        ({"X-RateLimit-Reset": "2026-11-03T10:02:00Z"}, None),
        ({"X-RateLimit-Reset": "soon", "Date": DATE}, None),
        ({"X-RateLimit-Reset": "9" * 30, "Date": DATE}, None),
        ({"Retry-After": "whenever", "Date": "yesterday"}, None),
        ({"Retry-After": "Mon, 01 Jan 99999999999999 00:00:00 GMT", "Date": DATE}, None),
        ({}, None),
    ],
)
def test_wait_is_read_from_headers(headers: Mapping[str, str], wait_s: float | None) -> None:
    """Seconds, HTTP dates and reset instants are understood; instants only beside the server's own Date."""
    assert classify(Answer(429, headers)).retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.REJECTED),
        (401, FailureKind.AUTH),
        (403, FailureKind.AUTH),
        (404, FailureKind.REJECTED),
        (408, FailureKind.UNAVAILABLE),
        (413, FailureKind.TOO_LARGE),
        (422, FailureKind.REJECTED),
        (429, FailureKind.RATE_LIMITED),
        (503, FailureKind.UNAVAILABLE),
        (301, FailureKind.REJECTED),
    ],
)
def test_status_codes_are_classified(status: int, kind: FailureKind) -> None:
    """Outcomes follow from the status code alone."""
    assert classify(Answer(status, {}, b'{"error": "429 401 gone"}')).kind is kind


def test_words_are_the_rendered_ones() -> None:
    """A short text gets air between its paragraphs, and not a word more or less."""
    text = rendered()
    assert tuple(format_post(text).split("\n\n")) == text.paragraphs


def test_air_gives_way_to_the_limit() -> None:
    """A text that only fits with single line breaks is posted with them, its link counted as 23."""
    text = rendered()
    counted = len(text.text) - len(text.link) + 23
    full = replace(text, description="ü" * (500 - counted + len(text.description)))
    assert format_post(full) == full.text


@pytest.mark.parametrize(("base_url", "token"), [("", "x"), ("https://social.example", ""), (" ", "x"), ("x", " ")])
def test_half_of_the_credentials_is_none(base_url: str, token: str) -> None:
    """It is set up when instance and token are entered."""
    assert not Config(base_url=base_url, token=SecretStr(token)).complete
    assert Config(base_url="https://social.example", token=SecretStr("x")).complete


def test_it_reaches_its_instance_only() -> None:
    """The host of the setting, without port or path; none where nothing is set."""
    assert SPEC.hosts(Config(base_url="https://Social.example:8443/x")) == {"social.example"}
    assert SPEC.hosts(Config()) == frozenset()
