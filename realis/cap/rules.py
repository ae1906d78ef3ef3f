"""The semantic rules of CAP 1.2 and of practice, each with a stable id.

Pure: context and time are parameters. A finding never rejects a message; an operator decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from realis.cap.findings import Finding, merged
from realis.model.alert import Alert, Ending, Info, MsgType, Reference, Scope, Status, ending_of, ends_at
from realis.model.incident import same_reference

MAX_HEADLINE = 160
"""Characters the standard recommends for a headline (CAP 1.2, 3.2.2)."""

_TEST_CODES = ("BBK-EVC-050", "BBK-EVC-060", "BBK-EVC-078")
_TEST_WORDS = re.compile(
    r"\b(?:probe(?:alarm|warnung|meldung|betrieb|lauf)?|test(?:alarm|warnung|meldung|message|nachricht)?|"
    r"warntag|übung)\b|\b(?:this is an? (?:exercise|drill)|exercise exercise)\b",
    re.IGNORECASE,
)


def check(alert: Alert, now: datetime, known: Collection[Reference]) -> tuple[Finding, ...]:
    """Return all findings an operator should see before acting on the message."""
    found = [finding for rule in _RULES for finding in rule(alert)]
    return merged([*found, *_expired(alert, now), *_future(alert, now), *_unknown_references(alert, known)])


def looks_like_test(alert: Alert) -> bool:
    """Whether codes or words mark the message as a test, whatever its status."""
    codes = {code.value for info in alert.infos for code in info.event_codes}
    if codes & set(_TEST_CODES):
        return True
    texts = (text for info in alert.infos for text in (info.event, info.headline, info.description))
    return any(_TEST_WORDS.search(text) for text in (alert.note, *texts))


def _expired(alert: Alert, now: datetime) -> Iterator[Finding]:
    if alert.infos and ends_at(alert) <= now:
        yield Finding("expired", "<expires>", "Die Meldung ist bereits abgelaufen.")


def _future(alert: Alert, now: datetime) -> Iterator[Finding]:
    if (alert.sent - now).total_seconds() > 300:
        yield Finding(
            "sent-in-future", "<sent>", "Die Sendezeit liegt in der Zukunft. Prüfen Sie die Uhr des Absenders."
        )


def _unknown_references(alert: Alert, known: Collection[Reference]) -> Iterator[Finding]:
    by_identifier: dict[str, list[Reference]] = {}
    for other in known:
        by_identifier.setdefault(other.identifier, []).append(other)
    for reference in alert.references:
        if not any(same_reference(reference, other) for other in by_identifier.get(reference.identifier, ())):
            yield Finding(
                "reference-unknown",
                "<references>",
                f"Die Meldung verweist auf „{reference.identifier[:80]}“, die hier nicht bekannt ist.",
            )


def _references(alert: Alert) -> Iterator[Finding]:
    answers = alert.msg_type is not MsgType.ALERT
    if answers and not alert.references:
        yield Finding(
            "references-missing",
            "<references>",
            f"Eine Meldung der Art {alert.msg_type.value} muss sagen, worauf sie sich bezieht; das fehlt.",
        )
    if not answers and alert.references:
        yield Finding(
            "references-on-alert", "<references>", "Die Meldung ist neu (Alert), verweist aber auf frühere Meldungen."
        )
    if any(same_reference(reference, alert.reference) for reference in alert.references):
        yield Finding("reference-to-self", "<references>", "Die Meldung verweist auf sich selbst.")


def _addressing(alert: Alert) -> Iterator[Finding]:
    if alert.scope is Scope.RESTRICTED and not alert.restriction:
        yield Finding("restriction-missing", "<scope>", "Die Verbreitung ist beschränkt, die Regel dafür fehlt.")
    if alert.scope is not Scope.RESTRICTED and alert.restriction:
        yield Finding("restriction-unused", "<restriction>", "Eine Beschränkung ist genannt, gilt aber nicht (scope).")
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        yield Finding("addresses-missing", "<scope>", "Die Meldung ist nur für bestimmte Empfänger; sie fehlen.")
    if alert.scope is not Scope.PUBLIC:
        yield Finding("not-public", "<scope>", "Die Meldung ist nicht für die Öffentlichkeit bestimmt.")


def _status(alert: Alert) -> Iterator[Finding]:
    if alert.status in (Status.SYSTEM, Status.DRAFT):
        yield Finding("not-actionable", "<status>", f"Status {alert.status.value}: Die Meldung ist nicht zum Handeln.")
    if alert.status is Status.EXERCISE and not alert.note:
        yield Finding("exercise-unnamed", "<note>", "Die Übung ist nicht benannt (note).")
    if alert.status is Status.ACTUAL and looks_like_test(alert):
        yield Finding(
            "looks-like-test",
            "<status>",
            "Die Meldung trägt den Status Ernstfall (Actual), Code oder Text sprechen aber von einer Probe oder Übung. "
            "Wählen Sie den Anlass.",
        )


def _ending(alert: Alert) -> Iterator[Finding]:
    if ending_of(alert) is Ending.ENDED:
        yield Finding(
            "ending-unclear",
            "<msgType>",
            "Die Meldung hebt eine Warnung auf, sagt aber nicht, ob es eine Entwarnung oder ein Fehlalarm ist.",
        )
    if alert.msg_type is MsgType.ERROR and not alert.note:
        yield Finding("error-without-note", "<note>", "Eine Fehlermeldung (Error) ohne Begründung.")


def _times(alert: Alert) -> Iterator[Finding]:
    for info in alert.infos:
        starts = info.effective or alert.sent
        if info.expires is None:
            yield _at("no-expires", info, "Es fehlt, bis wann die Meldung gilt; angenommen werden 6 Stunden.")
        elif info.expires < starts:
            yield _at("expires-before-sent", info, "Das Ende liegt vor der Sendezeit oder dem Beginn.")
        elif info.onset is not None and info.expires < info.onset:
            yield _at("expires-before-onset", info, "Das Ende liegt vor dem erwarteten Beginn.")


def _texts(alert: Alert) -> Iterator[Finding]:
    for info in alert.infos:
        if not info.headline:
            yield _at("headline-missing", info, "Die Überschrift fehlt.")
        elif len(info.headline) > MAX_HEADLINE:
            yield _at("headline-long", info, f"Die Überschrift ist länger als {MAX_HEADLINE} Zeichen.")
        if not info.instruction and ending_of(alert) is None:
            yield _at("instruction-missing", info, "Es fehlt, was die Menschen tun sollen.")
        if not info.event:
            yield _at("event-missing", info, "Die Art des Ereignisses fehlt.")


def _infos(alert: Alert) -> Iterator[Finding]:
    if not alert.infos and alert.msg_type in (MsgType.ALERT, MsgType.UPDATE):
        yield Finding("info-missing", "<info>", "Die Meldung enthält keinen Inhalt (info).")
    if len({frozenset(info.categories) for info in alert.infos}) > 1:
        yield Finding("categories-differ", "<category>", "Die Sprachfassungen nennen verschiedene Kategorien.")
    if len({frozenset(info.event_codes) for info in alert.infos}) > 1:
        yield Finding("event-codes-differ", "<eventCode>", "Die Sprachfassungen nennen verschiedene Ereigniscodes.")


def _translations(alert: Alert) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for info in alert.infos:
        text = info.description or info.instruction
        before = seen.setdefault(text, info.language)
        if text and _primary(before) != _primary(info.language):
            yield _at("same-text", info, f"Der Text ist derselbe wie unter „{before}“, also wohl nicht übersetzt.")


def _areas(alert: Alert) -> Iterator[Finding]:
    areas = alert.areas
    if alert.infos and not any(area.has_shape for area in areas):
        yield Finding("no-shape", "<area>", "Die Meldung enthält kein Gebiet, das sich zeichnen lässt.")
    for area in areas:
        if area.ceiling_ft is not None and area.altitude_ft is None:
            yield Finding("ceiling-without-altitude", "<ceiling>", "Eine Obergrenze ist ohne Untergrenze angegeben.")
        elif area.ceiling_ft is not None and area.altitude_ft is not None and area.ceiling_ft < area.altitude_ft:
            yield Finding("ceiling-below-altitude", "<ceiling>", "Die Obergrenze liegt unter der Untergrenze.")
        if not area.desc:
            yield Finding("area-unnamed", "<areaDesc>", "Ein Gebiet hat keinen Namen.")
        if any(code.name == "EXCLUDE_POLYGON" for code in area.geocodes):
            yield Finding("holes", "<geocode>", "Das Gebiet hat Löcher, die hier nicht ausgespart werden.")


def _resources(alert: Alert) -> Iterator[Finding]:
    for info in alert.infos:
        for resource in info.resources:
            if not resource.mime_type:
                yield _at("mime-type-missing", info, "Eine Anlage nennt keinen Dateityp.")


def _at(rule: str, info: Info, message: str) -> Finding:
    return Finding(rule, f"Sprachfassung {info.language}", message)


def _primary(language: str) -> str:
    return language.lower() if language.lower().startswith("de-x-") else language.lower().partition("-")[0]


_RULES: tuple[Callable[[Alert], Iterator[Finding]], ...] = (
    _status,
    _ending,
    _references,
    _addressing,
    _times,
    _infos,
    _texts,
    _translations,
    _areas,
    _resources,
)
