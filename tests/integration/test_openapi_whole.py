"""A whole installation is what its OpenAPI document says, also for requests made at random."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from uuid import UUID

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import mobile_api.openapi
import realis.intake.openapi
from tests.support.installation import Installation, installation
from tests.support.openapi import described

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EXAMPLES = 20
BOUND_S = 100.0
SUBSCRIPTIONS = "/api/v1/push/subscriptions"


def new_subscription(name: str) -> dict[str, object]:
    """A browser's subscription at a push service on loopback, for the whole city."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = {"p256dh": point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), "auth": bytes(16)}
    keys = {key: base64.urlsafe_b64encode(value).decode().rstrip("=") for key, value in raw.items()}
    return {"endpoint": f"http://127.0.0.1:9/{name}", "keys": keys, "language": "de", "everywhere": True}


async def subscribed(running: Installation, name: str) -> tuple[int, str]:
    """Id and token of a new subscription."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(running.url + SUBSCRIPTIONS, json=new_subscription(name)) as answer,
    ):
        made = await answer.json()
        assert answer.status == 201, made
        return made["id"], made["token"]


def configuration(token: str, incident: UUID, kept: tuple[int, str], deleted: tuple[int, str]) -> str:
    """What cannot be guessed: tokens and ids. JSON's strings and numbers are TOML's too.

    Whether an endpoint, a key or a CAP message is acceptable is more than a schema can say: there, a refusal of what
    the schema allows is right.
    """

    def operation(name: str, bearer: str = "", *, judged: bool = False, **parameters: object) -> str:
        lines = ["[[operations]]", f"include-name = {json.dumps(name)}"]
        if bearer:
            lines.append(f"headers = {{ Authorization = {json.dumps(f'Bearer {bearer}')} }}")
        if parameters:
            values = ", ".join(f'"path.{key}" = {json.dumps(value)}' for key, value in parameters.items())
            lines.append(f"parameters = {{ {values} }}")
        if judged:
            lines.append("checks = { positive_data_acceptance = { enabled = false } }")
        return "\n".join(lines)

    one = f"{SUBSCRIPTIONS}/{{id}}"
    return "\n\n".join(
        [
            operation(f"POST {realis.intake.openapi.PATH}", token, judged=True),
            operation("GET /api/v1/alerts/{incident}", incident=str(incident)),
            operation("GET /api/v1/courses/{slug}", slug="hochwasser"),
            operation(f"POST {SUBSCRIPTIONS}", judged=True),
            operation(f"GET {one}", kept[1], id=kept[0]),
            operation(f"PATCH {one}", kept[1], judged=True, id=kept[0]),
            operation(f"DELETE {one}", deleted[1], id=deleted[0]),
        ]
    )


async def run(config: Path, url: str) -> tuple[int, str]:
    """Exit status and report of schemathesis, the same requests each time."""
    arguments = ["--config-file", str(config), "run", f"{url}{mobile_api.openapi.PATH}", "--no-color"]
    bounds = ["--max-examples", str(EXAMPLES), "--workers", "1", "--request-timeout", "10"]
    fixed = ["--generation-deterministic", "--phases", "coverage,fuzzing"]
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        *arguments,
        *bounds,
        *fixed,
        "--continue-on-failure",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "COLUMNS": "120"},
        cwd=config.parent,
    )
    try:
        async with asyncio.timeout(BOUND_S):
            report, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, report.decode(errors="replace")


async def test_every_operation_answers_as_described(tmp_path: Path) -> None:
    """No 500, no status, header, media type or field that is not in the document, and nothing wrong is accepted."""
    async with installation(tmp_path) as running:
        incident = await running.issue(running.content())
        kept, deleted = await subscribed(running, "kept"), await subscribed(running, "deleted")
        config = tmp_path / "schemathesis.toml"
        config.write_text(configuration(running.authority_token, incident, kept, deleted), encoding="utf-8")
        status, report = await run(config, running.url)
    operations = described(mobile_api.openapi.OPERATIONS) | described(realis.intake.openapi.OPERATIONS)
    asked = operations - {("GET", mobile_api.openapi.PATH)}  # read once, as the document
    assert status == 0, report
    assert f"Tested: {len(asked)}" in report
