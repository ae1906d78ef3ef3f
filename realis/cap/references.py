"""CAP ``references`` and the quoted lists ``addresses`` and ``incidents``, in both directions.

References are ``sender,identifier,sent`` triples separated by white space (CAP 1.2, 3.2.1). Deviating forms in use are
read too: identifiers only, triples joined by commas, several identifiers inside one triple.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from realis.cap.fields import Node
from realis.cap.times import read_time, write_time
from realis.model.alert import Reference
from realis.model.errors import InvalidInput

MAX_REFERENCES = 500
"""References of one message that are read; chains in use have a handful."""

_ITEM = re.compile(r'"([^"]*)"|(\S+)')
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d\S*")
_FORBIDDEN = re.compile(r"[\s,<&]")


def read_references(alert: Node) -> tuple[Reference, ...]:
    """Return the messages an alert refers to, each once; forms that violate the standard become findings."""
    node = alert.child("references")
    if node is None or not node.raw:
        return ()
    found: list[Reference] = []
    strict = True
    for token in node.raw.split():
        parts = [part for part in token.split(",") if part]
        strict = strict and len(parts) == 3
        found.extend(_from_parts(parts))
    if not strict or any(reference.sent is None for reference in found):
        node.note("references-form", "Die Verweise sind nicht als Absender,Kennung,Zeit geschrieben.")
    if len(found) > MAX_REFERENCES:
        node.note("references-many", f"Nur die ersten {MAX_REFERENCES} Verweise wurden gelesen.")
    return tuple(dict.fromkeys(found[:MAX_REFERENCES]))


def _from_parts(parts: list[str]) -> list[Reference]:
    if not any(_TIME.fullmatch(part) for part in parts):
        return [Reference("", part, None) for part in _without_sender(parts)]
    found, group = [], list[str]()
    for part in parts:
        if _TIME.fullmatch(part):
            found.extend(_group(group, part))
            group = []
        else:
            group.append(part)
    return [*found, *(Reference("", part, None) for part in group)]


def _without_sender(parts: list[str]) -> list[str]:
    # Without a time, only its likely form (a mail address) distinguishes a sender from an identifier.
    return [part for part in parts if "@" not in part] or parts


def _group(parts: list[str], time: str) -> list[Reference]:
    try:
        sent = read_time(time)
    except ValueError:
        sent = None
    if len(parts) < 2:
        return [Reference("", part, sent) for part in parts]
    sender, *identifiers = parts
    # Several identifiers share one time, which then is that of one of them only.
    return [Reference(sender, identifier, sent if len(identifiers) == 1 else None) for identifier in identifiers]


def write_references(references: Iterable[Reference]) -> str:
    """Return the references as CAP text.

    Raises:
        InvalidInput: one lacks a part or holds a character that would break the list.
    """
    return " ".join(_triple(reference) for reference in references)


def _triple(reference: Reference) -> str:
    if reference.sent is None:
        raise InvalidInput("reference-without-time", where="references")
    check_name(reference.sender, "references")
    check_name(reference.identifier, "references")
    return f"{reference.sender},{reference.identifier},{write_time(reference.sent, 'references')}"


def check_name(text: str, field: str) -> None:
    """Raise ``InvalidInput`` unless the text can be an identifier or sender (no space, comma, < or &)."""
    if not text or _FORBIDDEN.search(text):
        raise InvalidInput("name-unfit", where=field, field=field)


def read_list(text: str) -> tuple[str, ...]:
    """Return the items of a space-separated list; those with spaces are in double quotes."""
    return tuple(quoted or bare for quoted, bare in _ITEM.findall(text) if quoted or bare)


def write_list(items: Iterable[str], field: str) -> str:
    """Return the list as CAP text. Raises ``InvalidInput`` for an item that cannot be quoted."""
    return " ".join(_quoted(item, field) for item in items)


def _quoted(item: str, field: str) -> str:
    if not item or '"' in item or "\n" in item:
        raise InvalidInput("list-entry-unfit", where=field, field=field)
    return f'"{item}"' if re.search(r"\s", item) else item
