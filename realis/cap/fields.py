"""Readers of single fields of a foreign message: each repairs what can be repaired and records a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from lxml import etree

from realis.cap.findings import Finding
from realis.cap.plain_text import holds_html, one_line, plain
from realis.cap.times import MissingZone, is_strict, read_time
from realis.cap.xml import local_name, namespace_of, place, where
from realis.model.area import LinearRing, RingProblem
from realis.model.errors import UnreadableMessage

Word = TypeVar("Word", bound=StrEnum)

MAX_TEXT = 20_000
"""Characters of one text element that are read."""

_OLD_WORDS = {"very likely": "Likely", "cbrn": "CBRNE"}
"""Words of CAP 1.0 that CAP 1.1 replaced."""


@dataclass(slots=True)
class Notes:
    """The findings of one reading, and the counters kept across elements."""

    findings: list[Finding] = field(default_factory=list)
    points: int = 0
    rings: dict[str, tuple[LinearRing, RingProblem | None]] = field(default_factory=dict)

    def add(self, rule: str, element: etree._Element, message: str) -> None:
        """Note a finding at an element."""
        self.findings.append(Finding(rule, where(element), message))


@dataclass(frozen=True, slots=True)
class Node:
    """An element with its CAP children; elements of other namespaces are ignored."""

    element: etree._Element
    notes: Notes

    def children(self, name: str) -> Iterator[Node]:
        """The direct children of this name, in order."""
        namespace = namespace_of(self.element)
        for child in self.element:
            if isinstance(child.tag, str) and local_name(child) == name and namespace_of(child) == namespace:
                yield Node(child, self.notes)

    def child(self, name: str) -> Node | None:
        """The first child of this name, or None; a second one is noted."""
        found = list(self.children(name))
        if len(found) > 1:
            self.notes.add("repeated", found[1].element, "Das Element kommt mehrfach vor; nur das erste gilt.")
        return found[0] if found else None

    @property
    def raw(self) -> str:
        """The element's own text, trimmed, child elements ignored."""
        return "".join(str(part) for part in self.element.itertext()).strip()

    def raw_of(self, name: str) -> str:
        """The trimmed text of a child, or an empty string."""
        child = self.child(name)
        return child.raw if child else ""

    def text_of(self, name: str) -> str:
        """Return a free text as plain text: no HTML, no double escapes, line breaks kept; repeated elements joined."""
        children = list(self.children(name))
        if len(children) > 1:
            children[1].note("repeated", f"<{name}> kommt mehrfach vor; die Texte wurden aneinandergefügt.")
        return "\n\n".join(filter(None, (child._plain() for child in children)))

    def _plain(self) -> str:
        text = self.raw
        if len(text) > MAX_TEXT:
            self.note("text-too-long", f"Der Text war länger als {MAX_TEXT} Zeichen und wurde gekürzt.")
            text = text[:MAX_TEXT]
        if holds_html(text):
            self.note("html-in-text", "Der Text enthielt HTML oder doppelt maskierte Zeichen; er wurde bereinigt.")
        return plain(text)

    def line_of(self, name: str) -> str:
        """Return a free text as plain text on one line."""
        return one_line(self.text_of(name))

    def time_of(self, name: str) -> datetime | None:
        """An optional time, or None if it is missing, empty or (with a finding) no time.

        Raises:
            UnreadableMessage: the time has no zone.
        """
        child = self.child(name)
        if child is None or not child.raw:
            return None
        try:
            moment = read_time(child.raw)
        except MissingZone as error:
            raise _no_zone(child) from error
        except ValueError:
            child.note("bad-time", f"„{child.raw[:40]}“ ist keine Zeitangabe und wurde weggelassen.")
            return None
        if not is_strict(child.raw):
            child.note("time-form", "Die Zeit ist nicht wie in CAP 1.2 geschrieben (±hh:mm, kein Z, keine Bruchteile).")
        return moment

    def word_of(self, name: str, words: type[Word], fallback: Word) -> Word:
        """An enumerated value, or the fallback with a finding."""
        child = self.child(name)
        if child is None:
            self.notes.add("missing-element", self.element, f"<{name}> fehlt; gelesen als „{fallback.value}“.")
            return fallback
        return child.word(words) or child._unknown(fallback)

    def word(self, words: type[Word]) -> Word | None:
        """This element's enumerated value; other spellings are accepted with a finding, others are None."""
        text = _OLD_WORDS.get(self.raw.lower(), self.raw)
        found = next((word for word in words if word.value.lower() == text.lower()), None)
        if found is not None and found.value != self.raw:
            self.note("value-spelling", f"„{self.raw[:40]}“ wurde als „{found.value}“ gelesen.")
        return found

    def _unknown(self, fallback: Word) -> Word:
        self.note("unknown-value", f"„{self.raw[:40]}“ ist kein Wert von CAP; gelesen als „{fallback.value}“.")
        return fallback

    def note(self, rule: str, message: str) -> None:
        """Note a finding at this element."""
        self.notes.add(rule, self.element, message)

    def number_of(self, name: str, kind: Callable[[str], float]) -> float | None:
        """A finite number, or None if it is missing or (with a finding) not one."""
        child = self.child(name)
        if child is None or not child.raw:
            return None
        try:
            number = kind(child.raw)
        except (ValueError, OverflowError):
            number = float("nan")
        if not abs(number) < 1e15:  # also false for NaN
            child.note("bad-number", f"„{child.raw[:40]}“ ist keine Zahl und wurde weggelassen.")
            return None
        return number


def _no_zone(node: Node) -> UnreadableMessage:
    return UnreadableMessage(
        "time-without-zone", where=place(node.element), element=local_name(node.element), text=node.raw[:40]
    )
