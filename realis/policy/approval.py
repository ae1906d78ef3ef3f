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
from realis.model.errors import Conflict, FourEyesViolation, NotAllowed, StaleVersion, WrongState

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
            words = " oder ".join(role.value.capitalize() for role in roles)
            raise NotAllowed(f"Dafür fehlt Ihnen die Rolle {words}.", remedy="Fragen Sie die Administration.")


@dataclass(frozen=True, slots=True)
class IssuePolicy:
    """Which occasions this installation may issue. The demo allows the Übung only."""

    occasions: frozenset[Occasion] = frozenset(Occasion)

    def check(self, occasion: Occasion) -> None:
        """Raise ``NotAllowed`` for an occasion that this installation must not issue."""
        if occasion not in self.occasions:
            raise NotAllowed(
                f"Der Anlass „{occasion.value}“ ist hier gesperrt.",
                where="occasion",
                remedy="Diese Installation gibt nur Übungen aus.",
            )


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
        raise WrongState("Dieser Entwurf ist abgeschlossen und kann nicht mehr geändert werden.")
    if draft.version != version:
        raise StaleVersion(
            "Jemand anderes hat diesen Entwurf inzwischen gespeichert.",
            remedy="Laden Sie die Seite neu und übertragen Sie Ihre Änderung.",
        )


def check_occasion(before: Occasion, after: Occasion, *, issued: bool) -> None:
    """Raise if the occasion may not change: never once issued, and never into an Ernstfall (promise 7).

    Before the first issue an Ernstfall may still be marked as a Probewarnung; never the reverse.
    """
    if before is after or (not issued and before is Occasion.ERNSTFALL):
        return
    raise Conflict(
        "Ernstfall, Probewarnung und Übung lassen sich nicht ineinander umwandeln.",
        where="occasion",
        remedy="Verwerfen Sie den Entwurf und legen Sie eine neue Meldung an.",
    )


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
        raise WrongState("Dieser Entwurf liegt nicht zur Freigabe vor.")
    if not draft.digest or draft.digest != seen_digest:
        raise StaleVersion(
            "Der Entwurf hat sich geändert, seit Sie ihn gesehen haben.",
            remedy="Lesen Sie ihn noch einmal und geben Sie ihn dann frei.",
        )
    if draft.content.kind is not DraftKind.RETRACTION and actor.id in draft.authors:
        raise FourEyesViolation(
            "Wer einen Entwurf geschrieben oder geändert hat, kann ihn nicht freigeben.",
            remedy="Eine zweite Person mit der Rolle Freigabe muss freigeben.",
        )


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
