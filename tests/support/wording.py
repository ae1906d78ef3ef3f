"""What an error says in German, for tests that hold its words and not its code alone."""

from __future__ import annotations

from functools import cache

from content.messages import Messages
from realis.model.errors import Problem, RealisError
from realis.ports.content import ErrorText
from realis.services.error_texts import describe


@cache
def messages() -> Messages:
    """The texts that come with REALIS, read once."""
    return Messages.load()


def german(error: RealisError | Problem) -> ErrorText:
    """Title and remedy in German."""
    return describe(error, messages(), "de")
