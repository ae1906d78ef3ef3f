"""The tree of errors REALIS raises on purpose: a code and values, never a sentence.

Sentence and remedy are in ``content/messages``, per language; ``docs/errors.md`` lists all codes. Independent of HTTP,
databases, channels and languages: the interfaces map these to responses.

    RealisError
    ├── InvalidInput          the input cannot be used; names the field
    │   ├── UnreadableMessage    not CAP at all, or unsafe to read
    │   │   └── TooLarge            larger than what is read
    │   ├── UnknownMediaType     a body of a type that is not read here
    │   └── TooSlow              the body did not arrive in time
    ├── NotAllowed            the person or token may not do this
    │   ├── NotAuthenticated     no token or session, or a wrong one
    │   ├── FourEyesViolation    an author of the draft tries to release it
    │   └── TooManyAttempts      this name or address has to wait
    ├── NotFound
    ├── Conflict              the state has moved on; nothing was changed
    │   ├── StaleVersion         another user saved first
    │   ├── WrongState           the step does not fit the state
    │   └── AlreadyReceived      a message with this identifier has just been stored
    ├── SigningFailed         stops a release
    ├── StoreUnavailable      the database is unreachable or busy; the same step may be tried again
    └── SentenceError         carries a sentence of its own, for readers of one language
        ├── ConfigurationError   the settings or files read at start cannot work
        └── CommandError         a command of the command line cannot be carried out
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Terms:
    """Words of a closed list that have a name in each language, such as roles; shown joined by "or"."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "|".join(self.names)


Value = str | int | Terms
"""What a message's placeholder is filled with."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of an input: which field, and a code of ``content/messages`` with its values."""

    where: str
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)


class RealisError(Exception):
    """Base of every deliberate error. ``str()`` of it is for logs: the code and the values.

    Args:
        code: which error this is, in kebab-case; an entry of ``content/messages``.
        where: the field, element or line it concerns, if any.
        causes: single remarks behind it, each with its own code.
        values: what the message's placeholders are filled with, by name.
    """

    def __init__(self, code: str, /, *, where: str = "", causes: tuple[Problem, ...] = (), **values: Value) -> None:
        super().__init__(_line(code, where, causes, values))
        self.code = code
        self.where = where
        self.causes = causes
        self.values: Mapping[str, Value] = values


def _line(code: str, where: str, causes: tuple[Problem, ...], values: Mapping[str, Value]) -> str:
    parts = [code, *(f"{name}={value}" for name, value in values.items())]
    if where:
        parts.append(f"where={where}")
    if causes:
        parts.append(f"causes={','.join(cause.code for cause in causes)}")
    return " ".join(parts)


class InvalidInput(RealisError):
    """The input cannot be used."""


class UnreadableMessage(InvalidInput):
    """A message that is not CAP, or not safe to read. Nothing was stored."""


class TooLarge(UnreadableMessage):
    """A message larger than what is read. Nothing was stored."""


class UnknownMediaType(InvalidInput):
    """A body of a type that is not read here."""


class TooSlow(InvalidInput):
    """A body that did not arrive in time."""


class NotAllowed(RealisError):
    """The person or token may not do this."""


class NotAuthenticated(NotAllowed):
    """No valid session or token came with the request."""


class FourEyesViolation(NotAllowed):
    """A user who wrote or edited the draft tried to release it (promise 6)."""


class TooManyAttempts(NotAllowed):
    """This name or address has to wait before it may try again."""


class NotFound(RealisError):
    """The object named does not exist, or is not visible to this user."""


class Conflict(RealisError):
    """The state has changed since it was read. Nothing was written."""


class StaleVersion(Conflict):
    """Another user saved the draft first."""


class WrongState(Conflict):
    """The step is not permitted in the object's present state."""


class AlreadyReceived(Conflict):
    """A message of this authority, sender and identifier was stored between the check and the insert."""


class SigningFailed(RealisError):
    """A signature could not be made. The release stops; nothing is sent."""


class StoreUnavailable(RealisError):
    """The database is unreachable, full or busy. Nothing is known to be written; the same step may be tried again."""


class SentenceError(RealisError):
    """An error whose readers all read one language, so that it carries its sentence itself.

    The command line and what is printed at start are German only; what a screen's program is told is English.
    No face shows it to operators, authorities or citizens.

    Args:
        message: one plain sentence: what is wrong.
        where: the setting, file or line it concerns, if any.
        remedy: what to do about it, if that is not obvious.
    """

    kind = "sentence"
    """The code of all errors of a class, as logs have it."""

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(self.kind, where=where)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message


class ConfigurationError(SentenceError):
    """A setting or a file read at start is missing or cannot work. In German, for the command line alone."""

    kind = "configuration"


class CommandError(SentenceError):
    """A command of the command line cannot be carried out. In German, for the command line alone."""

    kind = "command"
