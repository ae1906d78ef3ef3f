"""A valid CAP message with today's times for one of the installation's places, to try the intake with."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from realis.app.pairing import known_place
from realis.model.alert import Alert, Category, Certainty, Info, MsgType, Severity, Status, Urgency
from realis.model.area import Area, Circle, NamedValue
from realis.model.draft import EVENT_CODE_PROFILE
from realis.model.errors import ConfigurationError
from realis.ports.installation import City

VALID_FOR = timedelta(hours=1)


class ExampleStatus(StrEnum):
    """What the message is, in the words of the command line."""

    EXERCISE = "uebung"
    TEST = "probewarnung"
    ACTUAL = "ernstfall"


_STATUS = {
    ExampleStatus.EXERCISE: Status.EXERCISE,
    ExampleStatus.TEST: Status.TEST,
    ExampleStatus.ACTUAL: Status.ACTUAL,
}


def example_alert(city: City, place: str, status: ExampleStatus, now: datetime) -> Alert:
    """A message about smoke for a place, by default the first one.

    Raises:
        CommandError: there is no such place.
        ConfigurationError: the settings name no place at all.
    """
    if not city.places:
        raise ConfigurationError(
            "In den Einstellungen steht kein Ort.", where="city.places", remedy="Tragen Sie [[city.places]] ein."
        )
    found = known_place(city, place) if place else city.places[0]
    sent = now.replace(microsecond=0)
    info = Info(
        language="de",
        event="Brandrauch",
        urgency=Urgency.IMMEDIATE,
        severity=Severity.SEVERE,
        certainty=Certainty.OBSERVED,
        categories=(Category.FIRE,),
        event_codes=(NamedValue(EVENT_CODE_PROFILE, "BBK-EVC-034"),),
        expires=sent + VALID_FOR,
        sender_name="Beispiel-Leitstelle",
        headline=f"Beispiel: Rauch in {found.name}",
        description="Das ist eine Beispielmeldung von `realis alert example`.",
        instruction="Schließen Sie Fenster und Türen.",
        areas=(Area(found.name, circles=(Circle(found.lat, found.lon, found.radius_km),)),),
    )
    return Alert(
        identifier=f"beispiel-{uuid4()}",
        sender="leitstelle@beispiel.invalid",
        sent=sent,
        status=_STATUS[status],
        msg_type=MsgType.ALERT,
        note="Beispiel, keine echte Gefahr" if status is ExampleStatus.EXERCISE else "",
        infos=(info,),
    )
