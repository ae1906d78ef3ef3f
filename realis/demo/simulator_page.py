"""What the two stand-ins share: posts kept in memory, a loopback server, and the page a person watches.

Only for the demo and tests. It never listens anywhere but on 127.0.0.1, keeps nothing on disk, and says on the
page that the channel is staged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from realis.app.clock import SystemClock
from realis.ports.clock import Clock

MAX_POSTS = 200
MAX_VERSIONS = 50
_HERE = Path(__file__).parent
_PAGES = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that is bold or not."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """What a post said from a time on."""

    at: datetime
    runs: tuple[Run, ...]

    @property
    def text(self) -> str:
        """The words without marks."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Post:
    """A post with every version it had, oldest first."""

    id: int
    versions: tuple[Version, ...]
    language: str = "de"
    reply_to: int | None = None
    silent: bool = False

    @property
    def text(self) -> str:
        """What it says now."""
        return self.versions[-1].text

    @property
    def edited(self) -> bool:
        """Whether it ever changed."""
        return len(self.versions) > 1


class Board:
    """The newest posts, bounded; numbers grow and are never used twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._posts: OrderedDict[int, Post] = OrderedDict()
        self._next = 1
        self.version = 0

    @property
    def posts(self) -> Sequence[Post]:
        """All posts, oldest first."""
        return tuple(self._posts.values())

    def find(self, post_id: int) -> Post | None:
        """One post, or None if it never was or is gone."""
        return self._posts.get(post_id)

    def add(
        self, runs: tuple[Run, ...], *, language: str = "de", reply_to: int | None = None, silent: bool = False
    ) -> Post:
        """A new post; the oldest falls off the board when it is full."""
        post = Post(self._next, (Version(self._clock.now(), runs),), language, reply_to, silent)
        self._posts[post.id] = post
        self._next += 1
        self.version += 1
        if len(self._posts) > MAX_POSTS:
            self._posts.popitem(last=False)
        return post

    def edit(self, post: Post, runs: tuple[Run, ...]) -> Post:
        """The post with new words; the old ones stay in its history."""
        versions = (*post.versions[-MAX_VERSIONS + 1 :], Version(self._clock.now(), runs))
        edited = self._posts[post.id] = replace(post, versions=versions)
        self.version += 1
        return edited

    def remove(self, post_id: int) -> None:
        """Take a post off the board, as a person with the app could."""
        if self._posts.pop(post_id, None) is not None:
            self.version += 1


@dataclass(frozen=True, slots=True)
class SimulatorPages:
    """How the page presents itself."""

    title: str
    service: str
    kind: str
    account: str


class Simulator(ABC):
    """A loopback server with a board of posts and a page; subclasses add the service's endpoints."""

    face: SimulatorPages

    def __init__(self, port: int = 0, *, clock: Clock | None = None, time_zone: str = "Europe/Berlin") -> None:
        self.clock = clock or SystemClock()
        self.board = Board(self.clock)
        self._port = port
        self._zone = ZoneInfo(time_zone)
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where the service's API is, for the channel."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def page_url(self) -> str:
        """Where a person watches."""
        return f"{self.base_url}/"

    @property
    def posts(self) -> Sequence[Post]:
        """All posts, oldest first."""
        return self.board.posts

    @abstractmethod
    def routes(self, app: web.Application) -> None:
        """Add the service's endpoints."""

    async def __aenter__(self) -> Self:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError if the port is taken."""
        app = web.Application(client_max_size=256 * 1024)
        app.router.add_get("/", self._page)
        app.router.add_get("/posts", self._fragment)
        app.router.add_static("/static/", _HERE / "static")
        app.on_response_prepare.append(_add_headers)
        self.routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop listening; the posts can still be read."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _page(self, _request: web.Request) -> web.Response:
        return _html("standin.html", {"face": self.face, **self._shown()})

    async def _fragment(self, request: web.Request) -> web.Response:
        """The list alone for the page's script; 304 while nothing changed."""
        tag = f'"{self.board.version}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        answer = _html("standin_posts.html", self._shown())
        answer.headers["ETag"] = tag
        return answer

    def _shown(self) -> Mapping[str, object]:
        return {"posts": tuple(reversed(self.posts)), "time": self._time}

    def _time(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%H:%M:%S Uhr")


def _html(template: str, values: Mapping[str, object]) -> web.Response:
    return web.Response(text=_PAGES.get_template(template).render(values), content_type="text/html", charset="utf-8")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


async def parameters(request: web.Request) -> Mapping[str, object]:
    """What a client sent, as JSON or as a form; empty if it is neither. Values stay as they came."""
    if request.content_type == "application/json":
        try:
            sent = await request.json()
        except ValueError:
            return {}
        return sent if isinstance(sent, dict) else {}
    return dict(await request.post())
