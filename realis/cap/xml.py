"""Parsing of foreign XML within bounds: no DTD, no entities, no network, no huge trees. Independent of CAP's fields."""

from __future__ import annotations

import re

from lxml import etree

from realis.model.errors import TooLarge, UnreadableMessage

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 24
MAX_ELEMENTS = 100_000

CAP_12 = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_VERSIONS = {
    CAP_12: "1.2",
    "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
    "http://www.incident.com/cap/1.0": "1.0",
    "": "",
}
"""Namespaces that are read, and their version; a missing namespace is read as 1.2 with a finding."""

DS = "http://www.w3.org/2000/09/xmldsig#"

_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse(raw: bytes, *, without_blanks: bool = False) -> etree._Element:
    """Return the root element of a message that is safe to read.

    Raises:
        UnreadableMessage: too large, not XML, with a DTD or entities, too deep or with too many elements.
    """
    if len(raw) > MAX_BYTES:
        raise TooLarge("message-too-large", max_mb=MAX_BYTES // 1024 // 1024)
    try:
        root = etree.fromstring(raw, _parser(without_blanks))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _not_xml(raw, error) from error
    # libxml2 accepts an internal DTD even with these options: refused here, whatever it declares.
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.doctype:
        raise _with_dtd()
    _check_bounds(root)
    return root


def _parser(without_blanks: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=False,
        remove_pis=False,
        remove_blank_text=without_blanks,
    )


def _not_xml(raw: bytes, error: Exception) -> UnreadableMessage:
    if _DECLARATION.search(raw.replace(b"\0", b"")):
        return _with_dtd()
    line = getattr(error, "lineno", None)
    return UnreadableMessage(
        "not-xml", where=f":{line}" if line else "", detail=str(getattr(error, "msg", None) or error)
    )


def _with_dtd() -> UnreadableMessage:
    return UnreadableMessage("with-dtd", where="<!DOCTYPE>")


def _check_bounds(root: etree._Element) -> None:
    depth = elements = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth, elements = depth + 1, elements + 1
        if depth > MAX_DEPTH or elements > MAX_ELEMENTS:
            raise UnreadableMessage("too-deep", depth=MAX_DEPTH, elements=MAX_ELEMENTS)


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace; empty for comments and processing instructions."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    """The element's namespace, or an empty string."""
    return etree.QName(element).namespace or ""


def place(element: etree._Element) -> str:
    """The element for an error's ``where``, which has no language: its name and line, as in ``<expires>:20``."""
    return f"<{local_name(element)}>:{element.sourceline}"


def where(element: etree._Element) -> str:
    """The element in a finding's German words: its name and line."""
    return f"<{local_name(element)}>, Zeile {element.sourceline}"
