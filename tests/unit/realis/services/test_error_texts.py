"""What errors and remarks are called."""

from __future__ import annotations

from content.messages import Messages
from realis.model.errors import ConfigurationError, InvalidInput, NotFound, Problem, WrongState
from realis.services.error_texts import describe

MESSAGES = Messages.load()


def test_a_remark_is_described_like_an_error() -> None:
    """A draft's remark has title and remedy of its code, filled with its values."""
    text = describe(Problem("headline.de", "headline-too-long", {"max": 160}), MESSAGES, "en")
    assert str(text) == "The headline is longer than 160 characters."


def test_causes_stand_before_the_remedy() -> None:
    """An error with several causes names all of them, then what to do."""
    causes = (Problem("expires", "end-passed"), Problem("kind", "incident-ended"))
    text = describe(WrongState("draft-outdated", causes=causes), MESSAGES, "en")
    assert text.title == "The draft no longer fits the incident."
    assert text.remedy == (
        "The end of this message has passed in the meantime. This incident has already ended. Create a new message. "
        "Return the draft or discard it."
    )


def test_a_sentence_error_keeps_its_sentence() -> None:
    """The command line's errors need no table."""
    text = describe(ConfigurationError("So nicht.", remedy="Anders."), MESSAGES, "en")
    assert (text.title, text.remedy) == ("So nicht.", "Anders.")


def test_a_forgotten_text_still_names_the_error() -> None:
    """A code or a value without a text is shown as the code and never raises: a release must still be reopened."""
    assert describe(NotFound("no-such-code"), MESSAGES, "de").title == "no-such-code"
    assert describe(InvalidInput("headline-too-long"), MESSAGES, "de").title == "headline-too-long"
