"""``realis init``: the questions a new installation answers, and the commented file they become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from realis.app.channel_registry import TABLE, ChannelTable
from realis.app.settings import PlaceSettings
from realis.cli import ask, gazetteer
from realis.cli.frame import err
from realis.egress.channel_spec import ChannelConfig
from realis.model.errors import CommandError
from realis.policy.approval import Role

_RADIUS_KM = 10.0


@dataclass(frozen=True, slots=True)
class SetupAnswers:
    """What was asked. The area is a circle (degrees, kilometres); ``places`` are the districts beside it.

    Args:
        capturer: who writes warnings; may be the administrator.
        releaser: who releases them, another person. Both empty: nobody may warn yet.
        contact: what the public sees.
        screen: the name of a first screen to pair; empty for none.
    """

    city: str
    authority: str
    lat: float
    lon: float
    radius_km: float
    administrator: str
    public_url: str
    places: tuple[PlaceSettings, ...] = ()
    contact: str = ""
    capturer: str = ""
    releaser: str = ""
    screen: str = ""

    def people(self) -> Mapping[str, frozenset[Role]]:
        """The roles of everybody, by the name they sign in with; the administrator first."""
        roles: dict[str, frozenset[Role]] = {self.administrator: frozenset({Role.ADMIN})}
        for name, role in ((self.capturer, Role.CAPTURE), (self.releaser, Role.RELEASE)):
            if name:
                roles[name] = roles.get(name, frozenset()) | {role}
        return roles


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """What the options of the command answer already; None is asked for."""

    city: str | None = None
    authority: str | None = None
    centre: str | None = None
    radius_km: float | None = None
    districts: bool | None = None
    contact: str | None = None
    public_url: str | None = None
    administrator: str | None = None
    capturer: str | None = None
    releaser: str | None = None
    screen: str | None = None


def answers(given: GivenAnswers) -> SetupAnswers:
    """Ask on the terminal for what the options do not say. Raises ``CommandError`` for an option that does not fit."""
    city = _name("Name der Stadt", given.city)
    authority = _name("Wer warnt (so liest es die Öffentlichkeit)", given.authority, f"Stadt {city}, Ordnungsamt")
    known = str(gazetteer.city(city) or "")
    centre = (
        gazetteer.centre(given.centre, city)
        if given.centre is not None
        else ask.value("Mittelpunkt: Name eines Ortes, oder Breite und Länge", gazetteer.centre, known or None)
    )
    radius_km = given.radius_km
    if radius_km is None:
        radius_km = ask.value("Radius des Stadtgebiets in km", _radius, f"{_RADIUS_KM:g}")
    plain = SetupAnswers(
        city,
        authority,
        centre.lat,
        centre.lon,
        radius_km,
        administrator="",
        public_url="",
        places=_districts(city, given.districts),
    )
    plain = replace(
        plain,
        contact=_optional("Kontakt, den die Öffentlichkeit sieht (leer: keiner)", given.contact),
        public_url=_name("Öffentliche Adresse", given.public_url, "http://localhost:8080"),
    )
    return _people(plain, given)


def _people(plain: SetupAnswers, given: GivenAnswers) -> SetupAnswers:
    administrator = _name("Anmeldename der ersten Administration", given.administrator)
    capturer = _name("Anmeldename: wer Warnungen schreibt", given.capturer, administrator)

    def other(written: str) -> str:
        if not written or written == capturer:
            raise CommandError("Es muss eine andere Person sein: niemand gibt frei, was er geschrieben hat.")
        return written

    question = "Anmeldename: wer sie freigibt (eine andere Person)"
    releaser = other(given.releaser) if given.releaser is not None else ask.value(question, other)
    screen = _optional("Name eines ersten öffentlichen Bildschirms (leer: keiner)", given.screen)
    return replace(plain, administrator=administrator, capturer=capturer, releaser=releaser, screen=screen)


def _districts(city: str, wanted: bool | None) -> tuple[PlaceSettings, ...]:
    """The known districts, and more that are typed."""
    known = gazetteer.districts(city)
    if wanted is not None:
        return known if wanted else ()
    found = list(known if known and ask.yes(f"{len(known)} bekannte Ortsteile übernehmen?", default=True) else ())
    while name := _optional("Weiterer Ort (Name; leer: fertig)", None):
        place_id = gazetteer.slug(name)
        if not place_id or place_id in {"stadt", *(place.id for place in found)}:
            err.print(f"„{name}“ gibt es schon, oder es ist kein Name.")
            continue
        centre = ask.value(
            f"Mittelpunkt von {name}: Breite und Länge, oder ein Ort aus der Liste",
            lambda written: gazetteer.centre(written, city),
        )
        radius_km = ask.value("Radius in km", _radius, "1,5")
        found.append(PlaceSettings(id=place_id, name=name, lat=centre.lat, lon=centre.lon, radius_km=radius_km))
    return tuple(found)


def _name(question: str, given: str | None, default: str | None = None) -> str:
    def filled(written: str) -> str:
        if not written.strip():
            raise CommandError("Das darf nicht leer sein.", where=question)
        return written.strip()

    return filled(given) if given is not None else ask.value(question, filled, default)


def _optional(question: str, given: str | None) -> str:
    return given.strip() if given is not None else ask.text(question, "")


def _radius(written: str) -> float:
    return ask.number(written, least=0.1, most=200)


def write_settings(file: Path, answers: SetupAnswers) -> None:
    """Write the commented settings file; the caller has made sure that none exists."""
    city = PlaceSettings(
        id="stadt",
        name=f"{answers.city}: ganzes Stadtgebiet"[:80],
        lat=answers.lat,
        lon=answers.lon,
        radius_km=answers.radius_km,
    )
    general = _TEMPLATE.format(
        city=_quoted(answers.city),
        authority=_quoted(answers.authority),
        contact=_quoted(answers.contact),
        slug=gazetteer.slug(answers.city) or "stadt",
        public_url=_quoted(answers.public_url.rstrip("/")),
        gateway_url=_quoted(_gateway(answers.public_url)),
        push_contact=_quoted(_push_contact(answers.contact)),
        places="\n".join(_place(place) for place in (city, *answers.places)),
    )
    file.write_text("\n".join([general, *channel_sections(TABLE)]), encoding="utf-8")


def channel_sections(table: ChannelTable) -> list[str]:
    """A commented section for each channel that can be set up; what has a default stands there as a comment."""
    return [_section(spec.name, spec.about, spec.config) for spec in table if spec.has_settings]


def _section(name: str, about: str, config: type[ChannelConfig]) -> str:
    lines = [f"# {about} Leer heißt: nicht eingerichtet.", f"[{name}]"]
    for key, setting in config.model_fields.items():
        default = setting.default.get_secret_value() if isinstance(setting.default, SecretStr) else setting.default
        lines += [f"# {setting.description}", f"{'' if default == '' else '# '}{key} = {json.dumps(default)}"]
    return "\n".join([*lines, ""])


def _place(place: PlaceSettings) -> str:
    return _PLACE.format(
        id=_quoted(place.id), name=_quoted(place.name), lat=place.lat, lon=place.lon, radius_km=place.radius_km
    )


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _push_contact(contact: str) -> str:
    """The address push services may write to: the public one where it is an e-mail address."""
    is_address = "@" in contact and not any(char.isspace() for char in contact)
    return f"mailto:{contact if is_address else 'webmaster@example.org'}"


def _gateway(public_url: str) -> str:
    if public_url.startswith("https://"):
        return f"wss://{public_url.removeprefix('https://').rstrip('/')}/ws"
    return "ws://localhost:8081"


_PLACE = """\
[[city.places]]
id = {id}
name = {name}
lat = {lat}
lon = {lon}
radius_km = {radius_km}
approximate = true
"""

_TEMPLATE = """\
# Einstellungen von REALIS. Nach einer Änderung `realis serve` neu starten.

# Hier liegen Datenbank und Schlüssel, von dieser Datei aus gesehen. Sichern Sie dieses Verzeichnis.
data_dir = "var/realis"

# Unter dieser Adresse erreichen die Menschen REALIS. Außer auf localhost ist https nötig:
# ohne TLS arbeiten Push-Nachrichten und Bildschirme nicht.
public_url = {public_url}
gateway_url = {gateway_url}

# Worauf dieser Rechner lauscht. Davor gehört ein Proxy, der TLS beendet.
host = "127.0.0.1"
port = 8080
gateway_host = "127.0.0.1"
gateway_port = 8081

# Netze, in denen dieser Proxy steht. Nur ihm wird geglaubt, von wem eine Anfrage kommt (X-Forwarded-For, -Proto);
# er muss beide selbst setzen. Ohne ihn zählen alle, die sich am Warnpult vertippen, als dieselbe Adresse.
trusted_proxies = []

# Diese Adresse sehen die Push-Dienste, falls etwas nicht stimmt.
push_contact = {push_contact}

# Sekunden zwischen Freigabe und Ausgabe: Zeit, einen Irrtum anzuhalten.
pause_s = 10

[cap]
# So nennen sich unsere Meldungen. Ohne Leerzeichen, Komma, < und &.
sender = "{slug}@localhost"
identifier_prefix = "{slug}"

[city]
name = {city}
authority = {authority}
time_zone = "Europe/Berlin"
contact = {contact}

# Orte, die Menschen und Warnpult beim Namen wählen. Kreise stehen nur ungefähr für die Stadtteile.
{places}
"""
