"""What an error or a remark is called in a reader's language. It chooses no language and knows no face."""

from __future__ import annotations

import structlog

from realis.model.errors import Problem, RealisError, SentenceError
from realis.ports.content import ErrorMessages, ErrorText

log = structlog.get_logger(__name__)


def describe(error: RealisError | Problem, messages: ErrorMessages, language: str) -> ErrorText:
    """Title and remedy of an error or a remark; an error's single causes come before its remedy. Never raises."""
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
        # A text that was forgotten must not keep a failed release from being reopened, or an answer from being given.
        log.exception("error_without_text", code=error.code)
        return ErrorText(error.code)
