"""The German words for stages, states and reasons, as message ids of the catalogue. Words only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from realis.model.alert import Ending, Occasion
from realis.model.audit import AuditAction, Fact, read_facts
from realis.model.delivery import FailureKind, State
from realis.model.draft import DraftKind
from realis.model.languages import GERMAN_NAMES
from realis.policy.approval import Role
from realis.ports.desk_read_models import IncidentStage

STAGES = {
    IncidentStage.SUBMITTED: "Wartet auf Freigabe",
    IncidentStage.PAUSE: "Geht gleich hinaus",
    IncidentStage.DRAFT: "Entwurf",
    IncidentStage.IN_FORCE: "In Kraft",
    IncidentStage.ENDED: "Beendet",
    IncidentStage.DISCARDED: "Verworfen",
}
OCCASIONS = {Occasion.ERNSTFALL: "Ernstfall", Occasion.PROBEWARNUNG: "Probewarnung", Occasion.UEBUNG: "Übung"}
OCCASION_MEANING = {
    Occasion.ERNSTFALL: "Echte Gefahr. Die Warnung geht an alle Menschen im Gebiet.",
    Occasion.PROBEWARNUNG: "Angekündigte Probe. Sie geht an alle und sagt zuerst, dass keine Gefahr besteht.",
    Occasion.UEBUNG: "Nur für angemeldete Teilnehmende. Jeder Text beginnt mit „ÜBUNG“.",
}
KINDS = {
    DraftKind.ALERT: "Warnung",
    DraftKind.UPDATE: "Aktualisierung",
    DraftKind.ALL_CLEAR: "Entwarnung",
    DraftKind.RETRACTION: "Fehlalarm",
}
ENDINGS = {
    Ending.ALL_CLEAR: "Entwarnung",
    Ending.RETRACTED: "Fehlalarm – Warnung zurückgezogen",
    Ending.EXPIRED: "Abgelaufen – keine Entwarnung",
    Ending.ENDED: "Beendet",
}
STATES = {
    State.PLANNED: "wartet",
    State.RETRYING: "neuer Versuch folgt",
    State.HELD: "angehalten",
    State.ACCEPTED: "angenommen",
    State.GONE: "abgemeldet",
    State.REJECTED: "abgelehnt",
    State.EXPIRED: "zu spät",
    State.SUPERSEDED: "überholt",
    State.STOPPED: "gestoppt",
    State.WITHDRAWN: "zurückgezogen",
    State.UNKNOWN: "ungewiss",
}
BAD_STATES = frozenset({State.HELD, State.REJECTED, State.EXPIRED, State.UNKNOWN})
"""Who was not reached, or perhaps not, and should have been, or cannot be now. Whoever signed off is none of them."""

FAILURES = {
    FailureKind.GONE.value: "Abgemeldet oder gelöscht",
    FailureKind.REJECTED.value: "Vom Dienst abgelehnt",
    FailureKind.TOO_LARGE.value: "Text zu lang für den Dienst",
    FailureKind.AUTH.value: "Zugangsdaten abgelehnt",
    FailureKind.RATE_LIMITED.value: "Dienst bremst uns",
    FailureKind.UNAVAILABLE.value: "Dienst nicht erreichbar",
    FailureKind.TIMEOUT.value: "Keine Antwort, nichts gesendet",
    FailureKind.UNKNOWN.value: "Keine Antwort, vielleicht angekommen",
}
ROLES = {
    Role.CAPTURE: "Erfassung",
    Role.RELEASE: "Freigabe",
    Role.ADMIN: "Administration",
    Role.TRAINER: "Training",
}
ROLE_MEANING = {
    Role.CAPTURE: "schreibt Warnungen und legt sie zur Freigabe vor",
    Role.RELEASE: "gibt frei, was andere geschrieben haben",
    Role.ADMIN: "legt Personen an und vergibt Rollen",
    Role.TRAINER: "schreibt Kurse",
}
SEVERITIES = {
    "Extreme": "Extrem",
    "Severe": "Schwer",
    "Moderate": "Mäßig",
    "Minor": "Gering",
    "Unknown": "Unbekannt",
}
URGENCIES = {
    "Immediate": "Sofort",
    "Expected": "Bald",
    "Future": "Später",
    "Past": "Vorbei",
    "Unknown": "Unbekannt",
}
CERTAINTIES = {
    "Observed": "Beobachtet",
    "Likely": "Wahrscheinlich",
    "Possible": "Möglich",
    "Unlikely": "Unwahrscheinlich",
    "Unknown": "Unbekannt",
}
ACTIONS = {
    AuditAction.MESSAGE_RECEIVED: "Meldung eingegangen",
    AuditAction.DRAFT_CREATED: "Entwurf angelegt",
    AuditAction.DRAFT_SAVED: "Entwurf gespeichert",
    AuditAction.DRAFT_SUBMITTED: "Zur Freigabe vorgelegt",
    AuditAction.DRAFT_RETURNED: "Zurückgegeben",
    AuditAction.DRAFT_DISCARDED: "Entwurf verworfen",
    AuditAction.DRAFT_RELEASED: "Freigegeben",
    AuditAction.RELEASE_STOPPED: "Angehalten",
    AuditAction.RELEASE_FAILED: "Nicht ausgegeben",
    AuditAction.ALERT_ISSUED: "Ausgegeben",
    AuditAction.HAND_DONE: "Von Hand erledigt",
    AuditAction.CHANNEL_RESUMED: "Kanal wieder freigegeben",
    AuditAction.USER_ADDED: "Person angelegt",
    AuditAction.USER_ROLES: "Rollen geändert",
    AuditAction.USER_PASSWORD_RESET: "Neues Einmalpasswort",
    AuditAction.USER_DEACTIVATED: "Person gesperrt",
    AuditAction.BACKUP_MADE: "Sicherung gemacht",
    AuditAction.BACKUP_RESTORED: "Sicherung zurückgespielt",
    AuditAction.KEY_ANNOUNCED: "Schlüssel angekündigt",
    AuditAction.KEY_ROTATED: "Schlüssel abgelöst",
}
"""What the audit trail's actions are called; an unknown one is shown as it is."""

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


REVISION, VERSION = "Meldung %(n)s", "Fassung %(n)s"
FAILED = {
    "signing-failed": "Unterschrift misslungen",
    "wrong-state": "Passt nicht mehr zum Stand",
    "store-unavailable": "Datenbank nicht erreichbar",
}
"""Why an issue failed, by the error's code."""


def short_digests(detail: str) -> str:
    """A line of the trail with its SHA-256 digests cut to what a person can compare."""
    return _DIGEST.sub(r"\1…", detail)


def detail(stored: str, translate: Callable[[str], str]) -> str:
    """What a line of the trail says in the reader's words. A line of an older release is shown as it was stored."""
    facts = read_facts(stored)
    if facts is None:
        return short_digests(stored)
    return ", ".join(short_digests(_fact(name, value, translate)) for name, value in _ordered(facts))


_ORDER = ("kind", "key", "version", "revision", "code", "roles", "file", "old", "new", "digest")


def _ordered(facts: Mapping[str, Fact]) -> Iterable[tuple[str, Fact]]:
    if "old" in facts and "new" in facts:
        change = f"{facts['old']} → {facts['new']}"
        facts = {**{name: value for name, value in facts.items() if name != "new"}, "old": change}
    known = [name for name in _ORDER if name in facts]
    return ((name, facts[name]) for name in (*known, *(name for name in facts if name not in known)))


def _fact(name: str, value: Fact, translate: Callable[[str], str]) -> str:
    match name, value:
        case "kind", str() if value in KINDS:
            return translate(KINDS[DraftKind(value)])
        case "version", _:
            return translate(VERSION) % {"n": value}
        case "revision", _:
            return translate(REVISION) % {"n": value}
        case "code", str():
            return translate(FAILED[value]) if value in FAILED else value
        case "roles", list():
            return ", ".join(translate(ROLES[Role(role)]) if role in set(Role) else role for role in value)
        case _:
            return str(value)


TABLES = (
    STAGES, OCCASIONS, OCCASION_MEANING, KINDS, ENDINGS, STATES, FAILURES, ROLES, ROLE_MEANING,
    SEVERITIES, URGENCIES, CERTAINTIES, GERMAN_NAMES, ACTIONS, FAILED,
)  # fmt: skip
"""Every table, so that the catalogues can be checked against it."""
