"""How python-telegram-bot's requests leave the house, and what the Bot API's answers mean.

It must not know what is posted, nor let a URL (which holds the token) into an error or a log.
"""

from __future__ import annotations

import json
import logging
import re

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from realis.egress.client import Answer, Egress
from realis.egress.failures import EgressError, failed
from realis.model.delivery import Failed, FailureKind

# At DEBUG python-telegram-bot logs the base URL with the token in it.
logging.getLogger("telegram.Bot").setLevel(logging.INFO)

_MESSAGE_ID = re.compile(rb'"message_id"\s*:\s*(\d+)')
# The Bot API has no error codes within 400; these are the server's words (tdlib/telegram-bot-api).
_UNCHANGED = "message is not modified"
_VANISHED = ("message to edit not found", "message can't be edited", "message_id_invalid")
_UNPARSED = "can't parse entities"
_TOO_LONG = "message is too long"


def unchanged(refused: BadRequest) -> bool:
    """Whether an edit was refused because the post says exactly this already."""
    return _UNCHANGED in refused.message.lower()


def vanished(refused: BadRequest) -> bool:
    """Whether the post to edit is gone, or no longer ours to edit."""
    reason = refused.message.lower()
    return any(words in reason for words in _VANISHED)


def unparsed(refused: BadRequest) -> bool:
    """Whether Telegram could not read our HTML."""
    return _UNPARSED in refused.message.lower()


class NoAnswer(TelegramError):
    """What became of a request is clear without reading an answer."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.detail)
        self.failed = failed


def classify(error: TelegramError) -> Failed:
    """The outcome an error of the Bot API stands for. BadRequest is a NetworkError, so it is asked first."""
    if isinstance(error, NoAnswer):
        return error.failed
    if isinstance(error, Forbidden):
        return Failed(FailureKind.AUTH, "Der Bot darf in diesem Telegram-Kanal nicht schreiben (403).")
    if isinstance(error, InvalidToken):
        return Failed(FailureKind.AUTH, "Telegram kennt das Token des Bots nicht (401 oder 404).")
    if isinstance(error, BadRequest):
        return _refused(error.message.lower())
    if isinstance(error, NetworkError | ChatMigrated):
        return Failed(FailureKind.UNAVAILABLE, "Telegram ist gestört.")
    return Failed(FailureKind.UNKNOWN, "Telegrams Antwort war nicht lesbar.")


def _refused(reason: str) -> Failed:
    if _TOO_LONG in reason:
        return Failed(FailureKind.TOO_LARGE, "Der Beitrag ist für Telegram zu lang (400).")
    if "chat not found" in reason:
        return Failed(FailureKind.REJECTED, "Telegram kennt diesen Kanal nicht (400).")
    return Failed(FailureKind.REJECTED, "Telegram nahm den Beitrag nicht an (400).")


class EgressRequest(BaseRequest):
    """Carries python-telegram-bot's requests over the one guarded way out, whose timeouts hold."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    @property
    def read_timeout(self) -> float | None:
        """None: the egress bounds every exchange as a whole."""
        return None

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close: the egress belongs to the wiring."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = None,
        write_timeout: object = None,
        connect_timeout: object = None,
        pool_timeout: object = None,
    ) -> tuple[int, bytes]:
        """One POST. Raises ``NoAnswer`` with the outcome where there is no answer to read, or it says wait."""
        body = json.dumps(request_data.parameters if request_data else {}).encode()
        try:
            answer = await self._egress.post(url, headers={"Content-Type": "application/json"}, data=body)
        except EgressError as error:
            raise NoAnswer(failed(error, "Telegram")) from None
        if answer.status == 429:
            raise NoAnswer(Failed(FailureKind.RATE_LIMITED, "Telegram bittet zu warten (429).", _wait_s(answer)))
        return answer.status, _payload(answer)


def _wait_s(answer: Answer) -> float | None:
    """``parameters.retry_after`` in seconds (Bot API, ResponseParameters), or None."""
    try:
        return float(json.loads(answer.body_head)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return None


def _payload(answer: Answer) -> bytes:
    """The answer reduced to what we use, because python-telegram-bot trips over bodies that are not the Bot API's.

    Raises:
        NoAnswer: a success that names no post.
    """
    if not 200 <= answer.status < 300:
        return _refusal(answer.body_head)
    found = _MESSAGE_ID.search(answer.body_head)
    if found is None:
        raise NoAnswer(Failed(FailureKind.UNKNOWN, "Telegrams Antwort war nicht lesbar."))
    # The id comes first in the result, so that an answer that was cut off will do: repeating would post twice.
    message = {"message_id": int(found[1]), "date": 0, "chat": {"id": 0, "type": "channel"}}
    return json.dumps({"ok": True, "result": message}).encode()


def _refusal(body: bytes) -> bytes:
    """Description and new group id of a refusal; empty where there are none."""
    try:
        told = json.loads(body)
        description, parameters = str(told.get("description", "")), told.get("parameters") or {}
        moved_to = parameters.get("migrate_to_chat_id")
    except (ValueError, AttributeError):
        return b"{}"
    moved = {"parameters": {"migrate_to_chat_id": moved_to}} if isinstance(moved_to, int) else {}
    return json.dumps({"description": description, **moved}).encode()
