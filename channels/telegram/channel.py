"""The city's public Telegram channel, through a bot (Bot API).

A warning is one post. An update edits that post; when its author chose to alarm again, a short reply under it
makes phones notify. Each of the three endings (Entwarnung, Fehlalarm, abgelaufen) edits the post to its own
words and always adds such a reply. The ref stays the first post's id; a post that vanished is posted anew.

python-telegram-bot speaks the Bot API, ``realis.egress.client`` carries every byte. The token is part of every URL:
neither may ever reach a log or an outcome. No word is written or shortened here, only escaped.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import Field, SecretStr
from telegram import Bot, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, TelegramError

from channels.telegram.bot_api import EgressRequest, NoAnswer, classify, unchanged, unparsed, vanished
from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.egress.client import Egress
from realis.egress.policy import host_of
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.model.draft import Rendered
from realis.ports.channel import ChannelCapabilities, Message, MessageKind, Target

ANSWER_BYTES = 65_536
"""How much of an answer the egress should keep: it repeats the post with its escapes."""


class Config(ChannelConfig):
    """A public Telegram channel."""

    token: SecretStr = Field(SecretStr(""), description="Token des Bots, der in diesem Kanal schreiben darf.")
    chat_id: str = Field("", description="Der Kanal: @name oder seine Nummer.")
    base_url: str = Field("https://api.telegram.org", description="Nur bei einem eigenen Server der Bot API anders.")
    exercises: bool = Field(False, description="Auch Übungen veröffentlichen: nur für einen Kanal zum Ausprobieren.")

    @property
    def complete(self) -> bool:
        """Whether bot and channel are named."""
        return bool(self.token.get_secret_value().strip() and self.chat_id.strip())


_CAPABILITIES = ChannelCapabilities(
    length=4096, edits=True, per_language=False, concurrency=1, batch=1, public=True, min_interval_s=1.0
)
_PREVIEW = LinkPreviewOptions(is_disabled=True)

_HARMLESS = {FailureKind.UNKNOWN: FailureKind.UNAVAILABLE}


class Telegram:
    """Posts to one public channel and keeps its posts true. Needs an egress with ``ANSWER_BYTES``."""

    name = "telegram"
    label = "Telegram"
    capabilities = _CAPABILITIES

    def __init__(self, egress: Egress, config: Config) -> None:
        self._chat: str | int = config.chat_id.strip()
        self.unavailable_reason = "" if config.complete else "nicht eingerichtet"
        self._bot: Bot | None = None
        if config.complete:
            request = EgressRequest(egress)
            api = f"{config.base_url.strip().rstrip('/')}/bot"
            token = config.token.get_secret_value().strip()
            self._bot = Bot(token, base_url=api, request=request, get_updates_request=request)

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Post or edit for each target; an account has one."""
        if self._bot is None:
            return [Failed(FailureKind.AUTH, "Telegram ist nicht eingerichtet.") for _ in targets]
        return [await self._deliver(self._bot, message, target) for target in targets]

    async def close(self) -> None:
        """Nothing to give back: the connections belong to the egress."""

    async def _deliver(self, bot: Bot, message: Message, target: Target) -> Outcome:
        try:
            return await self._show(bot, message, target)
        except ChatMigrated as moved:
            self._chat = moved.new_chat_id
        except TelegramError as error:
            return classify(error)
        try:  # once more, at the group's new address
            return await self._show(bot, message, target)
        except TelegramError as error:
            return classify(error)

    async def _show(self, bot: Bot, message: Message, target: Target) -> Outcome:
        """Edit the post there is, else post; the reply comes second, so that it never answers an old text."""
        post = _post_id(target.shown_ref)
        if post is None or not await self._edit(bot, message, post):
            silent = message.kind is MessageKind.UPDATE and not message.realert
            return Accepted(str(await self._post(bot, format_post(message.text), silent=silent)))
        if message.realert or message.kind.ending is not None:
            await self._post(bot, format_post(_call(message.text)), reply_to=post)
        return Accepted(str(post))

    async def _edit(self, bot: Bot, message: Message, post: int) -> bool:
        """Change the post to these words; False if it is gone."""
        try:
            await self._edit_text(bot, format_post(message.text), post)
        except BadRequest as refused:
            if vanished(refused):
                return False
            if not unchanged(refused):
                raise
        except NoAnswer as lost:
            # An edit may be repeated without harm, so a lost answer is worth another try at every level.
            raise NoAnswer(replace(lost.failed, kind=_HARMLESS.get(lost.failed.kind, lost.failed.kind))) from None
        return True

    async def _edit_text(self, bot: Bot, text: Words, post: int) -> None:
        try:
            await bot.edit_message_text(
                text.html, self._chat, post, parse_mode=ParseMode.HTML, link_preview_options=_PREVIEW
            )
        except BadRequest as refused:
            if not unparsed(refused):
                raise
            await bot.edit_message_text(text.plain, self._chat, post, link_preview_options=_PREVIEW)

    async def _post(self, bot: Bot, text: Words, *, silent: bool = False, reply_to: int | None = None) -> int:
        async def post(marked: str, parse_mode: str | None) -> int:
            sent = await bot.send_message(
                self._chat,
                marked,
                parse_mode=parse_mode,
                disable_notification=silent,
                link_preview_options=_PREVIEW,
                reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
            )
            return sent.message_id

        try:
            return await post(text.html, ParseMode.HTML)
        except BadRequest as refused:
            if not unparsed(refused):
                raise
            return await post(text.plain, None)


def _post_id(ref: str | None) -> int | None:
    return int(ref) if ref and ref.isdecimal() else None


# ---------------------------------------------------------------- words


@dataclass(frozen=True, slots=True)
class Words:
    """A post for Telegram's HTML mode, and the same without marks for when it cannot read the HTML."""

    html: str
    plain: str


def format_post(text: Rendered) -> Words:
    """The text in its order, the notice and level first, the headline bold."""
    paragraphs = text.paragraphs
    headline = 1 if text.notice or text.kind else 0
    marked = [f"<b>{escape(part)}</b>" if at == headline else escape(part) for at, part in enumerate(paragraphs)]
    # Air between the paragraphs where the limit leaves room; Telegram counts UTF-16 units, without the marks.
    roomy = "\n\n".join(paragraphs)
    gap = "\n\n" if len(roomy.encode("utf-16-le", "surrogatepass")) // 2 <= _CAPABILITIES.length else "\n"
    return Words(gap.join(marked), gap.join(paragraphs))


def _call(text: Rendered) -> Rendered:
    """What the short reply says: all but what happened and what to do, which the post above it has."""
    return replace(text, description="", instruction="")


def escape(plain: str) -> str:
    """For Telegram's HTML mode, which needs exactly < > & escaped."""
    return html.escape(plain, quote=False)


SPEC = ChannelSpec(
    name=Telegram.name,
    label=Telegram.label,
    capabilities=Telegram.capabilities,
    config=Config,
    make=lambda config, context: Telegram(context.egress, config),
    about="Öffentlicher Telegram-Kanal.",
    hosts=lambda config: host_of(config.base_url),
    answer_bytes=ANSWER_BYTES,
    account=True,
    joins_exercises=lambda config: config.exercises,
)
