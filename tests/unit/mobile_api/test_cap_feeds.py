"""The Atom feed as a document: RFC 4287's musts, what belongs in it, and what never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from lxml import etree

from mobile_api.cap_feeds import ATOM, EXERCISE, PUBLIC, FeedDefinition, atom
from realis.model.alert import Ending, Occasion
from realis.ports.installation import City
from realis.ports.read_models import Snapshot, WarningView
from tests.fakes.channel_messages import SENT
from tests.fakes.warning_views import view

CITY = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example/", "", ("de",))
NS = {"a": ATOM}


def read(
    *views: WarningView, definition: FeedDefinition = PUBLIC, city: City = CITY, as_of: datetime = SENT
) -> etree._Element:
    """The feed over these warnings, parsed again."""
    in_force = tuple(entry for entry in views if entry.ending is None)
    ended = tuple(entry for entry in views if entry.ending is not None)
    return etree.fromstring(atom(Snapshot(1, as_of, in_force, ended), city, definition))


def texts(element: etree._Element, path: str) -> list[str]:
    """What an XPath with Atom as ``a:`` finds, as text."""
    return [str(found) for found in element.xpath(path, namespaces=NS)]  # type: ignore[union-attr]


def test_feed_and_entries_have_what_atom_demands() -> None:
    """Feed and entry each have id, title, updated and author; links name their types (RFC 4287, 4.1)."""
    feed = read(view(1))
    for parent in ("/a:feed", "/a:feed/a:entry"):
        for child in ("id", "title", "updated", "author/a:name"):
            assert len(texts(feed, f"{parent}/a:{child}/text()")) == 1, (parent, child)
    assert texts(feed, "/a:feed/a:link[@rel='self']/@href") == ["https://warnung.example/feeds/cap.atom"]
    assert texts(feed, "//a:entry/a:link[@type='application/cap+xml']/@href") == [
        "https://warnung.example/cap/siegen.00000000-0000-0000-0000-000000000001.1.xml"
    ]
    assert datetime.fromisoformat(texts(feed, "/a:feed/a:updated/text()")[0]).tzinfo is not None


def test_entry_keeps_its_id_across_revisions_and_ending() -> None:
    """Update and ending change the entry: same id, newer time, own words and category."""
    first, second = read(view(1)), read(view(1, revision=2))
    ended = read(view(1, revision=3, ending=Ending.ALL_CLEAR))
    assert len({texts(feed, "//a:entry/a:id/text()")[0] for feed in (first, second, ended)}) == 1
    times = [texts(feed, "//a:entry/a:updated/text()")[0] for feed in (first, second, ended)]
    assert times == sorted(set(times))
    assert texts(ended, "//a:category[@scheme='urn:realis:ending']/@term") == ["all_clear"]
    assert texts(ended, "//a:entry/a:title/text()")[0].startswith("Entwarnung")
    assert not texts(first, "//a:category[@scheme='urn:realis:ending']/@term")


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending.ALL_CLEAR, "Entwarnung"),
        (Ending.RETRACTED, "Fehlalarm – Warnung zurückgezogen"),
        (Ending.EXPIRED, "Die Gültigkeit ist abgelaufen. Das ist keine Entwarnung."),
    ],
)
def test_each_ending_has_its_own_words(ending: Ending, words: str) -> None:
    """The three endings are told apart by category and by title."""
    feed = read(view(1, revision=2, ending=ending))
    assert texts(feed, "//a:category[@scheme='urn:realis:ending']/@term") == [ending.value]
    assert texts(feed, "//a:category[@scheme='urn:realis:ending']/@label") == [words]
    assert texts(feed, "//a:entry/a:title/text()")[0].startswith(words)


def test_exercises_and_the_rest_never_share_a_feed() -> None:
    """Even handed everything, each feed carries only its own occasions, and the exercise feed says so."""
    everything = (view(1), view(2, Occasion.PROBEWARNUNG), view(3, Occasion.UEBUNG))
    public, exercise = read(*everything), read(*everything, definition=EXERCISE)
    status = "//a:category[@scheme='urn:realis:status']/@term"
    assert texts(public, status) == ["Actual", "Test"]
    assert texts(exercise, status) == ["Exercise"]
    assert texts(exercise, "/a:feed/a:title/text()")[0].startswith("ÜBUNG")
    assert texts(exercise, "//a:entry/a:title/text()")[0].startswith("ÜBUNG")
    assert "/feeds/exercise/cap/" in texts(exercise, "//a:entry/a:link[@rel='enclosure']/@href")[0]


def test_demo_is_named_in_the_title() -> None:
    """A demo's feed says that it is one."""
    feed = read(city=replace(CITY, demo=True))
    assert texts(feed, "/a:feed/a:title/text()") == ["DEMO – Warnungen für Siegen"]


def test_time_never_runs_backwards() -> None:
    """``updated`` does not fall back when an ended warning leaves the list a day later."""
    old = view(1)
    gone = view(2, revision=7, ending=Ending.ALL_CLEAR)
    assert gone.ended_at
    last_listed, first_without = gone.ended_at + timedelta(hours=24) - timedelta(seconds=1), gone.ended_at
    before = texts(read(old, gone, as_of=last_listed), "/a:feed/a:updated/text()")
    after = texts(read(old, as_of=first_without + timedelta(hours=24)), "/a:feed/a:updated/text()")
    assert before <= after


def test_forbidden_characters_do_not_silence_the_feed() -> None:
    """Control characters and lone surrogates in one text become a sign instead of an error for all."""
    feed = read(view(1, headline='a\x00b\x1bc\ud800d <&> "e"'), view(2))
    assert texts(feed, "//a:entry/a:title/text()")[0].endswith('a\ufffdb\ufffdc\ufffdd <&> "e"')
    assert len(texts(feed, "//a:entry/a:id/text()")) == 2
