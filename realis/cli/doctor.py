"""``realis doctor``: looks at everything an installation needs and says what is missing or wrong.

It changes nothing: no file, key, table or setting is made here.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import shutil
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import typer
from redis import asyncio as redis
from redis.exceptions import RedisError
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from realis.app import diagnostics
from realis.app.channel_registry import TABLE, ChannelTable
from realis.app.clock import SystemClock
from realis.app.diagnostics import CheckResult, Grade
from realis.app.file_access import data_dir_obstacle
from realis.app.settings import Settings
from realis.app.wiring import listening
from realis.cli.common import CONFIG, ConfigOption, out, run
from realis.keystore.files import KINDS, read_current, read_files
from realis.model.errors import RealisError
from realis.storage import audit as audit_chain
from realis.storage import migrate
from realis.storage.database import Database
from realis.storage.database_identity import has_subscriptions, refuse_foreign
from realis.storage.drafts import SqlDesk
from realis.storage.people import SqlUsers
from realis.storage.schema import audit as audit_table
from realis.web import build_assets
from realis.web.assets import Assets

TIMEOUT_S = 5.0
_WORDS = {
    Grade.OK: ("In Ordnung", "green"),
    Grade.HINT: ("Hinweis", "yellow"),
    Grade.PROBLEM: ("Problem", "red"),
}
_TIME_ERROR = 5
_TIMEX_BYTES = 512


def check(config: ConfigOption = CONFIG) -> None:
    """Prüft Einstellungen, Schlüssel, Uhr, Platte, Datenbank und Kanäle und sagt, was zu tun ist."""
    findings = run(examine(config))
    for finding in findings:
        out.print(Text.assemble(_WORDS[finding.level], f": {finding.what}"))
        if finding.remedy:
            out.print(f"  Was tun: {finding.remedy}")
    if diagnostics.worst(findings) is Grade.PROBLEM:
        raise typer.Exit(1)


async def examine(config: Path) -> list[CheckResult]:
    """Everything that can be looked at from here, in the order in which to mend it."""
    try:
        settings = Settings.load(config)
    except RealisError as error:
        return [diagnostics.from_error(error)]
    found = [diagnostics.fine(f"Einstellungen in {config} gelesen.")]
    found += diagnostics.addresses(settings.public_url, settings.gateway_url)
    found += diagnostics.proxy(settings.public_url, settings.trusted_proxies)
    if settings.https:
        found.append(await look_at_certificate(settings.public_url, SystemClock().now()))
    found.append(diagnostics.push_contact(settings.push_contact))
    found.append(diagnostics.assets(build_assets.missing(frozenset(Assets()))))
    folder = settings.data_dir
    if stopped := data_dir_obstacle(folder):
        return [*found, diagnostics.from_error(stopped), *await look_at_listeners(settings)]
    if not folder.is_dir():
        return [
            *found,
            diagnostics.hint(f"{folder} gibt es noch nicht.", "`realis serve` legt es beim ersten Start an."),
            *await look_at_listeners(settings),
        ]
    found.append(diagnostics.disk(shutil.disk_usage(folder).free, str(folder)))
    found += await look_at_record(settings)
    found += await look_at_listeners(settings)
    return [
        *found,
        *diagnostics.hints_between(shared=not settings.alone, answers=await redis_answers(settings.redis_url)),
    ]


# ---- the world outside


async def look_at_certificate(public_url: str, now: datetime, context: ssl.SSLContext | None = None) -> CheckResult:
    """Connect as a browser would, and read how long the certificate is good for."""
    address = urlsplit(public_url)
    host = address.hostname or ""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(
                host, address.port or 443, ssl=context or ssl.create_default_context()
            )
    except ssl.SSLCertVerificationError as error:
        return diagnostics.certificate(host, None, now, failure=error.verify_message)
    except OSError as error:  # TimeoutError is one too
        return diagnostics.certificate(host, None, now, failure=error.strerror or "keine Antwort")
    ends = ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])
    writer.close()
    return diagnostics.certificate(host, datetime.fromtimestamp(ends, UTC), now)


async def look_at_listeners(settings: Settings) -> list[CheckResult]:
    """Whether the pages and the screens' gateway answer on this machine."""
    serving = is_serving(settings.data_dir) if settings.alone else None
    return [
        await look_at_listener("Die Webseite", settings.host, settings.port, "port", serving=serving),
        await look_at_listener(
            "Das Gateway der Bildschirme",
            settings.gateway_host,
            settings.gateway_port,
            "gateway_port",
            serving=serving,
        ),
    ]


async def look_at_listener(name: str, host: str, port: int, setting: str, *, serving: bool | None) -> CheckResult:
    """Whether a port of ours answers, or could be opened by the next `realis serve`."""
    if serving is False:  # with several machines another part of REALIS may rightly hold it
        try:
            with listening(host, port, setting):
                open_once(host, port)
        except RealisError as error:
            return diagnostics.from_error(error)
    return diagnostics.listener(name, answers=await port_answers(host, port), serving=serving)


def open_once(host: str, port: int) -> None:
    """Listen on a port as `realis serve` would, and let go at once. Raises ``OSError``."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


async def port_answers(host: str, port: int) -> bool:
    """Whether something listens there; an address for "everywhere" is asked on this machine."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked for, not bound
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(here, port)
    except OSError:
        return False
    writer.close()
    return True


def is_serving(data_dir: Path) -> bool:
    """Whether a `realis serve` holds this data."""
    lock = data_dir / "serve.lock"
    if not lock.exists():
        return False
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def clock_is_synchronised() -> bool | None:
    """What the kernel knows of NTP (adjtimex(2), which needs no rights to read), None where nobody can say."""
    asked = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        state = int(ctypes.CDLL(None).adjtimex(asked))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


async def redis_answers(url: str) -> bool | None:
    """Whether Redis is there; None where none is set."""
    if not url:
        return None
    client = redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


# ---- the record


async def look_at_record(settings: Settings) -> list[CheckResult]:
    """Database, keys, clock, audit chain, people and channels."""
    synchronised = clock_is_synchronised()
    if settings.alone and not (settings.data_dir / "realis.db").exists() and "realis.db" in settings.database_url:
        return [
            diagnostics.hint("Es gibt noch keine Datenbank.", "`realis serve` legt sie beim ersten Start an."),
            *look_at_keys(settings.data_dir / "keys", subscriptions=False),
            *diagnostics.clock(synchronised=synchronised, ahead=None),
        ]
    database = Database(settings.database_url)
    try:
        return await _inside(settings, database, synchronised)
    except RealisError as error:
        return [diagnostics.from_error(error)]
    except SQLAlchemyError as error:
        detail = str(error.__cause__ or type(error).__name__)
        return [diagnostics.problem(f"Die Datenbank arbeitet nicht: {detail}", "Prüfen Sie Rechte, Platz und Adresse.")]
    finally:
        await database.close()


async def _inside(settings: Settings, database: Database, synchronised: bool | None) -> list[CheckResult]:
    await refuse_foreign(database, demo=False)
    current = await migrate.is_current(database)
    if not current:
        return [diagnostics.schema(current=False), *diagnostics.clock(synchronised=synchronised, ahead=None)]
    async with database.write():
        pass  # whoever may not write cannot even begin
    verdict = await audit_chain.verify(database)
    users = await SqlUsers(database, SystemClock()).list()
    return [
        diagnostics.schema(current=True),
        *look_at_keys(settings.data_dir / "keys", subscriptions=await has_subscriptions(database)),
        *diagnostics.clock(synchronised=synchronised, ahead=await _ahead(database)),
        diagnostics.audit(verdict.entries, verdict.broken_at),
        diagnostics.people([user.roles for user in users if user.active]),
        *await _channels(settings, database),
    ]


async def _ahead(database: Database) -> timedelta | None:
    """How far a server's clock, or the newest thing written, is before this machine's."""
    async with database.read() as connection:
        if not database.is_sqlite:
            server: datetime = (await connection.execute(select(func.now()))).scalar_one()
            return server - SystemClock().now()
        newest: datetime | None = (await connection.execute(select(func.max(audit_table.c.at)))).scalar()
    # A file has no clock of its own: it only shows if ours has fallen behind what was written.
    return None if newest is None else max(timedelta(), newest - SystemClock().now())


def look_at_keys(folder: Path, *, subscriptions: bool) -> list[CheckResult]:
    """Whether every kind of key is there and nobody else may read it."""
    if not folder.is_dir():
        return diagnostics.keys(KINDS, folder_mode=None, subscriptions=subscriptions)
    try:
        current = read_current(folder)
        missing = [kind for kind in KINDS if kind not in current]
        if not missing:
            read_files(folder, current)
    except RealisError as error:
        return [diagnostics.from_error(error)]
    except OSError as error:
        return [
            diagnostics.problem(
                f"Die Schlüssel sind nicht lesbar: {error.strerror}", f"Prüfen Sie, wem {folder} gehört."
            )
        ]
    return diagnostics.keys(missing, folder_mode=folder.stat().st_mode & 0o777, subscriptions=subscriptions)


async def _channels(settings: Settings, database: Database) -> list[CheckResult]:
    held = {name: reason for name, (_, reason) in (await SqlDesk(database, SystemClock()).holds()).items()}
    return channel_findings(settings, held)


def channel_findings(settings: Settings, held: Mapping[str, str], table: ChannelTable = TABLE) -> list[CheckResult]:
    """How each channel stands that can be set up, and each that is on hold. ``held``: reasons by channel."""
    shown = [spec for spec in table if spec.has_settings or spec.name in held]
    unknown = held.keys() - {spec.name for spec in shown}
    return [
        *(
            diagnostics.channel(spec.label, set_up=settings.channel(spec).complete, held=held.get(spec.name, ""))
            for spec in shown
        ),
        *(diagnostics.channel(name, set_up=True, held=held[name]) for name in sorted(unknown)),
    ]
