"""The city's Mastodon account, over the REST API.

A warning is one public status. An update edits it (Mastodon keeps the history); when its author chose to alarm
again, a short reply under it notifies followers. Each of the three endings (Entwarnung, Fehlalarm, abgelaufen)
edits the status to its own words and always adds such a reply. A status that vanished is posted anew.

Every post carries an ``Idempotency-Key``, so repeating one whose answer was lost does not double it (servers
keep keys for an hour); therefore a lost answer is "unavailable", not "unknown". Outcomes follow from status
codes only. The token may never reach a log or an outcome. No word is written or shortened here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import Field, SecretStr

from realis.egress.channel_spec import ChannelConfig, ChannelSpec
from realis.egress.client import Answer, Egress, Method
from realis.egress.failures import EgressError, failed, http_date, retry_after_s
from realis.egress.policy import host_of
from realis.model.delivery import Accepted, Failed, FailureKind, Outcome
from realis.model.draft import Rendered
from realis.ports.channel import ChannelCapabilities, LengthUnit, Message, Target

ANSWER_BYTES = 65_536
"""How much of an answer the egress should keep: a status with its HTML and its account."""

_CAPABILITIES = ChannelCapabilities(
    length=500,
    unit=LengthUnit.GRAPHEMES,
    url_length=23,
    edits=True,
    per_language=False,
    concurrency=1,
    batch=1,
    public=True,
    min_interval_s=1.0,
)
_STATUS_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*"([^"\\]{1,64})"')


class Config(ChannelConfig):
    """A Mastodon account."""

    base_url: str = Field("", description="Adresse der Instanz, beginnend mit https://.")
    token: SecretStr = Field(SecretStr(""), description="Zugriffstoken des Kontos mit dem Recht write:statuses.")
    exercises: bool = Field(False, description="Auch Übungen veröffentlichen: nur für ein Konto zum Ausprobieren.")

    @property
    def complete(self) -> bool:
        """Whether instance and token are entered."""
        return bool(self.base_url.strip() and self.token.get_secret_value().strip())


class Mastodon:
    """Posts from one account and keeps its statuses true. Needs an egress with ``ANSWER_BYTES``."""

    name = "mastodon"
    label = "Mastodon"
    capabilities = _CAPABILITIES

    def __init__(self, egress: Egress, config: Config) -> None:
        self._egress = egress
        self._statuses = f"{config.base_url.strip().rstrip('/')}/api/v1/statuses"
        self._token = config.token.get_secret_value().strip()
        self.unavailable_reason = "" if config.complete else "nicht eingerichtet"

    async def send(self, message: Message, targets: Sequence[Target]) -> Sequence[Outcome]:
        """Post or edit for each target; an account has one."""
        if self.unavailable_reason:
            return [Failed(FailureKind.AUTH, "Mastodon ist nicht eingerichtet.") for _ in targets]
        return [await self._deliver(message, target) for target in targets]

    async def close(self) -> None:
        """Nothing to give back: the connections belong to the egress."""

    async def _deliver(self, message: Message, target: Target) -> Outcome:
        try:
            return await self._show(message, target.shown_ref)
        except _RefusedError as refused:
            return refused.failed

    async def _show(self, message: Message, shown: str | None) -> Outcome:
        """Edit the status there is, else post; the reply comes second, so that it never answers an old text."""
        if shown is None or not await self._edit(message, shown):
            return Accepted(await self._post(_Post(format_post(message.text), message.text.written_in, _key(message))))
        if message.realert or message.kind.ending is not None:
            call = _Post(format_post(_call(message.text)), message.text.written_in, _key(message, "reply"), shown)
            await self._post(call)
        return Accepted(shown)

    async def _edit(self, message: Message, shown: str) -> bool:
        """Change the status to these words; False if it is gone."""
        body = {"status": format_post(message.text), "language": message.text.written_in}
        answer = await self._ask("PUT", f"{self._statuses}/{quote(shown, safe='')}", body)
        if answer.status in (404, 410):
            return False
        _require_success(answer)
        return True

    async def _post(self, post: _Post) -> str:
        body = {"status": post.text, "language": post.language, "visibility": "public"}
        if post.reply_to:
            body["in_reply_to_id"] = post.reply_to
        answer = await self._ask("POST", self._statuses, body, key=post.key)
        if post.reply_to and answer.status == 404:
            # The status it answers was deleted in between: the call goes out on its own.
            return await self._post(replace(post, reply_to=None, key=f"{post.key}-alone"))
        _require_success(answer)
        return _status_id(answer)

    async def _ask(self, method: Method, url: str, body: Mapping[str, str], *, key: str = "") -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            return await self._egress.request(method, url, headers=headers, data=json.dumps(body).encode())
        except EgressError as error:
            # A lost answer is no reason for "unknown": the same key is posted once only.
            raise _RefusedError(failed(error, self.label, lost=FailureKind.UNAVAILABLE)) from None


@dataclass(frozen=True, slots=True)
class _Post:
    text: str
    language: str
    key: str
    reply_to: str | None = None


def format_post(text: Rendered) -> str:
    """The text in its order, with air between the paragraphs where the limit leaves room."""
    roomy = "\n\n".join(text.paragraphs)
    # Counted in code points, never fewer than graphemes; a link counts 23 even where it is shorter.
    worst = len(roomy) + 23 * roomy.count("://")
    return roomy if worst <= _CAPABILITIES.length else text.text


def _call(text: Rendered) -> Rendered:
    """What the short reply says: all but what happened and what to do, which the status above it has."""
    return replace(text, description="", instruction="")


def _key(message: Message, part: str = "") -> str:
    """The same for every try of the same message: SHA-256 over incident, revision and kind."""
    name = f"{message.incident}:{message.revision}:{message.kind.value}:{part}"
    return hashlib.sha256(name.encode()).hexdigest()


# ---------------------------------------------------------------- answers


class _RefusedError(Exception):
    """The request did not succeed; carries the outcome."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.detail)
        self.failed = failed


def _require_success(answer: Answer) -> None:
    if not 200 <= answer.status < 300:
        raise _RefusedError(classify(answer))


def classify(answer: Answer) -> Failed:
    """The outcome a status code stands for; texts are never matched."""
    status = answer.status
    if status in (401, 403):
        return Failed(FailureKind.AUTH, f"Mastodon erkennt den Zugang nicht an ({status}).")
    if status == 429:
        return Failed(FailureKind.RATE_LIMITED, "Mastodon bittet zu warten (429).", _wait_s(answer.headers))
    if status == 413:
        return Failed(FailureKind.TOO_LARGE, "Der Beitrag ist für Mastodon zu lang (413).")
    if status >= 500 or status in (408, 425):
        return Failed(FailureKind.UNAVAILABLE, f"Mastodon ist gestört ({status}).", _wait_s(answer.headers))
    return Failed(FailureKind.REJECTED, f"Mastodon nahm den Beitrag nicht an ({status}).")


def _status_id(answer: Answer) -> str:
    """The new status's id, also from an answer that was cut off; ids come first in it."""
    found = _STATUS_ID.match(answer.body_head)
    if found:
        return found[1].decode("ascii", "replace")
    try:
        return str(json.loads(answer.body_head)["id"])
    except (ValueError, KeyError, TypeError):
        detail = "Mastodons Antwort war nicht lesbar."
        raise _RefusedError(Failed(FailureKind.UNAVAILABLE, detail)) from None


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: ``Retry-After`` (RFC 9110, 10.2.3), else until ``X-RateLimit-Reset``, else None.

    An instant is measured against the answer's own ``Date``: the server's clock, not ours, has set it.
    """
    now = http_date(headers.get("Date", ""))
    wait_s, until = retry_after_s(headers.get("Retry-After", ""), now), _instant(headers.get("X-RateLimit-Reset", ""))
    if wait_s is not None or now is None or until is None:
        return wait_s
    return max(0.0, (until - now).total_seconds())


def _instant(value: str) -> datetime | None:
    """ISO 8601 as Mastodon writes it; some servers write seconds since 1970."""
    try:
        found = datetime.fromtimestamp(int(value), UTC) if value.isdecimal() else datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


SPEC = ChannelSpec(
    name=Mastodon.name,
    label=Mastodon.label,
    capabilities=Mastodon.capabilities,
    config=Config,
    make=lambda config, context: Mastodon(context.egress, config),
    about="Mastodon-Konto.",
    hosts=lambda config: host_of(config.base_url),
    answer_bytes=ANSWER_BYTES,
    account=True,
    idempotent=True,
    joins_exercises=lambda config: config.exercises,
)
