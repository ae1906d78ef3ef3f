"""The chain of an incident's alerts, and the only function that decides what is in force (promise 8).

The same rule in JavaScript (``realis/web/static/js/in_force.js``) is checked against the same test vectors
(``tests/vectors/in_force.json``). No clock: ``now`` is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from realis.model.alert import Alert, Ending, Info, Level, Reference, Status, ending_of, ends_at, level_of_info

ENDING_LISTED_FOR = timedelta(hours=24)
"""How long an ending stays listed after it was sent. It is never in force."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The reader of a warning; ``joined`` is True for one that opted in to exercises."""

    joined: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One link of an incident's chain; ``number`` counts from 1."""

    incident: UUID
    number: int
    alert: Alert

    @property
    def ending(self) -> Ending | None:
        """The ending this revision announces, or None."""
        return ending_of(self.alert)

    @property
    def ends_at(self) -> datetime:
        """When this revision's validity ends."""
        return ends_at(self.alert)

    @property
    def level(self) -> Level:
        """The gravest Warnstufe of its infos."""
        return gravest_level(self.alert.infos)


def gravest_level(infos: Iterable[Info]) -> Level:
    """Return the gravest level among infos; a message without any counts as danger, to be on the safe side."""
    return min((level_of_info(info) for info in infos), default=Level.DANGER)


def latest(chain: Sequence[Revision]) -> Revision | None:
    """Return the newest revision, whatever the order of the chain."""
    return max(chain, key=lambda revision: revision.number, default=None)


def visible(revision: Revision, viewer: Viewer) -> bool:
    """Whether this viewer may see the revision: an exercise only if the viewer joined exercises."""
    if revision.alert.status in (Status.ACTUAL, Status.TEST):
        return True
    return revision.alert.status is Status.EXERCISE and viewer.joined


def in_force(chain: Sequence[Revision], now: datetime, viewer: Viewer) -> Revision | None:
    """The revision in force, or None.

    It is the chain's latest revision, unless that is an ending, or ``now`` has reached the latest
    ``expires`` of its infos, or the viewer may not see it. ``onset`` never delays it.
    """
    newest = latest(chain)
    if newest is None or newest.ending is not None or not visible(newest, viewer):
        return None
    return newest if now < newest.ends_at else None


@dataclass(frozen=True, slots=True)
class Ended:
    """A chain that is over, while it is still listed."""

    revision: Revision
    ending: Ending
    at: datetime


def recently_ended(chain: Sequence[Revision], now: datetime, viewer: Viewer) -> Ended | None:
    """The chain's ending, for 24 hours after it; None while in force, unseen or long over."""
    newest = latest(chain)
    if newest is None or not visible(newest, viewer):
        return None
    if newest.ending is not None:
        ended = Ended(newest, newest.ending, newest.alert.sent)
    elif now >= newest.ends_at:
        ended = Ended(newest, Ending.EXPIRED, newest.ends_at)
    else:
        return None
    return ended if now < ended.at + ENDING_LISTED_FOR else None


def by_gravity(revisions: Iterable[Revision]) -> list[Revision]:
    """Gravest first; among equals a real one before a test or exercise, then the newest."""
    return sorted(
        revisions,
        key=lambda r: (r.level, r.alert.status is not Status.ACTUAL, -r.alert.sent.timestamp()),
    )


def same_reference(one: Reference, other: Reference) -> bool:
    """Whether two references name the same message. Times compare as instants; a missing part matches any value."""
    if one.identifier != other.identifier:
        return False
    if one.sender and other.sender and one.sender != other.sender:
        return False
    return one.sent is None or other.sent is None or one.sent == other.sent


def references_for_next(chain: Sequence[Revision]) -> tuple[Reference, ...]:
    """Return the references of an Update or Cancel: every earlier message of the chain, oldest first."""
    return tuple(revision.alert.reference for revision in sorted(chain, key=lambda r: r.number))
