"""The mapping of a foreign message to the content of a draft, for an operator to review. Pure; it releases nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from realis.cap.findings import Finding
from realis.cap.reader import ReadResult
from realis.model.alert import (
    Alert,
    Category,
    Certainty,
    Ending,
    Info,
    MsgType,
    Occasion,
    Severity,
    Status,
    Urgency,
    ending_of,
    ends_at,
)
from realis.model.area import Area, LinearRing, RingProblem, outline, ring_problem
from realis.model.draft import EVENT_CODE_PROFILE, Content, DraftKind, LanguageText
from realis.model.incident import gravest_level
from realis.model.languages import PLAIN, SOURCE_LANGUAGE

Word = TypeVar("Word", bound=StrEnum)

_WEB = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)


def asks_for_draft(alert: Alert) -> bool:
    """Whether the message is about a situation; Ack and Error only answer another message."""
    return alert.msg_type not in (MsgType.ACK, MsgType.ERROR)


def occasion_of(alert: Alert) -> Occasion:
    """Return the occasion of a message's status. Only ``Actual`` can be an Ernstfall (promise 7)."""
    if alert.status is Status.ACTUAL:
        return Occasion.ERNSTFALL
    # System and Draft are not for action; the Übung has the smallest audience.
    return Occasion.PROBEWARNUNG if alert.status is Status.TEST else Occasion.UEBUNG


def kind_of(alert: Alert) -> DraftKind:
    """Return the kind of draft.

    A Cancel that states neither Entwarnung nor Fehlalarm becomes an update, because neither may be assumed; the finding
    ``ending-unclear`` lets the operator choose.
    """
    ending = ending_of(alert)
    if ending is Ending.ALL_CLEAR:
        return DraftKind.ALL_CLEAR
    if ending is Ending.RETRACTED:
        return DraftKind.RETRACTION
    return DraftKind.ALERT if alert.msg_type is MsgType.ALERT else DraftKind.UPDATE


def content_of(
    read: ReadResult, findings: Iterable[Finding], *, languages: Collection[str], default_source: str
) -> Content:
    """Return the draft content of a message; missing parts stay empty for the operator.

    Args:
        findings: of ``realis.cap.rules.check``; texts they call untranslated are not marked as checked.
        languages: primary tags this city warns in; others are left out, plain German is always kept.
        default_source: the issuing authority, where the message names none.
    """
    alert = read.alert
    lead = _lead(alert.infos)
    source = _source(lead, default_source or alert.sender)
    level = gravest_level(alert.infos)
    return Content(
        occasion=occasion_of(alert),
        kind=kind_of(alert),
        level=level,
        event=lead.event,
        event_code=_event_code(alert.infos),
        categories=lead.categories,
        texts=_texts(alert.infos, languages, source, _untranslated(findings)),
        areas=_areas(alert, lead),
        onset=min((info.onset for info in alert.infos if info.onset), default=None),
        expires=ends_at(alert),
        source_name=source,
        web=_web(lead),
        severity=_unless(lead.severity, level.severity, Severity.UNKNOWN),
        urgency=_unless(lead.urgency, level.urgency, Urgency.UNKNOWN),
        certainty=_unless(lead.certainty, level.certainty, Certainty.UNKNOWN),
    )


_NO_INFO = Info("", Urgency.UNKNOWN, Severity.UNKNOWN, Certainty.UNKNOWN, (Category.OTHER,), language="und")


def _lead(infos: tuple[Info, ...]) -> Info:
    """Return the leading info of the message: the German one, else English, else the first."""
    for wanted in (SOURCE_LANGUAGE, "en"):
        for info in infos:
            if tag_of(info.language) == wanted:
                return info
    return infos[0] if infos else _NO_INFO


def tag_of(language: str) -> str:
    """Return the tag texts are stored under: the primary one (``de-DE`` ▸ ``de``), except for plain German."""
    lowered = language.lower()
    return PLAIN if lowered == PLAIN else lowered.partition("-")[0]


def _source(lead: Info, default: str) -> str:
    lines = [line for line in lead.sender_name.splitlines() if line.strip()]
    return ", ".join(lines) or default


def _event_code(infos: tuple[Info, ...]) -> str:
    codes = (code for info in infos for code in info.event_codes)
    return next((code.value for code in codes if code.name.startswith(EVENT_CODE_PROFILE)), "")


def _untranslated(findings: Iterable[Finding]) -> bool:
    return any(finding.rule == "same-text" for finding in findings)


def _texts(
    infos: tuple[Info, ...], languages: Collection[str], source: str, untranslated: bool
) -> tuple[LanguageText, ...]:
    texts: dict[str, LanguageText] = {}
    for info in infos:
        tag = tag_of(info.language)
        if tag in languages or tag == PLAIN:
            texts[tag] = _joined(texts.get(tag), info, tag, source)
    german = texts.get(SOURCE_LANGUAGE)
    if untranslated and german is not None:
        texts = {tag: _distrusted(text, german) for tag, text in texts.items()}
    return tuple(sorted(texts.values(), key=lambda text: text.language != SOURCE_LANGUAGE))


def _joined(before: LanguageText | None, info: Info, tag: str, source: str) -> LanguageText:
    """Later infos of a language expand the earlier ones, they never replace them (CAP 1.2, 3.2.2)."""
    if before is None:
        return LanguageText(tag, info.headline or info.event, info.description, info.instruction, checked_by=source)
    return replace(
        before,
        description=_expanded(before.description, info.description),
        instruction=_expanded(before.instruction, info.instruction),
    )


def _expanded(before: str, more: str) -> str:
    return before if more in before else "\n\n".join(filter(None, (before, more)))


def _distrusted(text: LanguageText, german: LanguageText) -> LanguageText:
    same = text.description == german.description if text.description else text.instruction == german.instruction
    return replace(text, checked_by="") if same and text is not german else text


def _areas(alert: Alert, lead: Info) -> tuple[Area, ...]:
    """The lead's areas, and of other infos only those whose shapes the lead lacks; rings made writable."""
    found: dict[tuple[object, ...], Area] = {}
    for area in (*lead.areas, *alert.areas):
        key = (area.polygons, area.circles) if area.has_shape else area.geocodes
        found.setdefault(key, area)
    return tuple(_mended(area) for area in found.values())


def _mended(area: Area) -> Area:
    polygons = tuple(ring for polygon in area.polygons for ring in _rings(polygon))
    lonely_ceiling = area.ceiling_ft is not None and area.altitude_ft is None
    return replace(area, polygons=polygons, ceiling_ft=None if lonely_ceiling else area.ceiling_ft)


def _rings(ring: LinearRing) -> tuple[LinearRing, ...]:
    if ring_problem(ring) in (None, RingProblem.NOT_SIMPLE):
        # A ring that crosses itself is kept as sent; ``realis.model.area`` repairs it wherever it is used.
        return (ring,)
    inside = tuple((lat, lon) for lat, lon in ring if -90 <= lat <= 90 and -180 <= lon <= 180)
    return outline([Area("", polygons=(inside,))])


def _web(lead: Info) -> str:
    return lead.web if _WEB.fullmatch(lead.web) else ""


def _unless(word: Word, *taken: Word) -> Word | None:
    """Return the word, or None if it is one of ``taken``."""
    return None if word in taken else word
