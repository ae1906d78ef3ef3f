"""The texts of a warning for each channel and reader's language: composed once, shortened once, here.

The only module that composes or shortens a text. The audience is decided elsewhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import regex
from babel import Locale
from babel.dates import format_datetime

from realis.model.alert import Occasion
from realis.model.draft import Content, DraftKind, LanguageText, Package, Rendered, RenderedText, Variant
from realis.model.languages import PLAIN, SOURCE_LANGUAGE
from realis.ports.channel import ChannelCapabilities, LengthUnit
from realis.ports.content import Phrases
from realis.ports.installation import City
from realis.ports.read_models import PAGE

ELLIPSIS = "…"
SECOND_LANGUAGE = "en"
PAGE_LIMITS = ChannelCapabilities(length=20_000)
_TOO_SHORT_TO_KEEP = 20
_LEAST_SOURCE = 60
_LONGEST_WEB = 200
"""Characters. A longer address in a message is replaced by the incident's public page, which has the whole text."""

_GRAPHEME = regex.compile(r"\X")
_TIME_PATTERN = {"de": "EEEE, d. MMMM, HH:mm 'Uhr'"}
_TIME_DEFAULT = "EEEE, d MMMM, HH:mm"


def measure(text: str, unit: LengthUnit) -> int:
    """A text's length as the transport counts it."""
    if unit is LengthUnit.BYTES:
        return len(text.encode())
    if unit is LengthUnit.UTF16:
        return len(text.encode("utf-16-le")) // 2
    return sum(1 for _ in _GRAPHEME.finditer(text))


def shorten(text: str, length: int, unit: LengthUnit) -> str:
    """The text if it fits, else its beginning up to a word's end with "…".

    Only a first word that is too long by itself is cut, between graphemes; empty if not even "…" fits.
    """
    if measure(text, unit) <= length:
        return text
    room = length - measure(ELLIPSIS, unit)
    kept = _longest(text, [word.end() for word in regex.finditer(r"\s*\S+", text)], room, unit)
    if kept:
        kept = kept.rstrip(" ,;:–-") or kept
    else:
        kept = _longest(text, [found.end() for found in _GRAPHEME.finditer(text)], room, unit)
    return kept + ELLIPSIS if measure(kept + ELLIPSIS, unit) <= length else ""


def _longest(text: str, ends: Sequence[int], length: int, unit: LengthUnit) -> str:
    """The longest beginning of the text that stops at one of the ends and fits."""
    number = bisect_right(ends, length, key=lambda end: measure(text[:end], unit))
    return text[: ends[number - 1]] if number else ""


@dataclass(frozen=True, slots=True)
class _Fitting:
    limits: ChannelCapabilities

    def size(self, text: Rendered) -> int:
        whole = text.text
        total = measure(whole, self.limits.unit)
        if text.link and self.limits.url_length is not None:
            total += self.limits.url_length - measure(text.link, self.limits.unit)
        return total

    def fit(self, text: Rendered) -> Rendered:
        """Shorten the least needed part first: description, a long source, instruction, headline.

        Notice, kind, end, labels and link always stay.
        """
        for part, least in (("description", 0), ("source", _LEAST_SOURCE), ("instruction", 0), ("headline", 1)):
            over = self.size(text) - self.limits.length
            if over <= 0:
                return text
            text = self._cut(text, part, over, least)
        return text

    def _cut(self, text: Rendered, part: str, over: int, least: int) -> Rendered:
        """Return the text, one part cut by ``over``, not under ``least``; a rest too short to read is dropped."""
        value: str = getattr(text, part)
        room = max(measure(value, self.limits.unit) - over, least)
        if not least and room < _TOO_SHORT_TO_KEEP:
            room = 0
        shorter = shorten(value, room, self.limits.unit)
        if part == "headline":
            shorter = shorter or ELLIPSIS
        return replace(text, **{part: shorter}, shortened=text.shortened or shorter != value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Composes every text of a package.

    Args:
        limits: the capabilities of each configured channel, by name.
    """

    phrases: Phrases
    city: City
    limits: Mapping[str, ChannelCapabilities]

    def package(self, content: Content, link: str) -> Package:
        """Return every text that would be sent: per chosen channel, language and variant, and the public page's."""
        texts = [
            RenderedText(channel, variant, self.one(content, channel, language, variant=variant, link=link))
            for channel in (PAGE, *(name for name in content.channels if name in self.limits))
            for variant in self._variants(content)
            for language in self._languages(channel)
        ]
        return Package(content, tuple(texts))

    def _variants(self, content: Content) -> tuple[Variant, ...]:
        return (Variant.MESSAGE,) if content.kind.ending else (Variant.MESSAGE, Variant.EXPIRY)

    def _languages(self, channel: str) -> tuple[str, ...]:
        limits = self.limits.get(channel, PAGE_LIMITS)
        return self.city.languages if limits.per_language else (SOURCE_LANGUAGE,)

    def one(
        self, content: Content, channel: str, language: str, *, variant: Variant = Variant.MESSAGE, link: str
    ) -> Rendered:
        """One text for one channel and reader's language, fitted to the channel's limits."""
        words, labels = self._words(content, language)
        expiry = variant is Variant.EXPIRY
        text = Rendered(
            language=language,
            written_in=words.language,
            notice=self._notice(content.occasion, language),
            kind=self._kind(content, language, expiry=expiry),
            headline=words.headline,
            description="" if expiry else words.description,
            instruction=self.phrases.phrase("expiry.body", language) if expiry else words.instruction,
            until=self._until(content, language, expiry=expiry),
            source=self.phrases.phrase("source", language, source=content.source_name or self.city.authority),
            labels=labels,
            link=self._link(content, channel, link),
        )
        return _Fitting(self.limits.get(channel, PAGE_LIMITS)).fit(text)

    def _link(self, content: Content, channel: str, link: str) -> str:
        if channel in self.limits and len(content.web) > _LONGEST_WEB:
            return link
        return content.web or link

    def _words(self, content: Content, language: str) -> tuple[LanguageText, tuple[str, ...]]:
        """Return the text in the reader's language, else English, else German, with the labels that must be shown."""
        for candidate in (language, language.split("-")[0], SECOND_LANGUAGE, SOURCE_LANGUAGE):
            found = content.text(candidate)
            if found is None or not found.headline:
                continue
            labels = []
            if candidate != language:
                name = self.phrases.phrase(f"language.{candidate}", language)
                labels.append(self.phrases.phrase("label.fallback", language, language=name))
            if candidate == PLAIN:
                labels.append(
                    self.phrases.phrase("label.plain_checked" if found.checked_by else "label.plain", language)
                )
            elif candidate != SOURCE_LANGUAGE and not found.checked_by:
                labels.append(self.phrases.phrase("label.unchecked", language))
            return found, tuple(labels)
        return LanguageText(SOURCE_LANGUAGE, headline=content.event), ()

    def _notice(self, occasion: Occasion, language: str) -> str:
        if occasion is Occasion.ERNSTFALL:
            return ""
        return self.phrases.phrase(f"notice.{occasion.value}", language)

    def _kind(self, content: Content, language: str, *, expiry: bool) -> str:
        if expiry:
            return self.phrases.phrase("kind.expiry", language)
        if content.kind.ending is not None:
            return self.phrases.phrase(f"kind.{content.kind.value}", language)
        level = self.phrases.phrase(f"level.{int(content.level)}", language)
        if content.kind is DraftKind.UPDATE:
            return f"{self.phrases.phrase('kind.update', language)} – {level}"
        return level

    def _until(self, content: Content, language: str, *, expiry: bool) -> str:
        if content.expires is None or content.kind.ending is not None:
            return ""
        base = language.split("-")[0]
        when = format_datetime(
            content.expires,
            _TIME_PATTERN.get(base, _TIME_DEFAULT),
            tzinfo=ZoneInfo(self.city.time_zone),
            locale=Locale.parse(base),
        )
        return self.phrases.phrase("ended_at" if expiry else "until", language, time=when)

    def for_follow_up(self, content: Content, kind: DraftKind) -> Content:
        """Return the prefilled content of an update (the same texts) or of an ending (the ending's own texts)."""
        if kind is DraftKind.UPDATE:
            return replace(content, kind=kind, realert=False)
        texts = tuple(self._ending_text(content, kind, text) for text in content.texts)
        return replace(content, kind=kind, texts=texts, onset=None, realert=True)

    def _ending_text(self, content: Content, kind: DraftKind, text: LanguageText) -> LanguageText:
        """Return the ending's text; never the warning's, whose instruction would still apply under "Entwarnung"."""
        template = self.phrases.template(content.event_code, kind, text.language)
        if template is not None:
            return LanguageText(
                text.language, template.headline, template.description, template.instruction, template.checked_by
            )
        key = {DraftKind.ALL_CLEAR: "all_clear.body", DraftKind.RETRACTION: "retraction.body"}[kind]
        headline = self.phrases.phrase(f"kind.{kind.value}", text.language)
        return LanguageText(text.language, headline, self.phrases.phrase(key, text.language))
