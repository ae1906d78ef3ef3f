"""What keeps this account from a file or an address, in a sentence and with what to do. Changes nothing by itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from realis.model.errors import ConfigurationError

_REASONS = {
    errno.EACCES: ("Dafür fehlt diesem Konto das Recht", "Prüfen Sie, wem es gehört: ls -ld"),
    errno.EPERM: ("Dafür fehlt diesem Konto das Recht", "Prüfen Sie, wem es gehört: ls -ld"),
    errno.ENOENT: ("Das gibt es nicht", "Prüfen Sie den Namen."),
    errno.ENOTDIR: ("Auf dem Weg dorthin liegt eine Datei statt eines Verzeichnisses", "Prüfen Sie den Namen."),
    errno.EEXIST: ("Das gibt es schon", "Nehmen Sie einen anderen Namen."),
    errno.EISDIR: ("Das ist ein Verzeichnis, keine Datei", "Geben Sie eine Datei an."),
    errno.ENOSPC: ("Auf der Platte ist kein Platz mehr", "Schaffen Sie Platz."),
    errno.EROFS: ("Dort ist nur Lesen erlaubt", "Wählen Sie einen anderen Ort."),
    errno.ECONNREFUSED: ("Dort antwortet nichts", "Läuft das Programm, und stimmt die Adresse?"),
}


def obstacle(error: OSError, path: Path | None = None) -> ConfigurationError:
    """The error an operator reads for one of the system's.

    Args:
        path: the file it concerns, where the system does not say.
    """
    named = str(path or error.filename or "")
    reason, remedy = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
    if remedy.endswith("ls -ld"):
        remedy = f"{remedy} {named}" if named else "Prüfen Sie die Rechte."
    return ConfigurationError(f"{named}: {reason}." if named else f"{reason}.", where=named, remedy=remedy)


def data_dir_obstacle(folder: Path) -> ConfigurationError | None:
    """What keeps ``folder`` from being made or written to, without trying it; None if nothing does."""
    try:
        if folder.is_dir():
            return None if os.access(folder, os.W_OK | os.X_OK) else _not_ours(folder)
        if folder.exists() or folder.is_symlink():
            return ConfigurationError(
                f"data_dir {folder} ist kein Verzeichnis.",
                where="data_dir",
                remedy="Wählen Sie in den Einstellungen ein anderes data_dir.",
            )
        above = next(parent for parent in folder.absolute().parents if parent.exists())
    except OSError as error:
        return obstacle(error, folder)
    if not above.is_dir():
        return ConfigurationError(
            f"data_dir {folder} lässt sich nicht anlegen: {above} ist kein Verzeichnis.",
            where="data_dir",
            remedy="Wählen Sie in den Einstellungen ein anderes data_dir.",
        )
    return None if os.access(above, os.W_OK | os.X_OK) else _not_ours(above)


def make_data_dir(folder: Path) -> None:
    """Make the data directory, for this account alone. Raises ``ConfigurationError`` where that cannot be."""
    if found := data_dir_obstacle(folder):
        raise found
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise obstacle(error, folder) from error


def _not_ours(folder: Path) -> ConfigurationError:
    return ConfigurationError(
        f"In {folder} darf dieses Konto nichts anlegen.",
        where="data_dir",
        remedy=f"Geben Sie ihm das Verzeichnis (chown) oder wählen Sie ein anderes data_dir: ls -ld {folder}",
    )
