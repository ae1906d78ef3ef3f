"""The terminal channel prints plainly and lets nothing move the cursor."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from channels.terminal import Terminal, block
from realis.model.delivery import Accepted, Failed, FailureKind
from realis.ports.channel import MessageKind
from tests.fakes.channel_messages import NOTICE, account, message, rendered


async def test_prints_the_text_with_its_notice_first() -> None:
    """The block holds every paragraph in order, the notice first, and says which message it is."""
    stream = io.StringIO()
    assert await Terminal(stream).send(message(revision=3), [account()]) == [Accepted()]
    lines = stream.getvalue().splitlines()
    assert lines[1].startswith(NOTICE)
    assert tuple(lines[1:-2]) == message().text.paragraphs
    assert "Fassung 3" in lines[-2]


async def test_nothing_printed_is_taken_back() -> None:
    """An update is a block of its own after the first."""
    stream = io.StringIO()
    channel = Terminal(stream)
    await channel.send(message(), [account()])
    before = stream.getvalue()
    await channel.send(message(MessageKind.ALL_CLEAR, revision=2), [account()])
    assert stream.getvalue().startswith(before)
    assert "Entwarnung" in stream.getvalue()[len(before) :]


def test_control_characters_stay_away() -> None:
    """An escape sequence in a message that came from outside arrives as visible harmless signs."""
    text = replace(rendered(), headline="\x1b[2J\x9b2JGelöscht\r", description="a\nb")
    printed = block(message(text=text))
    assert not set(printed) & {"\x1b", "\x9b", "\r"}
    assert "Gelöscht" in printed
    assert "a\nb" in printed


@pytest.mark.parametrize("encoding", [None, "ascii"])
async def test_a_stream_that_fails_is_unavailable(encoding: str | None) -> None:
    """A closed stream, or one that cannot write umlauts, is a failure the dispatcher can retry."""
    stream = io.StringIO() if encoding is None else io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    if encoding is None:
        stream.close()
    (outcome,) = await Terminal(stream).send(message(), [account()])
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.UNAVAILABLE
    await Terminal(stream).close()
