"""The texts of errors and problems in a reader's language. The language is chosen by the caller."""

from __future__ import annotations

import structlog

from realis.model.errors import Problem, RealisError, SentenceError
from realis.ports.content import ErrorMessages, ErrorText

log = structlog.get_logger(__name__)


def describe(error: RealisError | Problem, messages: ErrorMessages, language: str) -> ErrorText:
    """Return title and remedy of an error or problem; an error's single causes precede its remedy. Never raises."""
    if isinstance(error, SentenceError):
        return ErrorText(error.message, error.remedy)
    text = _text(error, messages, language)
    if isinstance(error, Problem) or not error.causes:
        return text
    causes = (str(describe(cause, messages, language)) for cause in error.causes)
    return ErrorText(text.title, " ".join(filter(None, (*causes, text.remedy))), text.language)


def _text(error: RealisError | Problem, messages: ErrorMessages, language: str) -> ErrorText:
    try:
        return messages.error_text(error.code, error.values, language)
    except KeyError:
        # A missing text must not prevent the reopening of a failed release, nor the response to a request.
        log.exception("error_without_text", code=error.code)
        return ErrorText(error.code)
