"""Reads the ready-made words an operator starts from. It must not fill in anything about a real incident."""

from __future__ import annotations

from collections.abc import Mapping

from content.reading import Table, broken, require_text
from realis.model.draft import DraftKind
from realis.ports.content import Template

GENERIC = "generic"
"""The section that serves every event without words of its own."""

_FIELDS = ("headline", "description", "instruction")
Key = tuple[str, DraftKind]


def read_templates(table: Table, where: str) -> dict[Key, Template]:
    """One language's templates by event code (or ``generic``) and kind. Raises ``ConfigurationError``."""
    checked_by = str(table.get("checked_by", ""))
    found: dict[Key, Template] = {}
    for code, kinds in table.items():
        if isinstance(kinds, Mapping):
            found.update({(code, kind): t for kind, t in _section(kinds, f"{where}: {code}", checked_by).items()})
    missing = [kind.value for kind in DraftKind if (GENERIC, kind) not in found]
    if missing:
        raise broken(where, f"lacks [generic.{missing[0]}]")
    return found


def _section(kinds: Table, where: str, checked_by: str) -> dict[DraftKind, Template]:
    found = {}
    for name, fields in kinds.items():
        if name not in set(DraftKind) or not isinstance(fields, Mapping):
            raise broken(where, f"knows no [{name}]; use {', '.join(DraftKind)}")
        if name == DraftKind.UPDATE:
            fields = {"instruction": _instruction_of_alert(kinds), **fields}
        found[DraftKind(name)] = _template(fields, f"{where}.{name}", checked_by)
    return found


def _instruction_of_alert(kinds: Table) -> object:
    alert = kinds.get(DraftKind.ALERT.value)
    return alert.get("instruction") if isinstance(alert, Mapping) else None


def _template(fields: Table, where: str, checked_by: str) -> Template:
    unknown = set(fields) - set(_FIELDS)
    if unknown:
        raise broken(where, f"knows no {sorted(unknown)[0]}; use {', '.join(_FIELDS)}")
    headline, description, instruction = (require_text(fields.get(name), f"{where}: {name}") for name in _FIELDS)
    return Template(headline, description, instruction, checked_by)
