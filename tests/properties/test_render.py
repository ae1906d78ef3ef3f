"""Whatever is written, a channel's text fits, is cut between words, and keeps what people need longest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from content.phrases import PhraseBook
from realis.model.alert import Level, Occasion
from realis.model.draft import Content, DraftKind, LanguageText, Rendered, Variant
from realis.ports.channel import ChannelCapabilities, LengthUnit
from realis.ports.installation import City
from realis.services.rendering import ELLIPSIS, Renderer, measure, shorten

LANGUAGES = ("de", "en", "tr", "ar", "uk", "ru", "pl", "fr", "de-x-ls")
LINK = "https://warnung.example/alerts/01a2010f-7d31-73cb-b506-6e8358baace2"
CITY = City("Siegen", "Stadt Siegen", "Europe/Berlin", "https://warnung.example", "", LANGUAGES)
PHRASES = PhraseBook.load()
WORDS = (
    "Hochwasser", "Sieg", "über", "Straßenbahnhaltestelle",
    "👨‍👩‍👧‍👦", "🏳️‍🌈", "e\u0301\u0323", "مياه", "الفيضانات", "क्षि",
    "повінь", "żółć", "1,5", "m.", "🇩🇪🇺🇦", "ยินดี", "–", "x" * 90, "👍🏽" * 30,
)  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=200).map(" ".join)
headlines = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(lambda words: " ".join(words)[:160])
units = st.sampled_from(list(LengthUnit))
SMALLEST = {LengthUnit.GRAPHEMES: 500, LengthUnit.UTF16: 700, LengthUnit.BYTES: 1200}


def _graphemes(text: str) -> list[str]:
    return [found[0] for found in regex.finditer(r"\X", text)]


@given(texts, st.integers(0, 400), units)
def test_a_shortened_text_fits_and_is_cut_between_words(text: str, length: int, unit: LengthUnit) -> None:
    """It fits; it is a beginning of the text; the cut lies between words, or between graphemes of a first word."""
    short = shorten(text, length, unit)
    assert measure(short, unit) <= length
    if short == text:
        return
    if short:
        assert short.endswith(ELLIPSIS)
    kept = short.removesuffix(ELLIPSIS)
    assert text.startswith(kept)
    rest = text[len(kept) :].lstrip(" ,;:–-")
    inside = bool(kept) and len(rest) == len(text) - len(kept) and bool(rest)
    if inside:
        assert " " not in kept.strip()
        assert _graphemes(text)[: len(_graphemes(kept))] == _graphemes(kept)


@given(texts, units)
def test_what_fits_is_left_alone(text: str, unit: LengthUnit) -> None:
    """A text of just the allowed length comes back as it was."""
    assert shorten(text, measure(text, unit), unit) == text


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Random words in German and perhaps other languages, of any kind and occasion."""
    others = draw(st.lists(st.sampled_from(["en", "ar", "uk", "de-x-ls"]), unique=True, max_size=3))
    return Content(
        draw(st.sampled_from(list(Occasion))),
        draw(st.sampled_from(list(DraftKind))),
        draw(st.sampled_from(list(Level))),
        event="Hochwasser",
        event_code="BBK-EVC-038",
        texts=tuple(
            LanguageText(language, draw(headlines), draw(texts), draw(texts), draw(st.sampled_from(["", "Dr. A."])))
            for language in ("de", *others)
        ),
        channels=("some",),
        expires=datetime(2026, 11, 22, 8, tzinfo=UTC),
        source_name=draw(st.sampled_from(["", "Stadt Siegen", "Kreisleitstelle Siegen-Wittgenstein " * 20])),
        web=draw(st.sampled_from(["", "https://www.siegen.example/" + "a" * 900])),
    )


def _renderer(limits: ChannelCapabilities) -> Renderer:
    return Renderer(PHRASES, CITY, {"some": limits})


def _size(text: Rendered, limits: ChannelCapabilities) -> int:
    total = measure(text.text, limits.unit)
    if limits.url_length is not None and text.link:
        total += limits.url_length - measure(text.link, limits.unit)
    return total


@settings(max_examples=60, deadline=None)
@given(contents(), units, st.sampled_from([None, 23]), st.integers(0, 900), st.sampled_from(list(Variant)))
def test_every_text_fits_its_channel(
    content: Content, unit: LengthUnit, url_length: int | None, more: int, variant: Variant
) -> None:
    """In every language and unit the text fits, starts with its notice, and keeps its link."""
    limits = ChannelCapabilities(length=SMALLEST[unit] + more, unit=unit, url_length=url_length)
    renderer = _renderer(limits)
    for language in LANGUAGES:
        text = renderer.one(content, "some", language, variant=variant, link=LINK)
        assert _size(text, limits) <= limits.length
        assert text.link
        assert text.headline
        assert bool(text.notice) == (content.occasion is not Occasion.ERNSTFALL)
        assert text.paragraphs[0].startswith(text.notice or text.kind)
        assert text.paragraphs[-1] == text.link


@settings(max_examples=40, deadline=None)
@given(contents(), st.integers(0, 600))
def test_the_instruction_outlives_the_description(content: Content, more: int) -> None:
    """What to do is only cut when nothing is left of what happened, the headline only after both."""
    limits = ChannelCapabilities(length=500 + more, unit=LengthUnit.GRAPHEMES)
    full = _renderer(ChannelCapabilities(length=10**6)).one(content, "some", "de", link=LINK)
    text = _renderer(limits).one(content, "some", "de", link=LINK)
    if text.instruction != full.instruction:
        assert text.description == ""
    if text.headline != full.headline:
        assert (text.description, text.instruction) == ("", "")
    assert text.shortened == (replace(text, shortened=False) != full)
