"""The scene of one group of screens: the gravest warning that touches its place, an ending, or nothing.

Pure decisions over a snapshot; no sockets, no signatures, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from realis.model.alert import Ending
from realis.model.draft import Rendered
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.read_models import Snapshot, WarningView
from realis.ports.targets import TargetRecord

ENDING_SHOWN_FOR = timedelta(minutes=10)
"""Default of how long an ending is shown on screens."""

MAX_LANGUAGES = 12

Cells = Callable[[WarningView], frozenset[str]]
"""Returns the H3 cells a warning touches; cached by the caller, because they are costly to compute."""


@dataclass(frozen=True, slots=True)
class ScreenAudience:
    """A group of screens that always show the same.

    Args:
        places: H3 cells of the screens; ``everywhere`` matches any area.
        languages: in the order of rotation.
        enrolled: incidents these screens have shown; later revisions are shown even if the area moved (promise 4).
    """

    places: frozenset[str]
    everywhere: bool
    languages: tuple[str, ...]
    enrolled: frozenset[UUID] = frozenset()

    @property
    def screen(self) -> str:
        """A short name for the place, part of every signed frame, so that a frame is valid at no other place."""
        if self.everywhere:
            return "everywhere"
        return hashlib.sha256(" ".join(sorted(self.places)).encode()).hexdigest()[:16]


def languages_of(record: TargetRecord, supported: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages a screen rotates: its own list (``"de tr ar"``), else its one language, then the city's."""
    named = tuple(dict.fromkeys(record.language.replace(",", " ").split()))
    if len(named) > 1:
        return named[:MAX_LANGUAGES]
    return tuple(dict.fromkeys((*named, *supported)))[:MAX_LANGUAGES] or (SOURCE_LANGUAGE,)


@dataclass(frozen=True, slots=True)
class Scene:
    """The warning or ending shown, or None. ``others`` is the number of further warnings in force."""

    view: WarningView | None = None
    others: int = 0
    hide_at: datetime | None = None


def choose(
    snapshot: Snapshot, audience: ScreenAudience, cells: Cells, *, shown_for: timedelta = ENDING_SHOWN_FOR
) -> Scene:
    """Return the gravest warning in force that touches the audience, else the newest ending still to be shown."""
    matching = [view for view in snapshot.in_force if _concerns(view, audience, cells)]
    if matching:
        return Scene(matching[0], len(matching) - 1)
    for view in snapshot.ended:
        hide_at = (view.ended_at or view.expires) + shown_for
        if snapshot.as_of < hide_at and _concerns(view, audience, cells):
            return Scene(view, hide_at=hide_at)
    return Scene()


def _concerns(view: WarningView, audience: ScreenAudience, cells: Cells) -> bool:
    if view.incident in audience.enrolled:
        return True
    if view.ending not in (None, Ending.ALL_CLEAR):
        return False  # Fehlalarm and expiry are shown only where the warning was
    return audience.everywhere or bool(cells(view) & audience.places)


def spoken(texts: Mapping[str, Rendered], languages: Iterable[str]) -> tuple[Rendered, ...]:
    """Return the texts to rotate. A language with a fallback text is left out if another has its own text."""
    wanted = [texts[language] for language in languages if language in texts]
    own = tuple(text for text in wanted if _base(text.written_in) == _base(text.language))
    if own:
        return own
    if wanted:
        return (wanted[0],)
    fallback = texts.get(SOURCE_LANGUAGE) or next(iter(texts.values()), None)
    return (fallback,) if fallback else ()


def _base(language: str) -> str:
    return language.partition("-")[0]
