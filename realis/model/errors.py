"""The tree of errors REALIS raises on purpose, each with a remedy.

Independent of HTTP, databases and channels: the interfaces map these to responses.

    RealisError
    ├── InvalidInput          the input cannot be used; names the field and the remedy
    │   ├── UnreadableMessage    not CAP at all, or unsafe to read
    │   └── InvalidText          a text field breaks its rule
    ├── NotAllowed            the person or token may not do this
    │   ├── NotAuthenticated     no session, or a wrong or missing token
    │   └── FourEyesViolation    an author of the draft tries to release it
    ├── NotFound
    ├── Conflict              the state has moved on; nothing was changed
    │   ├── StaleVersion         another user saved first
    │   ├── WrongState           the step does not fit the state
    │   └── AlreadyReceived      a message with this identifier has just been stored
    ├── SigningFailed         stops a release
    ├── StoreUnavailable      the database is unreachable or busy; the same step may be tried again
    └── ConfigurationError    the settings cannot work; names which and why
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
    """The input cannot be used."""

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
    """A user who wrote or edited the draft tried to release it (promise 6)."""

    code = "four-eyes"


class NotFound(RealisError):
    """The object named does not exist, or is not visible to this user."""

    code = "not-found"


class Conflict(RealisError):
    """The state has changed since it was read. Nothing was written."""

    code = "conflict"


class StaleVersion(Conflict):
    """Another user saved the draft first."""

    code = "stale-version"


class WrongState(Conflict):
    """The step is not permitted in the object's present state."""

    code = "wrong-state"


class AlreadyReceived(Conflict):
    """A message of this authority, sender and identifier was stored between the check and the insert."""

    code = "already-received"


class SigningFailed(RealisError):
    """A signature could not be made. The release stops; nothing is sent."""

    code = "signing-failed"


class StoreUnavailable(RealisError):
    """The database is unreachable, full or busy. Nothing is known to be written; the same step may be tried again."""

    code = "store-unavailable"


class ConfigurationError(RealisError):
    """A setting is missing or cannot work."""

    code = "configuration"
