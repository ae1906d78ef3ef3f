"""What a push carries: payload, lifetime, urgency, topic."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.webpush.channel import WebPush
from channels.webpush.encryption import MAX_PLAINTEXT
from channels.webpush.payload import MAX_TTL_S, headers, payload, reduced, topic, ttl_s, urgency
from realis.model.alert import Level
from realis.model.draft import Rendered
from realis.ports.channel import MessageKind
from tests.unit.channels.webpush.samples import ALL_CLEAR, MESSAGE, NOW, TEXT


def test_the_payload_is_a_declarative_push_with_our_facts_beside_it() -> None:
    """One shape for the service worker and for browsers that need none."""
    data = json.loads(payload(MESSAGE))
    assert data["web_push"] == 8030
    assert data["notification"] == {
        "title": "ÜBUNG – keine echte Gefahr: Extreme Gefahr: Hochwasser an der Sieg",
        "lang": "de",
        "dir": "ltr",
        "body": (
            "Gehen Sie in höhere Stockwerke. Betreten Sie keine Keller.\n"
            "Der Pegel steigt schnell. Keller laufen voll.\n"
            "Gilt bis Sonntag, 22. November 2026, 16:00 Uhr · Stadt Siegen"
        ),
        "navigate": MESSAGE.url,
        "tag": str(MESSAGE.incident),
        "silent": False,
    }
    assert data["realis"] == {
        "incident": str(MESSAGE.incident),
        "revision": 1,
        "kind": "alert",
        "occasion": "uebung",
        "level": 1,
        "ending": None,
        "sent": "2026-11-22T10:00:00+00:00",
        "expires": "2026-11-22T16:00:00+00:00",
        "url": MESSAGE.url,
    }


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (MessageKind.ALL_CLEAR, "all_clear"),
        (MessageKind.RETRACTION, "retracted"),
        (MessageKind.EXPIRY, "expired"),
        (MessageKind.UPDATE, None),
    ],
)
def test_each_ending_says_which_it_is(kind: MessageKind, ending: str | None) -> None:
    """The three endings never look alike to the service worker."""
    assert json.loads(payload(replace(ALL_CLEAR, kind=kind)))["realis"]["ending"] == ending


@pytest.mark.parametrize(
    ("language", "written_in", "direction"),
    [
        ("ar", "ar", "rtl"),
        ("ar", "de", "auto"),
        ("en", "de", "auto"),
        ("uk", "uk", "ltr"),
        ("de-x-ls", "de-x-ls", "ltr"),
    ],
)
def test_direction_follows_the_words(language: str, written_in: str, direction: str) -> None:
    """Arabic runs right to left; where two languages mix, the browser decides by paragraph."""
    message = replace(MESSAGE, text=replace(TEXT, language=language, written_in=written_in))
    assert json.loads(payload(message))["notification"]["dir"] == direction


def test_remarks_are_part_of_the_body() -> None:
    """A translation nobody checked says so on the phone, too."""
    message = replace(MESSAGE, text=replace(TEXT, labels=("Übersetzung nicht geprüft",)))
    assert json.loads(payload(message))["notification"]["body"].endswith("\nÜbersetzung nicht geprüft")


def test_a_quiet_replacement_is_silent() -> None:
    """ "Still ersetzen" makes no sound."""
    assert json.loads(payload(replace(MESSAGE, realert=False)))["notification"]["silent"] is True


WORDS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=1700)


@settings(max_examples=200, deadline=None)
@given(WORDS, WORDS, st.sampled_from(["https://warnung.example.org/alerts/", "https://x.example/" + "y" * 60 + "/"]))
def test_whatever_fits_the_declared_limit_fits_the_push(headline: str, description: str, base: str) -> None:
    """A text within ``Limits.length`` bytes always leaves as one push."""
    text = replace(TEXT, headline=headline.replace('"', "”").replace("\\", "/"), link=base + str(MESSAGE.incident))
    text = replace(text, description=description.replace('"', "”").replace("\\", "/"))
    if len(text.text.encode()) <= WebPush.capabilities.length:
        assert len(payload(replace(MESSAGE, text=text, url=text.link))) <= MAX_PLAINTEXT


def test_less_of_it_keeps_what_must_be_told() -> None:
    """First what happened is left out, then remarks; notice, kind, headline, instruction, end, source and link stay."""
    message = replace(MESSAGE, text=replace(TEXT, labels=("Übersetzung nicht geprüft",)))
    whole, less, least = [json.loads(payload(step)) for step in reduced(message)]
    assert whole == json.loads(payload(message))
    end = f"{TEXT.until} · {TEXT.source}"
    assert less["notification"]["body"].split("\n") == [TEXT.instruction, end, "Übersetzung nicht geprüft"]
    assert least["notification"]["body"].split("\n") == [TEXT.instruction, end]
    for step in (less, least):
        assert step["realis"] == whole["realis"]
        assert {**step["notification"], "body": ""} == {**whole["notification"], "body": ""}


def test_lifetime_is_what_is_left() -> None:
    """Until it expires; endings until their deadline; never negative, never beyond 30 days."""
    assert ttl_s(MESSAGE, NOW) == 21_600
    assert ttl_s(MESSAGE, NOW + timedelta(hours=7)) == 0
    assert ttl_s(ALL_CLEAR, NOW) == 3_600
    assert ttl_s(replace(MESSAGE, expires=NOW + timedelta(days=90)), NOW) == MAX_TTL_S


@pytest.mark.parametrize(
    ("level", "realert", "expected"),
    [
        (Level.EXTREME, True, "high"),
        (Level.DANGER, True, "high"),
        (Level.INFORMATION, True, "normal"),
        (Level.EXTREME, False, "normal"),
        (Level.INFORMATION, False, "low"),
    ],
)
def test_urgency_follows_level_and_alarm(level: Level, realert: bool, expected: str) -> None:
    """Grave warnings wake a resting phone; quiet replacements go one step lower."""
    assert urgency(replace(MESSAGE, level=level, realert=realert)) == expected


def test_topic_is_one_per_incident_and_legal() -> None:
    """32 characters of base64url, the same for every revision, without the incident's id in it."""
    assert topic(MESSAGE) == topic(ALL_CLEAR)
    assert len(topic(MESSAGE)) == 32
    assert topic(MESSAGE).replace("-", "").replace("_", "").isalnum()


def test_headers_carry_no_words() -> None:
    """The push service sees lifetime, urgency and a hash."""
    assert set(headers(MESSAGE, NOW)) == {"Content-Encoding", "Content-Type", "TTL", "Urgency", "Topic"}


def test_rendered_is_only_read() -> None:
    """The channel leaves the words as they are."""
    before: Rendered = MESSAGE.text
    payload(MESSAGE)
    assert MESSAGE.text == before
