"""The authority's side of the intake: posts a message to a running REALIS, as ``realis alert send`` does."""

from __future__ import annotations

import io

import aiohttp

from realis.intake.openapi import PATH
from realis.model.errors import CommandError

SEND_TIMEOUT_S = 30


async def send(raw: bytes, url: str, token: str) -> tuple[int, dict[str, object]]:
    """Post a message to a running REALIS; returns status and response."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cap+xml"}
    timeout = aiohttp.ClientTimeout(total=SEND_TIMEOUT_S)
    address = f"{url.rstrip('/')}{PATH}"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(address, data=io.BytesIO(raw), headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandError(
            f"{url} antwortet nicht ({type(error).__name__}).", remedy="Läuft `realis serve`? Stimmt --url?"
        ) from error
