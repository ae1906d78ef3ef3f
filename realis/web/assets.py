"""Static files of all faces under ``/assets/``: read once at start, addressed by content, cached for good.

Every file has two addresses. ``/assets/<version>/<name>`` may be cached for ever, because ``<version>`` is a hash
over all files; relative addresses inside (fonts of a stylesheet, modules importing each other) stay under the same
version. ``/assets/<name>`` is for whoever cannot know the version; it is checked by ETag. Files are held in
memory, so no request reaches the disk. Knows nothing of what the files show.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from aiohttp import web

from realis.model.errors import ConfigurationError

PREFIX = "/assets/"
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
TEXTS = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
WORTH_PACKING_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served. ``packed`` is the gzip form, or None where it saves nothing."""

    name: str
    body: bytes
    packed: bytes | None
    content_type: str
    etag: str

    @classmethod
    def read(cls, name: str, path: Path) -> Asset:
        """The file at ``path`` under the name pages use."""
        body = path.read_bytes()
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        text = kind.startswith(TEXTS)
        packed = gzip.compress(body, mtime=0) if text and len(body) > WORTH_PACKING_BYTES else None
        return cls(
            name, body, packed, f"{kind}; charset=utf-8" if text else kind, hashlib.sha256(body).hexdigest()[:20]
        )


class Assets:
    """The static files of this program: ``url`` names them in pages, ``register`` serves them.

    Args:
        roots: folders beside ``realis/web/static``, usually ``package_root("mobile_api")`` and so on. Their files
            share one name space.

    Raises:
        ConfigurationError: two roots hold a file of the same name, or a root is missing.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._files: Mapping[str, Asset] = _collect([package_root("realis.web"), *roots])
        digest = hashlib.sha256()
        for name in sorted(self._files):
            digest.update(f"{name}\0{self._files[name].etag}\n".encode())
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The cacheable address of a file such as ``css/base.css``.

        Raises ``ConfigurationError`` for a name that no root holds, so that a page with a dead link is never sent.
        """
        self[name]
        return f"{PREFIX}{self.version}/{name}"

    def __getitem__(self, name: str) -> Asset:
        try:
            return self._files[name]
        except KeyError:
            remedy = "Run `make setup`." if name.startswith("vendor/") else "Check the spelling of the name."
            raise ConfigurationError(f"There is no static file {name!r}.", where=name, remedy=remedy) from None

    def __iter__(self) -> Iterator[str]:
        """All names, in order; a service worker's list of files comes from here."""
        return iter(sorted(self._files))

    def register(self, app: web.Application) -> None:
        """Serve all files of this set under ``/assets/``."""
        app.router.add_get(f"{PREFIX}{{name:.+}}", self._serve, name="assets")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        versioned = name.removeprefix(f"{self.version}/")
        cacheable, asset = versioned != name, self._files.get(versioned)
        if asset is None:  # a page of an older version of the program asks: today's file, but not for ever
            asset = self._files.get(name.partition("/")[2])
        if asset is None:
            raise web.HTTPNotFound
        return _answer(request, asset, FOR_EVER if cacheable else "no-cache")


def package_root(package: str) -> Path:
    """The ``static`` folder of a package."""
    return Path(str(resources.files(package))) / "static"


def _collect(roots: Sequence[Path]) -> dict[str, Asset]:
    files: dict[str, Asset] = {}
    for root in roots:
        if not root.is_dir():
            raise ConfigurationError("A folder of static files is missing.", where=str(root))
        for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")):
            name = path.relative_to(root).as_posix()
            if name in files:
                raise ConfigurationError(f"Two packages have a static file {name!r}.", where=str(path))
            files[name] = Asset.read(name, path)
    return files


def _answer(request: web.Request, asset: Asset, caching: str) -> web.Response:
    packs = asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f'"{asset.etag}{"-gz" if packs else ""}"'
    headers = {"Cache-Control": caching, "ETag": etag, "X-Content-Type-Options": "nosniff"}
    if asset.packed is not None:
        headers["Vary"] = "Accept-Encoding"
    if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = asset.content_type
    if packs:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=asset.packed if packs else asset.body, headers=headers)
