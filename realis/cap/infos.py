"""CAP ``info`` and ``resource`` elements as frozen types; each repair is recorded as a finding."""

from __future__ import annotations

import re

from realis.cap.areas import read_area, read_named
from realis.cap.fields import Node
from realis.cap.plain_text import one_line
from realis.model.alert import Category, Certainty, Info, Resource, ResponseType, Severity, Urgency

DEFAULT_LANGUAGE = "en-US"
"""The language of an info without ``language`` (CAP 1.2, 3.2.2)."""

_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_PLAIN_GERMAN = {"de-ls", "de_ls", "de-x-ls"}


def read_info(node: Node) -> Info:
    """One info block as sent, texts as plain text."""
    return Info(
        language=_language(node),
        categories=_categories(node),
        event=node.line_of("event"),
        response_types=_response_types(node),
        urgency=node.word_of("urgency", Urgency, Urgency.UNKNOWN),
        severity=node.word_of("severity", Severity, Severity.UNKNOWN),
        certainty=node.word_of("certainty", Certainty, Certainty.UNKNOWN),
        audience=node.line_of("audience"),
        event_codes=read_named(node, "eventCode"),
        effective=node.time_of("effective"),
        onset=node.time_of("onset"),
        expires=node.time_of("expires"),
        sender_name=node.text_of("senderName"),
        headline=node.line_of("headline"),
        description=node.text_of("description"),
        instruction=node.text_of("instruction"),
        web=one_line(node.raw_of("web")),
        contact=node.text_of("contact"),
        parameters=read_named(node, "parameter"),
        resources=tuple(_resource(child) for child in node.children("resource")),
        areas=tuple(read_area(child) for child in node.children("area")),
    )


def _language(node: Node) -> str:
    child = node.child("language")
    text = child.raw if child else ""
    if not text:
        node.note("no-language", f"Die Sprache fehlt; nach dem Standard gilt sie als Englisch ({DEFAULT_LANGUAGE}).")
        return DEFAULT_LANGUAGE
    if text.lower() in _PLAIN_GERMAN:
        if text.lower() != "de-x-ls":
            node.note("language-form", f"„{text}“ wurde als Deutsch in leichter Fassung (de-x-ls) gelesen.")
        return "de-x-ls"
    tag = text.replace("_", "-")
    if not _TAG.fullmatch(tag):
        node.note("language-form", f"„{text[:20]}“ ist keine Sprachangabe; gelesen als unbestimmt (und).")
        return "und"
    if tag != text:
        node.note("language-form", f"„{text}“ wurde als „{tag}“ gelesen.")
    return tag


def _categories(node: Node) -> tuple[Category, ...]:
    found = []
    for child in node.children("category"):
        word = child.word(Category)
        if word is None:
            child.note("unknown-value", f"„{child.raw[:40]}“ ist keine Kategorie von CAP; gelesen als „Other“.")
        found.append(word or Category.OTHER)
    if not found:
        node.note("missing-element", "<category> fehlt; gelesen als „Other“.")
        found = [Category.OTHER]
    return tuple(dict.fromkeys(found))


def _response_types(node: Node) -> tuple[ResponseType, ...]:
    found = []
    for child in node.children("responseType"):
        word = child.word(ResponseType)
        if word is None:
            child.note("unknown-value", f"„{child.raw[:40]}“ ist keine Handlungsart von CAP und wurde weggelassen.")
        else:
            found.append(word)
    return tuple(dict.fromkeys(found))


def _resource(node: Node) -> Resource:
    size = node.number_of("size", int)
    return Resource(
        desc=node.line_of("resourceDesc"),
        mime_type=node.raw_of("mimeType"),
        size=None if size is None else int(size),
        uri=node.raw_of("uri"),
        deref_uri=node.raw_of("derefUri"),
        digest=node.raw_of("digest"),
    )
