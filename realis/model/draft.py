"""Drafts: content and state, and the CAP message composed from them.

Pure data and decisions; saving and rendering happen elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from realis.model.alert import (
    ENDING_PARAMETER,
    LEVEL_PARAMETER,
    Alert,
    Category,
    Certainty,
    Ending,
    Info,
    Level,
    MsgType,
    Occasion,
    Reference,
    ResponseType,
    Severity,
    Urgency,
)
from realis.model.area import MAX_KM2, Area, NamedValue, extent_km2
from realis.model.errors import Problem
from realis.model.languages import SOURCE_LANGUAGE

EVENT_CODE_PROFILE = "profile:DE-BBK-EVENTCODE"
MAX_HEADLINE = 160
MAX_TEXT = 4000


class DraftKind(StrEnum):
    """The effect of the draft on its incident."""

    ALERT = "alert"
    UPDATE = "update"
    ALL_CLEAR = "all_clear"
    RETRACTION = "retraction"

    @property
    def ending(self) -> Ending | None:
        """The ending this kind announces, or None."""
        return {"all_clear": Ending.ALL_CLEAR, "retraction": Ending.RETRACTED}.get(self.value)

    @property
    def msg_type(self) -> MsgType:
        """The CAP msgType of messages of this kind."""
        if self is DraftKind.ALERT:
            return MsgType.ALERT
        return MsgType.UPDATE if self is DraftKind.UPDATE else MsgType.CANCEL


class DraftState(StrEnum):
    """open ▸ submitted ▸ open (returned) | released | discarded."""

    OPEN = "open"
    SUBMITTED = "submitted"
    RELEASED = "released"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class LanguageText:
    """The warning's text in one language.

    Args:
        language: BCP 47 tag, for example ``de`` or ``ar``.
        checked_by: name of the reader who approved this text; empty means unchecked, and it is labelled so.
    """

    language: str
    headline: str
    description: str = ""
    instruction: str = ""
    checked_by: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything an operator decides about one message.

    Args:
        texts: German first; one entry per language that has words.
        channels: names of the channels that were chosen.
        expires: when it ends by itself (aware); for an ending, when the notice leaves the lists.
        realert: True alarms again (erneut alarmieren), False replaces quietly (still ersetzen).
        source_name: the issuing authority, as the public reads it.
        web: where to read more; empty means the incident's own public page.
    """

    occasion: Occasion
    kind: DraftKind
    level: Level
    event: str
    event_code: str = ""
    categories: tuple[Category, ...] = (Category.SAFETY,)
    texts: tuple[LanguageText, ...] = ()
    areas: tuple[Area, ...] = ()
    channels: tuple[str, ...] = ()
    onset: datetime | None = None
    expires: datetime | None = None
    realert: bool = True
    source_name: str = ""
    web: str = ""
    severity: Severity | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None

    def text(self, language: str) -> LanguageText | None:
        """Return the text in exactly this language, or None."""
        return next((text for text in self.texts if text.language == language), None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as stored. ``version`` grows by one with every save.

    Args:
        authors: ids of all users who saved any version; none of them may release it (promise 6).
        problems: the findings in the incoming message, in words.
        digest: of what was submitted; empty while open.
    """

    id: UUID
    incident: UUID
    content: Content
    state: DraftState = DraftState.OPEN
    version: int = 1
    authors: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    submitted_by: str = ""
    digest: str = ""
    return_reason: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


def problems(content: Content, now: datetime) -> tuple[Problem, ...]:
    """Return all that prevents this content from being submitted. Empty means it may be."""
    return (*_text_problems(content), *_area_problems(content), *_end_problems(content, now))


def _text_problems(content: Content) -> list[Problem]:
    found: list[Problem] = []
    german = content.text(SOURCE_LANGUAGE)
    if german is None or not german.headline.strip():
        found.append(Problem("headline", "headline-missing"))
    for text in content.texts:
        if len(text.headline) > MAX_HEADLINE:
            found.append(Problem(f"headline.{text.language}", "headline-too-long", {"max": MAX_HEADLINE}))
        if max(len(text.description), len(text.instruction)) > MAX_TEXT:
            found.append(Problem(f"text.{text.language}", "text-too-long", {"max": MAX_TEXT}))
    if content.kind.ending is None and german and not german.instruction.strip():
        found.append(Problem("instruction", "instruction-missing"))
    return found


def _area_problems(content: Content) -> list[Problem]:
    found: list[Problem] = []
    if not any(area.has_shape for area in content.areas):
        found.append(Problem("area", "area-missing"))
    elif extent_km2(content.areas) > MAX_KM2:
        found.append(Problem("area", "area-too-large"))
    if not content.channels:
        found.append(Problem("channels", "channels-missing"))
    return found


def _end_problems(content: Content, now: datetime) -> list[Problem]:
    if content.expires is None:
        return [Problem("expires", "end-missing")]
    if content.expires <= now:
        return [Problem("expires", "end-past")]
    return []


@dataclass(frozen=True, slots=True)
class Envelope:
    """The identifiers and times of the CAP message, which are known only at its issue."""

    identifier: str
    sender: str
    sent: datetime
    references: tuple[Reference, ...] = ()
    web: str = ""


_PARAMETERS = {DraftKind.RETRACTION: (NamedValue(ENDING_PARAMETER, Ending.RETRACTED.value),)}


def compose(content: Content, envelope: Envelope) -> Alert:
    """Return the CAP message of this content: one info per language, German first."""
    base = _base_info(content, envelope)
    infos = tuple(
        replace(
            base,
            language=text.language,
            headline=text.headline,
            description=text.description,
            instruction=text.instruction,
        )
        for text in content.texts
    )
    return Alert(
        identifier=envelope.identifier,
        sender=envelope.sender,
        sent=envelope.sent,
        status=content.occasion.status,
        msg_type=content.kind.msg_type,
        references=envelope.references,
        note="Übung – keine echte Gefahr" if content.occasion is Occasion.UEBUNG else "",
        infos=infos,
    )


def _base_info(content: Content, envelope: Envelope) -> Info:
    level, all_clear = content.level, content.kind is DraftKind.ALL_CLEAR
    ends = content.kind.ending is not None
    codes = (NamedValue(EVENT_CODE_PROFILE, content.event_code),) if content.event_code else ()
    return Info(
        event=content.event,
        urgency=Urgency.PAST if ends else content.urgency or level.urgency,
        severity=Severity.MINOR if ends else content.severity or level.severity,
        certainty=content.certainty or level.certainty,
        categories=content.categories,
        response_types=(ResponseType.ALL_CLEAR,) if all_clear else (),
        event_codes=codes,
        onset=content.onset,
        expires=content.expires,
        sender_name=content.source_name,
        web=content.web or envelope.web,
        parameters=(NamedValue(LEVEL_PARAMETER, str(int(level))), *_PARAMETERS.get(content.kind, ())),
        areas=content.areas,
    )


@dataclass(frozen=True, slots=True)
class Rendered:
    """A warning's text for one channel and one reader's language, within the channel's limit.

    Args:
        language: the reader's language.
        written_in: the language of headline, description and instruction (differs after a fallback).
        notice: "ÜBUNG …" or "PROBEWARNUNG …", always shown first; empty for an Ernstfall.
        kind: level or ending, in words: "Extreme Gefahr", "Entwarnung", "Fehlalarm – …".
        until: when it ends, in words.
        labels: remarks that must be shown, such as "Übersetzung nicht geprüft".
        link: the public page.
    """

    language: str
    written_in: str
    notice: str
    kind: str
    headline: str
    description: str
    instruction: str
    until: str
    source: str
    labels: tuple[str, ...] = ()
    link: str = ""
    shortened: bool = False

    @property
    def title(self) -> str:
        """Notice, kind and headline in one line, for a notification's title."""
        lead = ": ".join(part for part in (self.notice, self.kind) if part)
        return f"{lead}: {self.headline}" if lead else self.headline

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The whole text in its order: kind, description, instruction, end, source, link."""
        first = ": ".join(part for part in (self.notice, self.kind) if part)
        footer = " · ".join(part for part in (self.until, self.source) if part)
        parts = (first, self.headline, self.description, self.instruction, footer, *self.labels, self.link)
        return tuple(part for part in parts if part)

    @property
    def text(self) -> str:
        """The paragraphs joined by line breaks."""
        return "\n".join(self.paragraphs)


class Variant(StrEnum):
    """A message's own text, or the text of its expiry."""

    MESSAGE = "message"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class RenderedText:
    """One stored text of a package: for which channel, which variant."""

    channel: str
    variant: Variant
    text: Rendered


@dataclass(frozen=True, slots=True)
class Package:
    """The unit that is submitted, seen and released: content and every text that will be sent."""

    content: Content
    texts: tuple[RenderedText, ...] = field(default=())

    def find(self, channel: str, language: str, variant: Variant = Variant.MESSAGE) -> Rendered | None:
        """Return the text for a channel, language and variant, or None."""
        for entry in self.texts:
            if entry.channel == channel and entry.variant is variant and entry.text.language == language:
                return entry.text
        return None
