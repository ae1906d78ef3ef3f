"""Plays the Telegram Bot API for the demo: the few methods our channel uses, and their refusals.

It must not be friendlier than the real server: too long, unknown post, unchanged and unreadable HTML are refused
in the server's own words, because those words are all a client can tell them apart by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html.parser import HTMLParser

from aiohttp import web

from realis.demo.simulator_page import Post, Run, Simulator, SimulatorPages, parameters

MAX_LENGTH = 4096
"""UTF-16 units of a message, after reading its marks."""

_BOLD = frozenset({"b", "strong"})
_TAGS = _BOLD | {"i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote", "tg-spoiler"}


class UnreadableHtmlError(Exception):
    """A tag the Bot API does not know, or one that is never closed."""


class _Marks(HTMLParser):
    """Reads the Bot API's HTML subset into runs (Bot API, "HTML style")."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.runs: list[Run] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _TAGS:
            raise UnreadableHtmlError(f'Unsupported start tag "{tag}"')
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise UnreadableHtmlError(f'Unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.runs.append(Run(data, bold=any(tag in _BOLD for tag in self._open)))

    def finish(self) -> tuple[Run, ...]:
        """Everything read; raises if a tag is still open."""
        self.close()
        if self._open:
            raise UnreadableHtmlError(f'Can\'t find end tag corresponding to start tag "{self._open[-1]}"')
        return tuple(self.runs)


def read_html(text: str) -> tuple[Run, ...]:
    """The runs of a text in Telegram's HTML mode. Raises ``UnreadableHtmlError``."""
    marks = _Marks()
    marks.feed(text)
    return marks.finish()


class SimulatedTelegram(Simulator):
    """Plays the Bot API: getMe, sendMessage, editMessageText."""

    face = SimulatorPages("Nachgestellter Telegram-Kanal (Demo)", "Telegram", "telegram", "Stadtwarnungen")

    def routes(self, app: web.Application) -> None:
        """``/bot<token>/<method>`` for GET and POST, like the real one."""
        app.router.add_route("*", "/bot{token}/{method}", self._call)

    async def _call(self, request: web.Request) -> web.Response:
        methods = {"getme": self._get_me, "sendmessage": self._send, "editmessagetext": self._edit}
        method = methods.get(request.match_info["method"].lower())
        if method is None:
            return _error(404, "Not Found")
        try:
            return method(await parameters(request))
        except UnreadableHtmlError as unreadable:
            return _error(400, f"Bad Request: can't parse entities: {unreadable}")

    def _get_me(self, _sent: Mapping[str, object]) -> web.Response:
        return _result({"id": 1, "is_bot": True, "first_name": "REALIS", "username": "realis_demo_bot"})

    def _send(self, sent: Mapping[str, object]) -> web.Response:
        if not sent.get("chat_id"):
            return _error(400, "Bad Request: chat_id is empty")
        runs = _runs(sent)
        if problem := _problem(runs):
            return _error(400, problem)
        silent = str(sent.get("disable_notification", "")).lower() == "true"
        post = self.board.add(runs, reply_to=_reply_to(sent), silent=silent)
        return _result(_message(post, sent))

    def _edit(self, sent: Mapping[str, object]) -> web.Response:
        post_id = str(sent.get("message_id", ""))
        post = self.board.find(int(post_id)) if post_id.isdecimal() else None
        if post is None:
            return _error(400, "Bad Request: message to edit not found")
        runs = _runs(sent)
        if problem := _problem(runs):
            return _error(400, problem)
        if runs == post.versions[-1].runs:
            return _error(400, "Bad Request: message is not modified")
        return _result(_message(self.board.edit(post, runs), sent))


def _runs(sent: Mapping[str, object]) -> tuple[Run, ...]:
    text = str(sent.get("text", ""))
    return read_html(text) if str(sent.get("parse_mode", "")).upper() == "HTML" else (Run(text),)


def _problem(runs: tuple[Run, ...]) -> str:
    """Why the real server would refuse these words, or empty. It counts UTF-16 units after reading the marks."""
    text = "".join(run.text for run in runs).strip()
    if not text:
        return "Bad Request: message text is empty"
    too_long = len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_LENGTH
    return "Bad Request: message is too long" if too_long else ""


def _reply_to(sent: Mapping[str, object]) -> int | None:
    reply = sent.get("reply_parameters")
    if isinstance(reply, str):
        try:
            reply = json.loads(reply)
        except ValueError:
            return None
    found = str(reply.get("message_id", "")) if isinstance(reply, dict) else ""
    return int(found) if found.isdecimal() else None


def _message(post: Post, sent: Mapping[str, object]) -> Mapping[str, object]:
    message: dict[str, object] = {
        "message_id": post.id,
        "date": int(post.versions[0].at.timestamp()),
        "chat": {"id": -1001, "type": "channel", "title": "Stadtwarnungen", "username": str(sent.get("chat_id"))},
        "text": post.text,
    }
    return message | ({"edit_date": int(post.versions[-1].at.timestamp())} if post.edited else {})


def _result(result: Mapping[str, object]) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(status: int, description: str) -> web.Response:
    return web.json_response({"ok": False, "error_code": status, "description": description}, status=status)
