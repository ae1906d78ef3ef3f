"""The CAP 1.2 information model as frozen types, and the German terms derived from it.

Fields carry the standard's names in Python spelling (OASIS CAP 1.2, chapter 3). No clock, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from realis.model.area import Area, NamedValue


class Status(StrEnum):
    """CAP ``status``. Only ACTUAL is for action."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """CAP ``msgType``."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """CAP ``scope``."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    """CAP ``category``."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    """CAP ``responseType``."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    """CAP ``urgency``."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """CAP ``severity``."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """CAP ``certainty``. CAP 1.0's "Very Likely" is read as LIKELY."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class Occasion(StrEnum):
    """Anlass: chosen first, never converted once issued (promise 7). The value is the word in URLs and JSON."""

    ERNSTFALL = "ernstfall"
    PROBEWARNUNG = "probewarnung"
    UEBUNG = "uebung"

    @property
    def status(self) -> Status:
        """The CAP status of messages of this occasion."""
        return _STATUS[self]


_STATUS = {
    Occasion.ERNSTFALL: Status.ACTUAL,
    Occasion.PROBEWARNUNG: Status.TEST,
    Occasion.UEBUNG: Status.EXERCISE,
}


class Level(IntEnum):
    """Warnstufe: 1 Extreme Gefahr, 2 Gefahr, 3 Gefahreninformation. Lower is graver."""

    EXTREME = 1
    DANGER = 2
    INFORMATION = 3

    @property
    def severity(self) -> Severity:
        """The CAP severity that follows from the level unless it is changed."""
        return {1: Severity.EXTREME, 2: Severity.SEVERE, 3: Severity.MINOR}[self.value]

    @property
    def urgency(self) -> Urgency:
        """The CAP urgency that follows from the level unless it is changed."""
        return Urgency.IMMEDIATE if self is not Level.INFORMATION else Urgency.EXPECTED

    @property
    def certainty(self) -> Certainty:
        """The CAP certainty that follows from the level unless it is changed."""
        return Certainty.OBSERVED if self is Level.EXTREME else Certainty.LIKELY


def level_of(severity: Severity) -> Level:
    """Return the Warnstufe of a foreign message's severity. Unknown is treated as danger, not as harmless."""
    if severity is Severity.EXTREME:
        return Level.EXTREME
    if severity in (Severity.SEVERE, Severity.UNKNOWN):
        return Level.DANGER
    return Level.INFORMATION


class Ending(StrEnum):
    """The ways a warning can end. Never mixed; each has its own text, shape and colour.

    ALL_CLEAR is Entwarnung, RETRACTED is Fehlalarm, EXPIRED is "abgelaufen, keine Entwarnung",
    ENDED is a foreign Cancel that states neither.
    """

    ALL_CLEAR = "all_clear"
    RETRACTED = "retracted"
    EXPIRED = "expired"
    ENDED = "ended"


ENDING_PARAMETER = "ending"
"""Name of the CAP parameter by which REALIS marks a Fehlalarm (``ending=retracted``)."""

LEVEL_PARAMETER = "warnstufe"
"""Name of the CAP parameter that keeps the Warnstufe where an operator set another severity under "Erweitert"."""

DEFAULT_VALIDITY = timedelta(hours=6)
"""Validity of a foreign message without ``expires`` (CAP 1.2, 3.2.2 leaves it to the recipient)."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``sender,identifier,sent`` triple of CAP ``references``. ``sent`` compares as an instant.

    ``sender`` may be empty and ``sent`` None where a foreign message named an identifier only.
    """

    sender: str
    identifier: str
    sent: datetime | None


@dataclass(frozen=True, slots=True)
class Resource:
    """CAP ``<resource>``. ``size`` in bytes, ``digest`` the SHA-1 in hex."""

    desc: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """One CAP ``<info>``: the warning in one language. Times are aware datetimes."""

    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    categories: tuple[Category, ...]
    language: str = "en-US"
    response_types: tuple[ResponseType, ...] = ()
    audience: str = ""
    event_codes: tuple[NamedValue, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[NamedValue, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


def level_of_info(info: Info) -> Level:
    """Return the Warnstufe of one info: as stated in its parameter, else from its severity."""
    stated = next((p.value for p in info.parameters if p.name == LEVEL_PARAMETER), "")
    return Level(int(stated)) if stated in ("1", "2", "3") else level_of(info.severity)


@dataclass(frozen=True, slots=True)
class Alert:
    """One CAP message, immutable once issued."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    scope: Scope = Scope.PUBLIC
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()

    @property
    def reference(self) -> Reference:
        """The reference by which later messages name this one."""
        return Reference(self.sender, self.identifier, self.sent)

    @property
    def areas(self) -> tuple[Area, ...]:
        """The areas of all infos, each once, in order."""
        return tuple(dict.fromkeys(area for info in self.infos for area in info.areas))


def ends_at(alert: Alert) -> datetime:
    """Return when the alert stops being valid: the latest ``expires`` of its infos (promise 5).

    The only function for this; ``DEFAULT_VALIDITY`` after ``sent`` for a foreign message without any.
    """
    named = [info.expires for info in alert.infos if info.expires is not None]
    return max(named) if named else alert.sent + DEFAULT_VALIDITY


def ending_of(alert: Alert) -> Ending | None:
    """Return the ending this message announces, or None if it warns. Read from msgType and responseType first.

    MoWaS's all-clear keeps severity Extreme and lacks the responseType in XML: it is recognised by the German headline
    ("Entwarnung") and by the instruction code BBK-ISC-082 ("keine Gefahr").
    """
    responses = {response for info in alert.infos for response in info.response_types}
    if ResponseType.ALL_CLEAR in responses:
        return Ending.ALL_CLEAR
    if alert.msg_type is not MsgType.CANCEL:
        return None
    parameters = [parameter for info in alert.infos for parameter in info.parameters]
    if any(p.name == ENDING_PARAMETER and p.value == Ending.RETRACTED for p in parameters):
        return Ending.RETRACTED
    if any(info.headline.strip().lower().startswith("entwarnung") for info in alert.infos):
        return Ending.ALL_CLEAR
    if any(p.name == "instructionCode" and "BBK-ISC-082" in p.value.split() for p in parameters):
        return Ending.ALL_CLEAR
    return Ending.ENDED
