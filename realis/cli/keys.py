"""``realis keys``: which keys there are, and letting a new one take over from an old one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from rich.progress import track
from rich.table import Table

from realis.app.clock import SystemClock
from realis.app.settings import Settings
from realis.cli.common import CONFIG, ConfigOption, database, out, run, settings_from
from realis.cli.doctor import is_serving
from realis.cli.frame import Family
from realis.keystore import files
from realis.keystore.files import KINDS, Rotation
from realis.keystore.keys import Keys
from realis.model.audit import AuditAction
from realis.model.errors import CommandError
from realis.ports.stores import AuditEntry
from realis.storage.addresses import AddressBook
from realis.storage.database import Database
from realis.storage.drafts import SqlDesk
from realis.storage.targets import SqlTargets

keys = Family("Die Schlüssel dieser Installation.")

Kind = Literal["cap", "frame", "vapid", "seal", "fingerprint"]
ACTOR = "kommandozeile"
"""Who rotates is known to the machine, not to us: it has no person's session."""

USES = {
    "cap": "unterschreibt CAP-Meldungen",
    "frame": "unterschreibt, was Bildschirme zeigen",
    "vapid": "weist uns bei den Push-Diensten aus",
    "seal": "verschlüsselt die Adressen der Angemeldeten",
    "fingerprint": "findet eine Anmeldung wieder, ohne ihre Adresse zu kennen",
}
_RESTART = "Starten Sie jetzt alle Prozesse neu (realis serve, bei mehreren Rechnern jeden Teil): "
_AFTER = {
    "cap": _RESTART
    + "bis dahin unterschreiben sie mit dem alten. Beide Zertifikate stehen unter /cap/certificates.pem.",
    "frame": _RESTART + "danach nimmt jeder Bildschirm erst wieder etwas an, wenn er neu gekoppelt ist "
    "(realis display add mit demselben Namen und Ort).",
    "vapid": "Starten Sie realis serve. Jedes Telefon meldet sich neu an, wenn sein Besitzer die App öffnet; bis dahin "
    "erreicht es keine Warnung.",
    "seal": _RESTART
    + "bis dahin verschlüsseln sie mit dem alten. Was er verschlüsselt hat, bleibt lesbar; löschen Sie "
    "ihn nie.",
}


@keys.command("list")
def keys_list(config: ConfigOption = CONFIG) -> None:
    """Zeigt alle Schlüssel: ihre Kennung und seit wann es sie gibt, nie sie selbst."""
    folder = _folder(settings_from(config))
    table = Table("Art", "Kennung", "Stand", "gemacht (UTC)", "wozu")
    current, announced = files.read_current(folder), files.read_announced(folder)
    for kind in KINDS:
        for key_id in files.on_disk(folder, kind):
            stand = {current.get(kind): "in Gebrauch", announced.get(kind): "angekündigt"}.get(key_id, "früher")
            table.add_row(kind, key_id, stand, _made(folder, kind, key_id), USES[kind])
    certificates = [(key_id, _fingerprint(folder, key_id)) for key_id in files.on_disk(folder, "cap")]
    out.print(table, soft_wrap=False)
    for key_id, digest in certificates:
        out.print(f"Zertifikat cap {key_id}, SHA-256 {digest}", soft_wrap=True)


@keys.command("announce")
def keys_announce(config: ConfigOption = CONFIG) -> None:
    """Macht das nächste CAP-Zertifikat, ohne es zu benutzen: für alle, die das alte fest eingetragen haben."""
    settings = settings_from(config)
    folder = _folder(settings)

    async def work() -> str:
        _existing(settings)
        async with database(settings) as opened:
            key_id = files.announce(folder, "cap")
            await _note(opened, AuditAction.KEY_ANNOUNCED, "cap", key="cap", new=key_id)
            return key_id

    key_id = run(work())
    out.print(f"Das nächste CAP-Zertifikat ist {key_id}, SHA-256 {_fingerprint(folder, key_id)}", soft_wrap=True)
    out.print("Es steht ab jetzt unter /cap/certificates.pem. Nennen Sie es denen, die das alte eingetragen haben.")
    out.print("Benutzt wird es nach: realis keys rotate cap")


@keys.command("rotate")
def keys_rotate(
    kind: Annotated[Kind, typer.Argument(metavar="ART", help="Art des Schlüssels")],
    silence: Annotated[
        bool,
        typer.Option("--yes-silence-every-phone", help="vapid: alle Anmeldungen für Push-Nachrichten werden gelöscht"),
    ] = False,
    pair_again: Annotated[
        bool, typer.Option("--yes-pair-every-screen-again", help="frame: jeder Bildschirm wird neu gekoppelt")
    ] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Lässt einen neuen Schlüssel den alten ablösen; was mit dem alten gemacht wurde, bleibt lesbar."""
    settings = settings_from(config)

    async def work() -> Rotation:
        folder = _existing(settings)
        async with database(settings) as opened:
            targets = SqlTargets(opened, AddressBook(Keys.open(folder, create=False)), SystemClock())
            await _refuse(kind, settings, targets, silence=silence, pair_again=pair_again)
            # Recorded before it counts: a change nobody recorded would be worse than one that then did not happen.
            with files.rotation(folder, kind) as change:
                await _note(opened, AuditAction.KEY_ROTATED, kind, key=kind, old=change.old, new=change.new)
                if kind == "vapid":
                    await _forget_phones(targets)
            return change

    change = run(work())
    out.print(f"{kind}: {change.new} ist in Gebrauch, {change.old} ist abgelöst.")
    out.print(_AFTER[kind])
    if settings.alone and is_serving(settings.data_dir):
        out.print(f"In {settings.data_dir} läuft noch ein realis serve mit dem alten Schlüssel.")


async def _refuse(kind: Kind, settings: Settings, targets: SqlTargets, *, silence: bool, pair_again: bool) -> None:
    """Raise ``CommandError`` where the new key would cut people off and nobody said that they want it."""
    if kind == "fingerprint":
        raise CommandError(
            "Der Schlüssel „fingerprint“ lässt sich nicht ablösen: mit einem neuen fände REALIS keine Anmeldung "
            "wieder, und niemand könnte sich mehr abmelden.",
            where="kind",
            remedy="Er öffnet keine Adresse. Ist er bekannt geworden, lösen Sie „seal“ ab und schützen die Datenbank.",
        )
    phones = await targets.count("webpush") if kind == "vapid" else 0
    screens = await targets.count("display") if kind == "frame" else 0
    if phones and not silence:
        raise CommandError(
            f"Ein neuer Schlüssel „vapid“ bringt {phones} angemeldete Telefone zum Schweigen: Push-Dienste nehmen für "
            "sie nur den alten an. Jedes muss sich neu anmelden; das geschieht erst, wenn jemand die App öffnet.",
            where="kind",
            remedy="Nur wenn er bekannt geworden ist: sichern Sie alles, dann mit --yes-silence-every-phone.",
        )
    if screens and not pair_again:
        raise CommandError(
            f"{screens} Bildschirme haben den Schlüssel „frame“ beim Koppeln übernommen und glauben keinem anderen: "
            "nach dem Neustart nähmen sie keine Warnung mehr an.",
            where="kind",
            remedy="Nur wenn Sie danach jeden neu koppeln können: mit --yes-pair-every-screen-again.",
        )
    if kind == "vapid" and settings.alone and is_serving(settings.data_dir):
        raise CommandError(
            f"In {settings.data_dir} läuft ein realis serve; Telefone würden sich weiter mit dem alten anmelden.",
            remedy="Beenden Sie es zuerst und starten Sie es danach wieder.",
        )


async def _forget_phones(targets: SqlTargets) -> None:
    """Delete what the new key can never reach; one refused phone would put all of web push on hold."""
    for phone in track(await targets.list("webpush"), "Anmeldungen löschen", console=out, transient=True):
        await targets.remove(phone.id)


async def _note(opened: Database, action: AuditAction, kind: str, **facts: str) -> None:
    await SqlDesk(opened, SystemClock()).note(AuditEntry(ACTOR, action, kind, facts))


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "keys"


def _existing(settings: Settings) -> Path:
    folder = _folder(settings)
    if not (folder / "current.json").is_file():
        raise CommandError(
            f"In {folder} gibt es noch keine Schlüssel.", remedy="`realis serve` legt sie beim Start an."
        )
    return folder


def _made(folder: Path, kind: str, key_id: str) -> str:
    newest = max(path.stat().st_mtime for path in folder.glob(f"{kind}-{key_id}.*"))
    return datetime.fromtimestamp(newest, UTC).strftime("%d.%m.%Y %H:%M")


def _fingerprint(folder: Path, key_id: str) -> str:
    certificate = x509.load_pem_x509_certificate((folder / f"cap-{key_id}.crt").read_bytes())
    return certificate.fingerprint(hashes.SHA256()).hex(":")
