"""What is wrong with a setting, in German: pydantic's findings by their type. Reads no settings itself."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from realis.model.errors import ConfigurationError

_BY_TYPE = {
    "missing": "fehlt",
    "extra_forbidden": "gibt es nicht",
    "greater_than": "muss größer als {gt} sein",
    "greater_than_equal": "muss mindestens {ge} sein",
    "less_than": "muss kleiner als {lt} sein",
    "less_than_equal": "darf höchstens {le} sein",
    "finite_number": "muss eine endliche Zahl sein",
    "string_too_short": "ist zu kurz (mindestens {min_length} Zeichen)",
    "string_too_long": "ist zu lang (höchstens {max_length} Zeichen)",
    "string_pattern_mismatch": "hat nicht die erwartete Form (Muster: {pattern})",
    "too_short": "enthält zu wenig (mindestens {min_length})",
    "too_long": "enthält zu viel (höchstens {max_length})",
    "int_from_float": "muss eine ganze Zahl sein",
    "value_error": "ist falsch: {error}",
    "assertion_error": "ist falsch: {error}",
}
_BY_BEGINNING = (
    ("int_", "muss eine ganze Zahl sein"),
    ("float_", "muss eine Zahl sein"),
    ("bool_", "muss true oder false sein"),
    ("string_", "muss ein Text in Anführungszeichen sein"),
    ("path_", "muss der Name einer Datei oder eines Verzeichnisses sein"),
    ("tuple_", "muss eine Liste in eckigen Klammern sein"),
    ("list_", "muss eine Liste in eckigen Klammern sein"),
    ("model_", "muss ein Abschnitt sein"),
    ("dict_", "muss ein Abschnitt sein"),
)
_REMEDIES = {
    "missing": "Tragen Sie sie in {file} ein.",
    "extra_forbidden": "Prüfen Sie die Schreibweise und den Abschnitt, in dem sie steht, oder löschen Sie die Zeile.",
}


def sentence(found: ErrorDetails) -> str:
    """What is wrong, to be read after the setting's name."""
    kind, context = found["type"], found.get("ctx", {})
    if kind in _BY_TYPE:
        return _BY_TYPE[kind].format(**_plain(context))
    return next((said for begins, said in _BY_BEGINNING if kind.startswith(begins)), "hat nicht die erwartete Form")


def as_configuration_error(found: ErrorDetails, file: object) -> ConfigurationError:
    """The error for pydantic's finding; names the setting, never its value, which may be a secret."""
    where = ".".join(str(part) for part in found["loc"])
    remedy = _REMEDIES.get(found["type"], "Berichtigen Sie den Wert in {file} oder in der Umgebung (REALIS_…).")
    return ConfigurationError(f"Einstellung {where} {sentence(found)}.", where=where, remedy=remedy.format(file=file))


def _plain(context: Mapping[str, object]) -> dict[str, str]:
    """Numbers as people write them: 65535, not 65535.0."""
    return {
        name: f"{value:g}" if isinstance(value, float) else str(value).rstrip(".") for name, value in context.items()
    }
