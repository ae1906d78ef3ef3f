"""The one tree of errors REALIS raises on purpose, each with what to do next.

It must not know HTTP, databases or channels: faces map these to answers.

    RealisError
    ├── InvalidInput          what came in cannot be used; says where and how to mend it
    │   ├── UnreadableMessage    not CAP at all, or unsafe to read
    │   └── InvalidText          a text field breaks its rule
    ├── NotAllowed            the person or token may not do this
    │   ├── NotAuthenticated     nobody, or a wrong or missing token
    │   └── FourEyesViolation    whoever wrote it wants to release it
    ├── NotFound
    ├── Conflict              the state has moved on; nothing was changed
    │   ├── StaleVersion         somebody else saved first
    │   ├── WrongState           the step does not fit the state
    │   └── AlreadyReceived      a message of this name has just come in
    ├── SigningFailed         stops a release
    ├── StoreUnavailable      the database is away or busy; the same step may be tried again
    └── ConfigurationError    the settings cannot work; says which and why
"""

from __future__ import annotations


class RealisError(Exception):
    """Base of every deliberate error.

    Args:
        message: one plain sentence: what is wrong.
        where: the field, element or line it concerns, if any.
        remedy: what to do about it, if that is not obvious.
    """

    code = "error"

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy


class InvalidInput(RealisError):
    """What came in cannot be used."""

    code = "invalid"


class UnreadableMessage(InvalidInput):
    """A message that is not CAP, or not safe to read. Nothing was stored."""

    code = "unreadable"


class InvalidText(InvalidInput):
    """A text of a warning breaks a rule."""

    code = "invalid-text"


class NotAllowed(RealisError):
    """The person or token may not do this."""

    code = "not-allowed"


class NotAuthenticated(NotAllowed):
    """No valid session or token came with the request."""

    code = "not-authenticated"


class FourEyesViolation(NotAllowed):
    """Whoever wrote or edited a draft tried to release it."""

    code = "four-eyes"


class NotFound(RealisError):
    """The thing named does not exist, or not for this person."""

    code = "not-found"


class Conflict(RealisError):
    """The state has moved on since the person looked. Nothing was changed."""

    code = "conflict"


class StaleVersion(Conflict):
    """Somebody else saved the draft first."""

    code = "stale-version"


class WrongState(Conflict):
    """The step does not fit the state the thing is in."""

    code = "wrong-state"


class AlreadyReceived(Conflict):
    """A message of this authority, sender and identifier came in between looking and storing."""

    code = "already-received"


class SigningFailed(RealisError):
    """A signature could not be made. The release stops; nothing leaves."""

    code = "signing-failed"


class StoreUnavailable(RealisError):
    """The database is away, full or busy. Nothing is known to be written; the same step may be tried again."""

    code = "store-unavailable"


class ConfigurationError(RealisError):
    """A setting is missing or cannot work."""

    code = "configuration"
