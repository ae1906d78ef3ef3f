"""Messages as the dispatcher would hand them to a channel: an exercise about a flood, and its endings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from realis.model.alert import Level, Occasion
from realis.model.draft import Rendered
from realis.ports.channel import Message, MessageKind, Target

SENT = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
INCIDENT = UUID("01930000-0000-7000-8000-000000000001")
NOTICE = "ÜBUNG – keine echte Gefahr"
URL = "https://warnung.siegen.example/alerts/01930000-0000-7000-8000-000000000001"
KINDS = {
    MessageKind.ALERT: "Extreme Gefahr",
    MessageKind.UPDATE: "Extreme Gefahr",
    MessageKind.ALL_CLEAR: "Entwarnung",
    MessageKind.RETRACTION: "Fehlalarm – Warnung zurückgezogen",
    MessageKind.EXPIRY: "Die Gültigkeit ist abgelaufen. Das ist keine Entwarnung.",
}
ENDINGS = (MessageKind.ALL_CLEAR, MessageKind.RETRACTION, MessageKind.EXPIRY)


def rendered(kind: MessageKind = MessageKind.ALERT, *, headline: str = "Hochwasser an der Sieg") -> Rendered:
    """The words of one message, with every sign that HTML and JSON care about."""
    return Rendered(
        language="de",
        written_in="de",
        notice=NOTICE,
        kind=KINDS[kind],
        headline=headline,
        description='Der Pegel "Weidenau" steigt auf > 4 m & steigt weiter.',
        instruction="Gehen Sie <sofort> in obere Stockwerke.",
        until="Gilt bis Dienstag, 3. November, 18:00 Uhr",
        source="Feuerwehr Siegen",
        labels=("Text nicht geprüft",),
        link=URL,
    )


def message(
    kind: MessageKind = MessageKind.ALERT, *, revision: int = 1, realert: bool = True, text: Rendered | None = None
) -> Message:
    """One message of the flood exercise."""
    return Message(
        incident=INCIDENT,
        revision=revision,
        kind=kind,
        occasion=Occasion.UEBUNG,
        level=Level.EXTREME,
        event_code="BBK-EVC-038",
        text=text or rendered(kind),
        sent=SENT,
        expires=None if kind.ending else SENT + timedelta(hours=8),
        deadline=SENT + timedelta(hours=8),
        realert=realert,
        url=URL,
    )


def saying(
    headline: str, kind: MessageKind = MessageKind.UPDATE, *, revision: int = 2, realert: bool = False
) -> Message:
    """A message whose headline tells it from others."""
    return message(kind, revision=revision, realert=realert, text=replace(rendered(kind), headline=headline))


def account(shown_ref: str | None = None, *, number: int = 1) -> Target:
    """The city's own account as a target."""
    return Target(number, "account", "de", origin="account", shown_ref=shown_ref)
