"""The whole program as a process of its own that a test may kill: ``python -m tests.acceptance.child DIR [known]``.

It prints one line of JSON with its ports when it serves. Then each line on its input is an order: ``alert``,
``update`` or ``all_clear`` with the places, carried out at the desk by Anna and released by Bernd; the answer is
one line of JSON, written when the message is issued (on disk), which is before most of it has been sent.
``submit`` leaves a first warning for these places to be released, and ``release`` releases it or says why not.
SIGTERM ends it as it ends ``realis serve``. With ``known``, push services on loopback are known ones.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from realis.app import log
from realis.app.wiring import App, BuildOptions, build
from realis.model.draft import DraftKind
from realis.model.errors import RealisError
from tests.support import installation
from tests.support.installation import KNOWN_SERVICES, LOOPBACK, Installation
from tests.support.wording import german

CHANNELS = ("webpush", "by_hand")


async def main(folder: Path, variation: BuildOptions) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with build(installation.settings(folder), variation=variation) as app, asyncio.TaskGroup() as group:
        serving = group.create_task(app.run(stop))
        obeying = group.create_task(obey(app, serving))
        await asyncio.wait({serving})
        obeying.cancel()


async def obey(app: App, serving: asyncio.Task[None]) -> None:
    """Take orders until the input ends."""
    here = Installation(app, serving, "", await installation.staff(app.core))
    say(http=app.http_port, gateway=app.gateway.port)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order, *words = line.decode().split()
        if order == "submit":
            draft = await here.submitted(here.content(*words, channels=CHANNELS))
            say(draft=str(draft.id), digest=draft.digest)
        elif order == "release":
            say(**await release(here, *words))
        else:
            incident, *places = words
            say(incident=str(await carry_out(here, DraftKind(order), incident, places)))


async def carry_out(here: Installation, kind: DraftKind, incident: str, places: list[str]) -> UUID:
    """One message, from the first word to its issue; ``incident`` is ``-`` for a first warning."""
    if kind is DraftKind.ALERT:
        return await here.issue(here.content(*places, channels=CHANNELS))
    known = UUID(incident)
    await here.release(await here.follow_up(known, kind, areas=(installation.area(*places),)))
    return known


async def release(here: Installation, draft: str, digest: str) -> dict[str, object]:
    """Have Bernd release it; the answer comes before it is issued, or says why it was refused."""
    try:
        await here.core.desk.approval.release(here.people[installation.BERND].actor, UUID(draft), digest=digest)
    except RealisError as error:
        text = german(error)
        return {"refused": type(error).__name__, "message": text.title, "remedy": text.remedy}
    return {"refused": ""}


def doors(words: Sequence[str]) -> BuildOptions:
    """Which doors it has, by the word that says so."""
    return KNOWN_SERVICES if "known" in words else LOOPBACK


def say(**answer: object) -> None:
    """One line of JSON to whoever started this."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    log.configure(level="INFO", json=True)
    asyncio.run(main(Path(sys.argv[1]), doors(sys.argv[2:])))
