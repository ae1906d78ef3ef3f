"""The rights on a draft by role, and the digest of what the releasing person saw (promise 6). Pure decisions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from realis.model.alert import Occasion
from realis.model.draft import Content, Draft, DraftKind, DraftState, Package
from realis.model.errors import Conflict, FourEyesViolation, NotAllowed, StaleVersion, Terms, WrongState

PAUSE = timedelta(seconds=10)
"""Between the decision and the issue: time to stop a mistaken release. A Fehlalarm has none."""


class Role(StrEnum):
    """A user's rights. A user has one or more roles; TRAINER writes courses only."""

    CAPTURE = "erfassung"
    RELEASE = "freigabe"
    ADMIN = "administration"
    TRAINER = "training"


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting user, by id and pseudonym (never the name, which can be erased)."""

    id: str
    pseudonym: str
    roles: frozenset[Role]

    def require(self, *roles: Role) -> None:
        """Raise ``NotAllowed`` unless the actor has one of the roles."""
        if not self.roles & set(roles):
            raise NotAllowed("role-missing", roles=Terms(tuple(role.value for role in roles)))


@dataclass(frozen=True, slots=True)
class IssuePolicy:
    """Which occasions this installation may issue. The demo allows the Übung only."""

    occasions: frozenset[Occasion] = frozenset(Occasion)

    def check(self, occasion: Occasion) -> None:
        """Raise ``NotAllowed`` for an occasion that this installation must not issue."""
        if occasion not in self.occasions:
            raise NotAllowed("occasion-barred", where="occasion")


def digest(package: Package) -> str:
    """Return the SHA-256 over everything that would be sent, in one canonical form; 64 hex characters."""
    plain = _canonical(dataclasses.asdict(package))
    canonical = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(value: object) -> object:
    """Return equal values in an equal form, however they were written: instants as timestamps, 3 for 3.0."""
    if isinstance(value, dict):
        return {key: _canonical(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(entry) for entry in value]
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def check_edit(draft: Draft, version: int) -> None:
    """Raise unless the draft may be edited and the editor saw its latest version.

    Raises:
        WrongState: it was released or discarded.
        StaleVersion: a later version was saved.
    """
    if draft.state not in (DraftState.OPEN, DraftState.SUBMITTED):
        raise WrongState("draft-closed")
    if draft.version != version:
        raise StaleVersion("draft-saved-by-other")


def check_occasion(before: Occasion, after: Occasion, *, issued: bool) -> None:
    """Raise if the occasion may not change: never once issued, and never into an Ernstfall (promise 7).

    Before the first issue an Ernstfall may still be marked as a Probewarnung; never the reverse.
    """
    if before is after or (not issued and before is Occasion.ERNSTFALL):
        return
    raise Conflict("occasion-fixed", where="occasion")


def check_release(draft: Draft, actor: Actor, seen_digest: str, policy: IssuePolicy) -> None:
    """Raise unless the actor may release exactly the package with this digest (promise 6).

    Raises:
        NotAllowed: the role is missing, or the occasion is barred here.
        WrongState: the draft is not submitted.
        StaleVersion: the digest seen is not the one submitted.
        FourEyesViolation: the actor wrote or edited it (a Fehlalarm needs one person only).
    """
    actor.require(Role.RELEASE)
    policy.check(draft.content.occasion)
    if draft.state is not DraftState.SUBMITTED:
        raise WrongState("draft-not-submitted")
    if not draft.digest or draft.digest != seen_digest:
        raise StaleVersion("draft-changed")
    if draft.content.kind is not DraftKind.RETRACTION and actor.id in draft.authors:
        raise FourEyesViolation("four-eyes")


def pause_for(content: Content, pause: timedelta = PAUSE) -> timedelta:
    """Return the time between release and issue of this content: none for a Fehlalarm."""
    return timedelta() if content.kind is DraftKind.RETRACTION else pause


def may_release(draft: Draft, actor: Actor) -> bool:
    """Whether role, state and four eyes allow the actor this release; for the console's button."""
    if Role.RELEASE not in actor.roles or draft.state is not DraftState.SUBMITTED:
        return False
    return draft.content.kind is DraftKind.RETRACTION or actor.id not in draft.authors


def roles_of(names: Collection[str]) -> frozenset[Role]:
    """Roles by their stored names."""
    return frozenset(Role(name) for name in names)
