"""The German words for stages, states and reasons, as message ids of the catalogue. Words only."""

from __future__ import annotations

import re
from collections.abc import Callable

from realis.model.alert import Ending, Occasion
from realis.model.delivery import FailureKind, State
from realis.model.draft import DraftKind
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
LANGUAGE_IN_GERMAN = {
    "de": "Deutsch",
    "en": "Englisch",
    "tr": "Türkisch",
    "ar": "Arabisch",
    "uk": "Ukrainisch",
    "ru": "Russisch",
    "pl": "Polnisch",
    "fr": "Französisch",
    "de-x-ls": "Deutsch in Einfacher Sprache",
}
ACTIONS = {
    "message.received": "Meldung eingegangen",
    "draft.created": "Entwurf angelegt",
    "draft.saved": "Entwurf gespeichert",
    "draft.submitted": "Zur Freigabe vorgelegt",
    "draft.returned": "Zurückgegeben",
    "draft.discarded": "Entwurf verworfen",
    "draft.released": "Freigegeben",
    "release.stopped": "Angehalten",
    "release.failed": "Nicht ausgegeben",
    "alert.issued": "Ausgegeben",
    "hand.ticked": "Von Hand erledigt",
    "channel.resumed": "Kanal wieder freigegeben",
    "user.added": "Person angelegt",
    "user.roles": "Rollen geändert",
    "user.password_reset": "Neues Einmalpasswort",
    "user.deactivated": "Person gesperrt",
    "backup.made": "Sicherung gemacht",
    "backup.restored": "Sicherung zurückgespielt",
    "key.announced": "Schlüssel angekündigt",
    "key.rotated": "Schlüssel abgelöst",
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

_DRAFT = re.compile(rf"({'|'.join(kind.value for kind in DraftKind)}) v(\d+)(?= |$)")
_REVISION = re.compile(r"revision (\d+)(?= |$)")


def short_digests(detail: str) -> str:
    """A line of the trail with its SHA-256 digests cut to what a person can compare."""
    return _DIGEST.sub(r"\1…", detail)


def detail(stored: str, translate: Callable[[str], str]) -> str:
    """What a line of the trail says in the reader's words. The chain's own text stays as it was stored."""
    if draft := _DRAFT.match(stored):
        kind, version = translate(KINDS[DraftKind(draft[1])]), translate(VERSION) % {"n": draft[2]}
        said = f"{kind}, {version}{stored[draft.end() :]}"
    elif revision := _REVISION.match(stored):
        said = translate(REVISION) % {"n": revision[1]} + stored[revision.end() :]
    else:
        first, space, rest = stored.partition(" ")
        said = (translate(FAILED[first]) if first in FAILED else first) + space + rest
    return short_digests(said)


TABLES = (
    STAGES, OCCASIONS, OCCASION_MEANING, KINDS, ENDINGS, STATES, FAILURES, ROLES, ROLE_MEANING,
    SEVERITIES, URGENCIES, CERTAINTIES, LANGUAGE_IN_GERMAN, ACTIONS, FAILED,
)  # fmt: skip
"""Every table, so that the catalogues can be checked against it."""
