"""The content of the audit trail: a closed list of actions, and facts as values. No texts, no names of persons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum

Fact = str | int | Sequence[str]


class AuditAction(StrEnum):
    """The actions recorded. The values are stored and digested; a changed one would break the chain (promise 13)."""

    MESSAGE_RECEIVED = "message.received"
    DRAFT_CREATED = "draft.created"
    DRAFT_SAVED = "draft.saved"
    DRAFT_SUBMITTED = "draft.submitted"
    DRAFT_RETURNED = "draft.returned"
    DRAFT_DISCARDED = "draft.discarded"
    DRAFT_RELEASED = "draft.released"
    RELEASE_STOPPED = "release.stopped"
    RELEASE_FAILED = "release.failed"
    ALERT_ISSUED = "alert.issued"
    HAND_DONE = "hand.ticked"
    CHANNEL_RESUMED = "channel.resumed"
    USER_ADDED = "user.added"
    USER_ROLES = "user.roles"
    USER_PASSWORD_RESET = "user.password_reset"  # noqa: S105 - the name of an action
    USER_DEACTIVATED = "user.deactivated"
    BACKUP_MADE = "backup.made"
    BACKUP_RESTORED = "backup.restored"
    KEY_ANNOUNCED = "key.announced"
    KEY_ROTATED = "key.rotated"


def stored_facts(facts: Mapping[str, Fact]) -> str:
    """Facts as they are stored and digested: JSON with sorted keys, or empty."""
    if not facts:
        return ""
    plain = {name: value if isinstance(value, str | int) else list(value) for name, value in facts.items()}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_facts(stored: str) -> Mapping[str, Fact] | None:
    """The facts of a stored line; None for a line of an older release, which stored a sentence."""
    if not stored:
        return {}
    try:
        facts = json.loads(stored)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
