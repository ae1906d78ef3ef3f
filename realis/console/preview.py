"""A package's texts in the order a person reads them: per channel, German first, then the other languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from realis.model.draft import Content, Package, Rendered, Variant
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.desk_read_models import ChannelRow
from realis.ports.read_models import PAGE

PAGE_LABEL = "Webseite und App"


@dataclass(frozen=True, slots=True)
class ChannelTexts:
    """Everything one channel will carry."""

    name: str
    label: str
    problem: str
    first: Rendered
    others: tuple[Rendered, ...]
    expiry: tuple[Rendered, ...]

    @property
    def shortened(self) -> bool:
        """Whether any of its texts had to be shortened."""
        return any(text.shortened for text in (self.first, *self.others))


def by_channel(package: Package, rows: Sequence[ChannelRow]) -> tuple[ChannelTexts, ...]:
    """The package's texts grouped by channel, in the package's order."""
    known = {row.name: row for row in rows}
    names = dict.fromkeys(entry.channel for entry in package.texts)
    return tuple(_channel(package, name, known.get(name)) for name in names)


def _channel(package: Package, name: str, row: ChannelRow | None) -> ChannelTexts:
    texts = _german_first(_variant(package, name, Variant.MESSAGE))
    label = row.label if row else PAGE_LABEL if name == PAGE else name
    problem = row.problem if row else ""
    return ChannelTexts(
        name, label, problem, texts[0], texts[1:], _german_first(_variant(package, name, Variant.EXPIRY))
    )


def _variant(package: Package, name: str, variant: Variant) -> Iterable[Rendered]:
    return (entry.text for entry in package.texts if entry.channel == name and entry.variant is variant)


def _german_first(texts: Iterable[Rendered]) -> tuple[Rendered, ...]:
    return tuple(sorted(texts, key=lambda text: text.language != SOURCE_LANGUAGE))


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two people filled in differently."""

    field: str
    language: str
    theirs: str
    mine: str


def differences(theirs: Content, mine: Content) -> tuple[Difference, ...]:
    """What differs between a stored content and one that was to be saved, texts word by word."""
    languages = dict.fromkeys(text.language for content in (theirs, mine) for text in content.texts)
    found = [
        Difference(name, language, _part(theirs, language, attribute), _part(mine, language, attribute))
        for language in languages
        for name, attribute in _PARTS
    ]
    found += [
        Difference("Warnstufe", "", str(int(theirs.level)), str(int(mine.level))),
        Difference("Ereignis", "", theirs.event, mine.event),
        Difference("Gebiet", "", _areas(theirs), _areas(mine)),
        Difference("Kanäle", "", ", ".join(theirs.channels), ", ".join(mine.channels)),
        Difference("Gilt bis", "", _until(theirs), _until(mine)),
    ]
    return tuple(one for one in found if one.theirs != one.mine)


_PARTS = (
    ("Überschrift", "headline"),
    ("Was ist passiert?", "description"),
    ("Was soll man tun?", "instruction"),
    ("Geprüft von", "checked_by"),
)
FIELD_NAMES = (*(name for name, _ in _PARTS), "Warnstufe", "Ereignis", "Gebiet", "Kanäle", "Gilt bis")


def _part(content: Content, language: str, attribute: str) -> str:
    text = content.text(language)
    return str(getattr(text, attribute)) if text else ""


def _areas(content: Content) -> str:
    return ", ".join(area.desc for area in content.areas)


def _until(content: Content) -> str:
    return content.expires.isoformat(timespec="minutes") if content.expires else ""
