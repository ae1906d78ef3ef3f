"""The UI strings of the screen page, by language: gettext texts passed to the page as data.

They appear around a warning and never inside it; a warning's text comes signed, in its frames.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from realis.model.languages import INTERFACE_LANGUAGES
from realis.web.i18n import MessageCatalogue


def ui_strings(catalogue: MessageCatalogue) -> dict[str, dict[str, str]]:
    """Return all strings of the page for each interface language; German where a translation is missing."""
    return {language: _in_language(partial(catalogue.gettext, language=language)) for language in INTERFACE_LANGUAGES}


def _in_language(_: Callable[[str], str]) -> dict[str, str]:
    return {
        "purpose": _("Im Ernstfall erscheint hier die Warnung der Stadt."),
        "never": _("Noch keine Verbindung"),
        "offline": _("Stand: {age} – keine Verbindung"),
        "stale": _("Stand: {age} – keine neuen Daten"),
        "unknown_age": _("unbekannt"),
        "time_unknown": _("Uhrzeit unbekannt"),
        "others": _("Weitere Warnungen: {n}"),
        "no_token": _("Dieser Bildschirm ist nicht gekoppelt. Öffnen Sie hier den Link aus der Verwaltung."),
        "barred": _("Der Zugangsschlüssel wurde abgelehnt."),
        "refused": _("Eine Meldung war nicht gültig signiert und wird nicht gezeigt."),
        "stored_refused": _("Die gespeicherte Meldung war nicht gültig signiert und wird nicht gezeigt."),
        "key_changed": _("Der Server hat einen neuen Schlüssel. Bitte koppeln Sie diesen Bildschirm neu."),
    }
