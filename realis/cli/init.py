"""``realis init``: the questions a new installation answers, and the commented file they become."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import SecretStr

from realis.app.channel_registry import TABLE, ChannelTable
from realis.egress.channel_spec import ChannelConfig


@dataclass(frozen=True, slots=True)
class SetupAnswers:
    """What was asked. The area is a circle (degrees, kilometres) until districts are entered."""

    city: str
    authority: str
    lat: float
    lon: float
    radius_km: float
    administrator: str
    public_url: str


def ask() -> SetupAnswers:
    """Ask on the terminal."""
    city = typer.prompt("Name der Stadt")
    return SetupAnswers(
        city=city,
        authority=typer.prompt("Wer warnt (so liest es die Öffentlichkeit)", default=f"Stadt {city}, Ordnungsamt"),
        lat=typer.prompt("Mittelpunkt: Breitengrad", type=float),
        lon=typer.prompt("Mittelpunkt: Längengrad", type=float),
        radius_km=typer.prompt("Radius des Stadtgebiets in km", type=float, default=10.0),
        administrator=typer.prompt("Anmeldename der ersten Administration"),
        public_url=typer.prompt("Öffentliche Adresse", default="http://localhost:8080"),
    )


def write_settings(file: Path, answers: SetupAnswers) -> None:
    """Write the commented settings file; the caller has made sure that none exists."""
    slug = re.sub(r"[^a-z0-9]+", "-", answers.city.lower().translate(_UMLAUTS)).strip("-") or "stadt"
    general = _TEMPLATE.format(
        city=_quoted(answers.city),
        authority=_quoted(answers.authority),
        slug=slug,
        lat=answers.lat,
        lon=answers.lon,
        radius_km=answers.radius_km,
        public_url=_quoted(answers.public_url.rstrip("/")),
        gateway_url=_quoted(_gateway(answers.public_url)),
        place=_quoted(f"{answers.city}: ganzes Stadtgebiet"),
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


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _gateway(public_url: str) -> str:
    if public_url.startswith("https://"):
        return f"wss://{public_url.removeprefix('https://').rstrip('/')}/ws"
    return "ws://localhost:8081"


_TEMPLATE = """\
# Einstellungen von REALIS. Nach einer Änderung `realis serve` neu starten.

# Hier liegen Datenbank und Schlüssel. Sichern Sie dieses Verzeichnis.
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
push_contact = "mailto:webmaster@example.org"

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
contact = ""

# Orte, die Menschen und Warnpult beim Namen wählen. Kreise stehen nur ungefähr für die Stadtteile.
[[city.places]]
id = "stadt"
name = {place}
lat = {lat}
lon = {lon}
radius_km = {radius_km}
approximate = true
"""
