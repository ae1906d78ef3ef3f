"""The edit page's form read into a draft's content. It refuses nothing that can be kept: nothing typed gets lost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from multidict import MultiDictProxy

from realis.console.area_form import own_areas, place_area
from realis.console.local_time import local_parts, read_local
from realis.model.alert import Certainty, Level, Occasion, Severity, Urgency
from realis.model.area import Area
from realis.model.draft import Content, DraftKind, LanguageText
from realis.model.errors import InvalidInput, Problem
from realis.model.languages import PLAIN, SOURCE_LANGUAGE
from realis.ports.content import Phrases
from realis.ports.desk_read_models import ChannelRow
from realis.ports.installation import City

_Choice = TypeVar("_Choice", bound=StrEnum)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LONGEST_FIELD = 20_000

Form = MultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class When:
    """A date and a time as typed."""

    date: str = ""
    time: str = ""

    @classmethod
    def of(cls, when: datetime | None, zone: ZoneInfo) -> When:
        """The fields for an instant."""
        return cls(*local_parts(when, zone))


@dataclass(frozen=True, slots=True)
class Filled:
    """What the form says: the content as far as it can be read, and what could not be read.

    Args:
        unchecked: languages whose approval was dropped because the text changed after it.
        occasion_chosen: False while nobody chose the occasion of an incoming message.
    """

    content: Content
    expires: When
    onset: When
    problems: tuple[Problem, ...] = ()
    unchecked: tuple[str, ...] = ()
    occasion_chosen: bool = True


def languages_offered(city: City, content: Content) -> tuple[str, ...]:
    """German first, then the city's languages, plain German, and whatever else the message brought."""
    brought = (text.language for text in content.texts)
    return tuple(dict.fromkeys((SOURCE_LANGUAGE, *city.languages, PLAIN, *brought)))


def stored(content: Content, zone: ZoneInfo, *, chosen: bool = True) -> Filled:
    """A stored content as the form shows it."""
    return Filled(content, When.of(content.expires, zone), When.of(content.onset, zone), occasion_chosen=chosen)


@dataclass(frozen=True, slots=True)
class FormReader:
    """Reads forms for one city. ``channels`` are the ways out there are."""

    city: City
    phrases: Phrases
    channels: tuple[ChannelRow, ...]

    def read(self, form: Form, base: Content, *, choose_occasion: bool) -> Filled:
        """The form over the content it started from; what the form does not show stays as it was."""
        problems: list[Problem] = []
        expires, onset = _when(form, "expires"), _when(form, "onset")
        texts, unchecked = self._texts(form, base)
        occasion = self._occasion(form, base, choose=choose_occasion)
        content = replace(
            base,
            occasion=occasion or base.occasion,
            level=_level(form, base.level),
            texts=texts,
            areas=self._areas(form, base),
            channels=self._channels(form, occasion or base.occasion),
            expires=self._instant(expires, "expires", problems),
            onset=self._instant(onset, "onset", problems),
            realert=form.get("realert") == "1" if base.kind is DraftKind.UPDATE else base.realert,
            source_name=_line(form, "source_name"),
            severity=_choice(Severity, form.get("severity", "")),
            urgency=_choice(Urgency, form.get("urgency", "")),
            certainty=_choice(Certainty, form.get("certainty", "")),
        )
        if occasion is None:
            problems.append(Problem("occasion", "occasion-missing"))
        content = self._with_event(form, content)
        return Filled(content, expires, onset, tuple(problems), unchecked, occasion_chosen=occasion is not None)

    def _occasion(self, form: Form, base: Content, *, choose: bool) -> Occasion | None:
        if not choose:
            return base.occasion
        return _choice(Occasion, form.get("occasion", ""))

    def _with_event(self, form: Form, content: Content) -> Content:
        code = form.get("event_code", content.event_code)
        event = self.phrases.event(code) if code != content.event_code else None
        if event is None:
            return content
        name = event.labels.get(SOURCE_LANGUAGE, code)
        return replace(content, event=name, event_code=code, categories=event.categories)

    def _texts(self, form: Form, base: Content) -> tuple[tuple[LanguageText, ...], tuple[str, ...]]:
        texts: list[LanguageText] = []
        unchecked: list[str] = []
        for language in languages_offered(self.city, base):
            before = base.text(language)
            if f"headline_{language}" not in form:
                texts.extend([before] if before else [])
                continue
            now = _text(form, language)
            if before and before.checked_by and now.checked_by == before.checked_by and not _same(before, now):
                now = replace(now, checked_by="")
                unchecked.append(language)
            if now.headline or now.description or now.instruction:
                texts.append(now)
        return tuple(texts), tuple(unchecked)

    def _areas(self, form: Form, base: Content) -> tuple[Area, ...]:
        own = own_areas(base.areas, self.city.places) if "own_area" in form else ()
        wanted = set(form.getall("place", []))
        return (*own, *(place_area(place) for place in self.city.places if place.id in wanted))

    def _channels(self, form: Form, occasion: Occasion) -> tuple[str, ...]:
        wanted = set(form.getall("channel", []))
        return tuple(
            row.name for row in self.channels if row.name in wanted and not barred(row, occasion, demo=self.city.demo)
        )

    def _instant(self, when: When, where: str, problems: list[Problem]) -> datetime | None:
        try:
            return read_local(when.date, when.time, ZoneInfo(self.city.time_zone))
        except InvalidInput as error:
            problems.append(Problem(where, error.code, error.values))
            return None


def barred(row: ChannelRow, occasion: Occasion, *, demo: bool = False) -> bool:
    """Whether a channel never carries this occasion: public ones and the Übung. The demo's are nobody's but ours."""
    return row.public and occasion is Occasion.UEBUNG and not demo


def with_templates(content: Content, phrases: Phrases, languages: Iterable[str], *, overwrite: bool) -> Content:
    """The content with the event's ready-made words in these languages; empty texts only, unless overwriting."""
    texts = {text.language: text for text in content.texts}
    for language in languages:
        template = phrases.template(content.event_code, content.kind, language)
        present = texts.get(language)
        if template is None or (present and present.headline and not overwrite):
            continue
        texts[language] = LanguageText(
            language, template.headline, template.description, template.instruction, template.checked_by
        )
    ordered = sorted(texts.values(), key=lambda text: text.language != SOURCE_LANGUAGE)
    return replace(content, texts=tuple(ordered))


def _when(form: Form, name: str) -> When:
    return When(form.get(f"{name}_date", "")[:10], form.get(f"{name}_time", "")[:8])


def _line(form: Form, name: str) -> str:
    return " ".join(_block(form, name).split())


def _block(form: Form, name: str) -> str:
    text = form.get(name, "")[:_LONGEST_FIELD].replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).strip()


def _text(form: Form, language: str) -> LanguageText:
    return LanguageText(
        language,
        headline=_line(form, f"headline_{language}"),
        description=_block(form, f"description_{language}"),
        instruction=_block(form, f"instruction_{language}"),
        checked_by=_line(form, f"checked_by_{language}"),
    )


def _same(one: LanguageText, other: LanguageText) -> bool:
    return replace(one, checked_by="") == replace(other, checked_by="")


def _level(form: Form, before: Level) -> Level:
    value = form.get("level", "")
    return Level(int(value)) if value in ("1", "2", "3") else before


def _choice(kind: type[_Choice], value: str) -> _Choice | None:
    return next((member for member in kind if member.value == value), None)
