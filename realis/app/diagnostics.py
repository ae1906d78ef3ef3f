"""What is missing or wrong with an installation, in plain words, and what to do about it.

Judges facts that were looked up elsewhere (``realis.cli.doctor``). It looks at nothing, repairs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from content.messages import Messages
from realis.model.errors import RealisError
from realis.model.languages import SOURCE_LANGUAGE
from realis.policy.approval import Role
from realis.services.error_texts import describe

CERTIFICATE_SOON = timedelta(days=14)
CLOCK_TOLERANCE = timedelta(seconds=2)
"""Leases and endings of several machines rest on clocks; NTP keeps them well within this."""

DISK_LOW, DISK_EMPTY = 5 * 1024**3, 512 * 1024**2
_LOCAL = ("localhost", "127.0.0.1", "::1")
_PLACEHOLDERS = ("example.org", "example.com", "example.net", "localhost")


class Grade(StrEnum):
    """How bad it is. Only a problem keeps a city from warning."""

    OK = "ok"
    HINT = "hint"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One sentence of what is, and one of what to do."""

    level: Grade
    what: str
    remedy: str = ""


def fine(what: str) -> CheckResult:
    """Nothing to do."""
    return CheckResult(Grade.OK, what)


def hint(what: str, remedy: str = "") -> CheckResult:
    """Works, but should be known."""
    return CheckResult(Grade.HINT, what, remedy)


def problem(what: str, remedy: str = "") -> CheckResult:
    """Does not work, or will soon fail people."""
    return CheckResult(Grade.PROBLEM, what, remedy)


def from_error(error: RealisError) -> CheckResult:
    """A deliberate error as a finding: it already says what to do."""
    text = describe(error, Messages.load(), SOURCE_LANGUAGE)
    return problem(text.title, text.remedy)


def worst(findings: Iterable[CheckResult]) -> Grade:
    """The worst level among findings."""
    order = list(Grade)
    return max((finding.level for finding in findings), key=order.index, default=Grade.OK)


# ---- addresses and TLS


def addresses(public_url: str, gateway_url: str) -> list[CheckResult]:
    """Whether people and screens can reach the installation safely."""
    public, gateway = urlsplit(public_url), urlsplit(gateway_url)
    if not public.hostname or public.scheme not in ("http", "https"):
        return [problem(f"public_url „{public_url}“ ist keine Adresse.", "Tragen Sie https://… ein.")]
    if public.hostname in _LOCAL:
        return [hint("REALIS ist nur auf diesem Rechner zu erreichen.", "Für den Betrieb: public_url mit https://…")]
    found = []
    if public.scheme == "http":
        found.append(
            problem(
                "public_url ist ohne TLS: Push-Nachrichten und Bildschirme arbeiten so nicht.",
                "Setzen Sie einen Proxy mit Zertifikat davor und tragen Sie https://… ein.",
            )
        )
    if gateway.scheme != ("wss" if public.scheme == "https" else "ws"):
        found.append(
            problem(f"gateway_url „{gateway_url}“ passt nicht zu public_url.", "Mit https gehört wss://… dazu.")
        )
    return found or [fine("Öffentliche Adresse mit TLS eingestellt.")]


def proxy(public_url: str, trusted: Sequence[object]) -> list[CheckResult]:
    """Whether it can be told apart who asks; REALIS itself listens without TLS, so with https a proxy is in front."""
    if not public_url.startswith("https://"):
        return []
    if not trusted:
        return [
            problem(
                "Vor REALIS steht ein Proxy mit TLS, aber keinem wird vertraut: alle Anfragen gelten als von derselben "
                "Adresse, und wer am Warnpult Passwörter rät, bremst alle anderen.",
                "Tragen Sie in trusted_proxies das Netz des Proxys ein, auf demselben Rechner "
                '["127.0.0.1/32", "::1/128"]. Er muss X-Forwarded-For und X-Forwarded-Proto selbst setzen.',
            )
        ]
    return [fine("Dem Proxy wird geglaubt, von wem eine Anfrage kommt.")]


def certificate(host: str, ends: datetime | None, now: datetime, *, failure: str = "") -> CheckResult:
    """How long the certificate is good for; ``failure`` says why nobody could see it."""
    if ends is None:
        return problem(
            f"{host} ist über TLS nicht zu erreichen: {failure}", "Prüfen Sie Proxy, Zertifikat, DNS und Firewall."
        )
    if ends <= now:
        return problem(f"Das Zertifikat von {host} ist abgelaufen.", "Erneuern Sie es sofort.")
    days = (ends - now).days
    if ends - now < CERTIFICATE_SOON:
        return hint(f"Das Zertifikat von {host} läuft in {days} Tagen ab.", "Prüfen Sie, ob es sich selbst erneuert.")
    return fine(f"Zertifikat von {host} gilt noch {days} Tage.")


def push_contact(contact: str) -> CheckResult:
    """Whether push services could reach somebody (RFC 8292, 2.1)."""
    if not contact.startswith(("mailto:", "https://")):
        return problem(f"push_contact „{contact}“ ist kein Kontakt.", "Nehmen Sie mailto:… oder https://…")
    if contact.startswith("mailto:") and "@" not in contact:
        return problem(f"push_contact „{contact}“ ist keine E-Mail-Adresse.", "Nehmen Sie mailto:name@ihre-stadt.de")
    if contact.rstrip("/").endswith(_PLACEHOLDERS):
        return hint("push_contact ist noch der Platzhalter.", "Tragen Sie eine Adresse ein, die jemand liest.")
    return fine("Kontakt für Push-Dienste eingetragen.")


# ---- keys, clock, disk


def keys(missing: Sequence[str], *, folder_mode: int | None, subscriptions: bool) -> list[CheckResult]:
    """Whether the keys are there and private. ``folder_mode``: None where there is no folder yet."""
    if missing and subscriptions:
        return [
            problem(
                f"Schlüssel fehlen ({', '.join(missing)}), obwohl es Anmeldungen gibt: sie wären alle stumm.",
                "Spielen Sie den Ordner keys aus der Sicherung zurück. Legen Sie keine neuen an.",
            )
        ]
    if missing:
        return [hint("Es gibt noch keine vollständigen Schlüssel.", "`realis serve` legt sie beim ersten Start an.")]
    if folder_mode is not None and folder_mode & 0o077:
        return [problem("Andere Benutzer dürfen in den Schlüsselordner sehen.", "Führen Sie aus: chmod 700 …/keys")]
    return [fine("Schlüssel vorhanden und nur für dieses Konto lesbar.")]


def clock(*, synchronised: bool | None, ahead: timedelta | None) -> list[CheckResult]:
    """Whether the time is right. ``ahead``: how far the record's newest time, or its server, is before our clock."""
    found = []
    if ahead is not None and ahead > CLOCK_TOLERANCE:
        seconds = int(ahead.total_seconds())
        found.append(
            problem(
                f"Die Uhr dieses Rechners geht gegenüber der Datenbank um mindestens {seconds} Sekunden nach.",
                "Stellen Sie die Uhr (NTP). Enden von Warnungen hängen an ihr.",
            )
        )
    if ahead is not None and ahead < -CLOCK_TOLERANCE:
        found.append(problem("Die Uhr dieses Rechners geht gegenüber der Datenbank vor.", "Stellen Sie die Uhr (NTP)."))
    if synchronised is None:
        found.append(hint("Ob die Uhr abgeglichen wird, ließ sich nicht prüfen.", "Prüfen Sie NTP auf diesem Rechner."))
    elif not synchronised:
        found.append(
            problem("Die Uhr wird nicht abgeglichen.", "Schalten Sie NTP ein, zum Beispiel systemd-timesyncd.")
        )
    return found or [fine("Die Uhr wird abgeglichen.")]


def disk(free: int, folder: str) -> CheckResult:
    """Whether there is room to write. Bytes."""
    megabytes = free // 1024**2
    if free < DISK_EMPTY:
        return problem(
            f"In {folder} sind nur noch {megabytes} MB frei.", "Schaffen Sie Platz, sonst steht der Versand."
        )
    if free < DISK_LOW:
        return hint(f"In {folder} sind noch {megabytes} MB frei.", "Schaffen Sie bald Platz.")
    return fine(f"Platz in {folder}: {megabytes // 1024} GB frei.")


def assets(missing: Sequence[str]) -> CheckResult:
    """Whether everything pages load is here; without it the console cannot be opened."""
    if missing:
        return problem(f"Dateien der Seiten fehlen: {', '.join(missing)}.", "Führen Sie aus: make setup")
    return fine("Dateien der Seiten vollständig.")


# ---- the record


def schema(*, current: bool) -> CheckResult:
    """Whether the database has the form this program needs."""
    if not current:
        return problem("Die Datenbank ist von einer anderen Version.", "Sichern Sie sie, dann: realis db upgrade")
    return fine("Datenbank erreichbar, auf dem Stand dieses Programms, beschreibbar.")


def audit(entries: int, broken_at: int) -> CheckResult:
    """Whether the audit chain holds."""
    if broken_at:
        return problem(
            f"Das Protokoll ist ab Eintrag {broken_at} verändert worden.",
            "Sichern Sie die Datenbank unverändert und holen Sie Hilfe; ändern Sie nichts.",
        )
    return fine(f"Protokoll unversehrt ({entries} Einträge).")


def people(roles: Sequence[frozenset[Role]]) -> CheckResult:
    """Whether two people can warn: one writes, another releases. Roles of everybody active."""
    writers = [index for index, has in enumerate(roles) if Role.CAPTURE in has]
    releasers = [index for index, has in enumerate(roles) if Role.RELEASE in has]
    if not any(writer != releaser for writer in writers for releaser in releasers):
        return problem(
            "Niemand kann warnen: es braucht eine Person mit Erfassung und eine zweite mit Freigabe.",
            "realis user add NAME --role erfassung und realis user add NAME --role freigabe",
        )
    return fine("Mindestens zwei Personen können zusammen warnen.")


# ---- ways out


def channel(label: str, *, set_up: bool, held: str = "") -> CheckResult:
    """Whether a way out can be used."""
    if held:
        return problem(f"{label} ist angehalten: {held}", "Prüfen Sie die Zugangsdaten und geben Sie den Kanal frei.")
    if not set_up:
        return hint(f"{label} ist nicht eingerichtet.", "Zugangsdaten in die Einstellungen eintragen, wenn gewünscht.")
    return fine(f"{label} ist eingerichtet.")


def listener(name: str, *, answers: bool, serving: bool | None) -> CheckResult:
    """Whether a port answers. ``serving``: whether `realis serve` runs here, None where nobody can say."""
    if answers:
        return fine(f"{name} antwortet.")
    if serving:
        return problem(f"{name} antwortet nicht, obwohl `realis serve` läuft.", "Sehen Sie ins Protokoll des Dienstes.")
    return hint(f"{name} antwortet nicht.", "Starten Sie `realis serve`.")


def hints_between(*, shared: bool, answers: bool | None) -> list[CheckResult]:
    """Whether several processes can tell each other of changes. ``answers``: None where no Redis is set."""
    if answers is False:
        return [problem("Redis antwortet nicht.", "Prüfen Sie redis_url. Bis dahin kommt alles Sekunden später an.")]
    if answers is None and shared:
        return [
            hint("Ohne redis_url merken andere Prozesse Änderungen erst Sekunden später.", "Stellen Sie Redis ein.")
        ]
    return [fine("Redis antwortet.")] if answers else []
