"""How Telegram posts are worded and its refusals read, without a network."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, TelegramError

from channels.telegram.bot_api import classify, unchanged, unparsed, vanished
from channels.telegram.channel import SPEC, Config, format_post
from realis.model.delivery import FailureKind
from tests.fakes.channel_messages import NOTICE, rendered


def test_notice_first_then_bold_headline() -> None:
    """The post begins with notice and level, and only the headline is bold."""
    html = format_post(rendered()).html
    assert html.startswith(f"{NOTICE}: Extreme Gefahr\n\n<b>Hochwasser an der Sieg</b>\n\n")
    assert html.count("<b>") == 1


def test_headline_is_bold_without_a_lead() -> None:
    """A text without notice and kind begins with its bold headline."""
    assert format_post(replace(rendered(), notice="", kind="")).html.startswith("<b>Hochwasser")


def test_only_the_three_signs_are_escaped() -> None:
    """HTML mode needs < > & escaped; quotes stay as they are, plain text stays untouched."""
    post = format_post(rendered(headline='<i>"A" & B</i>'))
    assert '<b>&lt;i&gt;"A" &amp; B&lt;/i&gt;</b>' in post.html
    assert '<i>"A" & B</i>' in post.plain


def test_no_word_is_lost_or_added() -> None:
    """The plain form is exactly the rendered paragraphs."""
    text = rendered()
    assert tuple(format_post(text).plain.split("\n\n")) == text.paragraphs


def test_air_gives_way_to_the_limit() -> None:
    """A text that only fits with single line breaks gets single line breaks, even with emoji (two units each)."""
    text = rendered()
    room = 4096 - len(text.text.encode("utf-16-le")) // 2 + len(text.description)
    full = replace(text, description="🌊" * (room // 2))
    plain = format_post(full).plain
    assert plain == full.text
    assert len(plain.encode("utf-16-le")) // 2 <= 4096


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("Chat not found"), FailureKind.REJECTED),
        (BadRequest("Message is too long"), FailureKind.TOO_LARGE),
        (BadRequest("Something new"), FailureKind.REJECTED),
        (Forbidden("bot was kicked"), FailureKind.AUTH),
        (InvalidToken(), FailureKind.AUTH),
        (NetworkError("Bad Gateway"), FailureKind.UNAVAILABLE),
        (ChatMigrated(-5), FailureKind.UNAVAILABLE),
        (Conflict("other"), FailureKind.UNKNOWN),
        (TelegramError("?"), FailureKind.UNKNOWN),
    ],
)
def test_errors_are_classified(error: TelegramError, kind: FailureKind) -> None:
    """A permanent refusal is never retried although BadRequest is a NetworkError."""
    assert classify(error).kind is kind


def test_refusals_are_told_apart_in_any_case() -> None:
    """The server's words are recognised whatever their case, and not mistaken for each other."""
    same = BadRequest("Message is not modified: specified new message content is exactly the same")
    gone, marks = BadRequest("Message to edit not found"), BadRequest("Can't parse entities: unsupported start tag")
    assert [unchanged(same), vanished(same), unparsed(same)] == [True, False, False]
    assert [unchanged(gone), vanished(gone), unparsed(gone)] == [False, True, False]
    assert [unchanged(marks), vanished(marks), unparsed(marks)] == [False, False, True]


@pytest.mark.parametrize(("token", "chat_id"), [("", "@stadt"), ("1:x", ""), (" ", "@stadt"), ("1:x", " ")])
def test_half_of_the_credentials_is_none(token: str, chat_id: str) -> None:
    """It is set up when bot and channel are named."""
    assert not Config(token=SecretStr(token), chat_id=chat_id).complete
    assert Config(token=SecretStr("1:x"), chat_id="@stadt").complete


def test_it_reaches_the_bot_api_only() -> None:
    """Telegram's own server, unless the city runs one."""
    assert SPEC.hosts(Config()) == {"api.telegram.org"}
    assert SPEC.hosts(Config(base_url="https://bots.siegen.example/")) == {"bots.siegen.example"}
