"""The channel "Terminal": prints what goes out, so that a person at the console (or a test) can watch.

An update and each of the three endings are printed as blocks of their own, with their revision; nothing that
was printed is taken back. Control characters never reach the terminal: a message that came from outside must
not move its cursor. Meant for watching; it reaches no citizen.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.ports.channel import ChannelCapabilities, Message, Target

_CAPABILITIES = ChannelCapabilities(length=20_000, per_language=False)
_RULE = "─" * 60


def block(message: Message) -> str:
    """The message as printed: a rule, the text with its notice first, which message it is, a rule."""
    about = f"[{message.incident} · Fassung {message.revision} · {message.kind.value}]"
    return "\n".join((_RULE, *map(_harmless, message.text.paragraphs), about, _RULE, ""))


def _harmless(paragraph: str) -> str:
    """Without control characters (Unicode Cc) other than the line break."""
    return "".join(char if char == "\n" or unicodedata.category(char) != "Cc" else "\ufffd" for char in paragraph)


class Terminal:
    """Prints every message once per target to a text stream it does not own."""

    name = "terminal"
    label = "Terminal"
    capabilities = _CAPABILITIES
    unavailable_reason = ""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Print the message for each target; a stream that is gone is unavailable."""
        return [self._print(message) for _ in targets]

    def _print(self, message: Message) -> Outcome:
        try:
            self._stream.write(block(message))
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed, or cannot encode a character
            return Failed(FailureKind.UNAVAILABLE, f"Das Terminal nimmt nichts an ({type(error).__name__}).")
        return Accepted()

    async def close(self) -> None:
        """The stream belongs to whoever made it; it stays open."""


SPEC = ChannelSpec(
    name=Terminal.name,
    label=Terminal.label,
    capabilities=Terminal.capabilities,
    config=ChannelConfig,
    make=lambda _config, _context: Terminal(sys.stdout),
    account=True,
)
