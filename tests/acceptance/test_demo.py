"""``realis serve --demo`` in a process of its own: the whole flood, and what the demo must never do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from lxml import etree, html
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from content.phrases import PhraseBook
from tests.acceptance.program import Post, realis, start, until
from tests.fakes.push_service import Phone, phone
from tests.support.ports import free_port

LANGUAGES = ("de", "en", "tr", "ar", "uk", "ru", "pl", "fr", "de-x-ls")
NOTICE = {language: PhraseBook.load().phrase("notice.uebung", language) for language in LANGUAGES}
ATOM = "{http://www.w3.org/2005/Atom}"
END = "Die Übung ist zu Ende."


@dataclass(slots=True)
class Demo:
    """A demo on this machine: its addresses as printed, and what it printed since."""

    process: asyncio.subprocess.Process
    log: Path
    port: int
    gateway_port: int
    frames: list[dict[str, Any]] = field(default_factory=list)

    @property
    def printed(self) -> str:
        """Everything it wrote to its terminal."""
        return self.log.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def found(self, pattern: str) -> list[str]:
        """All that the terminal shows of a pattern."""
        return re.findall(pattern, self.printed)

    @property
    def passwords(self) -> dict[str, str]:
        """The one-time passwords by name."""
        return dict(re.findall(r"Anmeldung (\w+) +Passwort (\S+)", self.printed))

    @property
    def screens(self) -> list[str]:
        """The screens' tokens."""
        return self.found(r"/display/\S*#token=(\S+)")

    async def see(self, words: str, bound_s: float = 90) -> None:
        """Wait until the terminal shows these words."""
        await until(lambda: words in self.printed or self.process.returncode is not None, bound_s)
        assert words in self.printed, self.printed[-3000:]

    async def stop(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), 40)


@asynccontextmanager
async def demo(
    folder: Path, log: str, tempo: float, env: Mapping[str, str] | None = None, stdin: int = asyncio.subprocess.PIPE
) -> AsyncIterator[Demo]:
    """A started demo that has introduced itself; killed at the end if it still runs."""
    port, gateway_port = free_port(), free_port()
    process = await start(
        *("serve", "--demo", "--data-dir", "demo", "--port", str(port)),
        *("--gateway-port", str(gateway_port), "--tempo", str(tempo)),
        folder=folder,
        out=folder / log,
        env=dict(env or {}),
        stdin=stdin,
    )
    running = Demo(process, folder / log, port, gateway_port)
    try:
        await running.see("Anmeldung carla")
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def watch(running: Demo, token: str) -> None:
    """A screen: keeps every frame it is sent, until cancelled."""
    page = Origin(f"http://localhost:{running.port}")
    async with connect(f"ws://127.0.0.1:{running.gateway_port}/ws", origin=page, compression=None) as socket:
        await socket.send(json.dumps({"type": "hello", "proto": 1, "token": token, "have": None}))
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                for frame in json.loads(message).get("frames", ()):
                    payload = frame.split(".")[1]
                    running.frames.append(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


async def subscribe(session: aiohttp.ClientSession, one: Phone, language: str) -> None:
    """Subscribe a phone as the citizens' page does."""
    body = {key: value for key, value in one.subscription.items() if key != "expirationTime"}
    wanted = {**body, "language": language, "places": ["siegen-mitte"]}
    async with session.post("/api/v1/push/subscriptions", json=wanted) as answer:
        assert answer.status == 201, await answer.text()


async def text(session: aiohttp.ClientSession, path: str) -> str:
    """One page."""
    async with session.get(path) as answer:
        assert answer.status == 200, f"{path}: {answer.status}"
        return await answer.text()


async def test_the_demo_plays_its_flood_and_everything_says_that_it_is_an_exercise(tmp_path: Path) -> None:
    """From the first line on the terminal to the Entwarnung on every way out, each text with its notice first.

    A second start on the same directory plays again with fresh passwords and a new incident.
    """
    async with Post(delay_s=0).open() as post:
        incident, passwords = await first_start(tmp_path, post)
        async with demo(tmp_path, "second.log", 50) as again:
            await again.see(END)
            assert again.found(r"Lage: \S+/alerts/(\S+)")[0] != incident
            assert not set(again.passwords.values()) & set(passwords.values())
            assert await again.stop() == 0
        assert "Traceback" not in again.printed


async def first_start(folder: Path, post: Post) -> tuple[str, dict[str, str]]:
    """Play the flood in front of phones and a screen; the incident and the passwords."""
    async with demo(folder, "first.log", 4) as running:
        phones = {language: phone(f"{post.origin}/{language}") for language in LANGUAGES}
        watching = asyncio.create_task(watch(running, running.screens[0]))
        async with aiohttp.ClientSession(running.url) as session:
            assert (await session.get("/readyz")).status == 200
            for language, one in phones.items():
                await subscribe(session, one, language)
            await running.see(END)
            incident = running.found(r"Lage: \S+/alerts/(\S+)")[0]
            await until(lambda: all(any(heard["ending"] for heard in told(post, one)) for one in phones.values()))
            await until(lambda: any(frame.get("ending") == "all_clear" for frame in running.frames))
            await pages_agree(session, incident)
            await feeds_agree(session, incident)
        pushes_say_so(post, phones)
        screens_say_so(running.frames)
        await stand_ins_say_so(running)
        terminal_says_so(running.printed)
        before = running.passwords
        assert set(before) == {"anna", "bernd", "carla"}
        assert all(running.printed.count(password) == 1 for password in before.values())
        assert await running.stop() == 0
        await asyncio.wait({watching}, timeout=10)
        assert "Traceback" not in running.printed
    return incident, before


def told(post: Post, one: Phone) -> list[dict[str, Any]]:
    """What a phone was told, in order."""
    bodies = post.bodies(f"/{one.endpoint.rpartition('/')[2]}")
    return [json.loads(one.read(body))["realis"] for body in bodies]


def pushes_say_so(post: Post, phones: Mapping[str, Phone]) -> None:
    """Every push's title begins with the notice in the phone's language."""
    for language, one in phones.items():
        for body in post.bodies(f"/{language}"):
            title = json.loads(one.read(body))["notification"]["title"]
            assert title.startswith(NOTICE[language]), title


def screens_say_so(frames: Sequence[Mapping[str, Any]]) -> None:
    """Every frame with words carries the notice in its language; all languages were shown."""
    shown = [frame for frame in frames if frame["kind"] == "alert"]
    assert {frame["lang"] for frame in shown} == set(LANGUAGES)
    for frame in shown:
        assert (frame["occasion"], frame["notice"]) == ("uebung", NOTICE[frame["lang"]])


async def stand_ins_say_so(running: Demo) -> None:
    """The accounts' posts were edited up to the Entwarnung, and every version of every post says Übung first."""
    addresses = running.found(r"\(nachgestellt\) +(\S+)")
    assert len(addresses) == 2
    for address in addresses:
        async with aiohttp.ClientSession(address) as session:
            articles = list(html.fromstring(await text(session, "/posts")).iter("article"))
        words = [
            ["".join(map(str, p.itertext())) for p in article.iter("p") if p.get("class") == "words"]
            for article in articles
        ]
        assert all(entry.startswith(NOTICE["de"]) for entries in words for entry in entries), words
        now, *versions = words[-1]
        assert "Entwarnung" in now
        assert len(versions) == 2
        assert any("Sieg" in version for version in versions)


def terminal_says_so(printed: str) -> None:
    """Every message printed begins with the notice."""
    blocks = re.findall(r"─{60}\n(.*?)─{60}\n", printed, flags=re.DOTALL)
    assert len(blocks) == 5
    assert all(block.startswith(NOTICE["de"]) for block in blocks), blocks


async def pages_agree(session: aiohttp.ClientSession, incident: str) -> None:
    """The API lists the ended exercise, with its notice in every language; so does the page."""
    exercise = json.loads(await text(session, "/api/v1/alerts?exercise=true"))
    assert exercise["alerts"] == []
    assert incident in {view["incident"] for view in exercise["ended"]}
    assert [view["ending"] for view in exercise["ended"]] == ["all_clear", "all_clear"]
    for view in exercise["ended"]:
        assert {words["notice"] for words in view["texts"].values()} == set(NOTICE.values())
    page = await text(session, f"/alerts/{incident}?exercise=true")
    assert NOTICE["de"] in page
    assert "Entwarnung" in page


async def feeds_agree(session: aiohttp.ClientSession, incident: str) -> None:
    """The exercise feed carries the incident and its signed message; the public one carries nothing."""
    public = etree.fromstring((await text(session, "/feeds/cap.atom")).encode())
    assert public.findall(f"{ATOM}entry") == []
    feed = etree.fromstring((await text(session, "/feeds/exercise/cap.atom")).encode())
    entries = feed.findall(f"{ATOM}entry")
    by_incident = {entry.findtext(f"{ATOM}id"): entry for entry in entries}
    assert len(by_incident) == 2
    flood = by_incident[f"urn:uuid:{incident}"]
    assert all(str(entry.findtext(f"{ATOM}title")).startswith(NOTICE["de"]) for entry in entries)
    for number in (1, 2, 3):
        path = next(link.get("href") for link in flood.findall(f"{ATOM}link") if link.get("rel") == "enclosure")
        address = re.sub(r"\.\d+\.xml$", f".{number}.xml", "/" + str(path).split("/", 3)[3])
        cap = etree.fromstring((await text(session, address)).encode())
        assert cap.findtext("{*}status") == "Exercise"
        async with session.get(address.replace("/feeds/exercise", "")) as answer:
            assert answer.status == 404


async def test_the_demo_waits_for_its_audience_and_plays_again(tmp_path: Path) -> None:
    """In a terminal it begins with a key, and with n it plays once more; the terminal is left as it was.

    People look around with the password shown, and the line shown for the authority sends a message of one's own.
    """
    controller, terminal = os.openpty()
    before = termios.tcgetattr(terminal)
    async with demo(tmp_path, "demo.log", 50, stdin=terminal) as running:
        await running.see("spätestens nach 60 Sekunden")
        assert "Kreisleitstelle meldet" not in running.printed
        os.write(controller, b" ")
        await running.see("Noch einmal")
        os.write(controller, b"n")
        await until(lambda: running.printed.count(END) == 2)
        assert len(set(running.found(r"Lage: \S+/alerts/(\S+)"))) == 2
        async with aiohttp.ClientSession(running.url) as session:
            origin, who = {"Origin": running.url}, {"name": "bernd", "password": running.passwords["bernd"]}
            logged_in = await session.post("/console/login", data=who, headers=origin, allow_redirects=False)
            assert logged_in.headers["Location"] == "/console/"
        shown = re.search(r"REALIS_TOKEN=(\S+) realis alert send (\S+) --url (\S+)", running.printed)
        assert shown
        token, file, url = shown.groups()
        sent = await realis("alert", "send", file, "--url", url, folder=tmp_path, env={"REALIS_TOKEN": token})
        assert sent.code == 0, sent.err
        assert "Angenommen." in sent.out
        assert await running.stop() == 0
        assert termios.tcgetattr(terminal) == before
    os.close(controller)
    os.close(terminal)


async def test_the_demo_begins_with_the_first_page(tmp_path: Path) -> None:
    """In a terminal an opened page begins the script, long before the minute is over."""
    controller, terminal = os.openpty()
    async with demo(tmp_path, "demo.log", 50, stdin=terminal) as running:
        await running.see("spätestens nach 60 Sekunden")
        async with aiohttp.ClientSession(running.url) as session:
            await text(session, "/")
        await running.see("Kreisleitstelle meldet", 20)
        assert await running.stop() == 0
    os.close(controller)
    os.close(terminal)


async def test_the_demo_takes_nothing_from_a_real_installation(tmp_path: Path) -> None:
    """Started in a city's own directory, with its settings and secrets around, the demo uses none of them."""
    (tmp_path / "realis.toml").write_text(
        'push_contact = "mailto:echt@stadt.example"\nhost = "0.0.0.0"\n'
        '[city]\nname = "Echtstadt"\nauthority = "Echte Behörde"\n'
        '[cap]\nsender = "echt@stadt.example"\nidentifier_prefix = "echt"\n'
        '[telegram]\ntoken = "999999:echtes-token-der-stadt-aaaaaaaaaaaaaaa"\nchat_id = "@echt"\nexercises = true\n',
        encoding="utf-8",
    )
    env = {"REALIS_MASTODON__TOKEN": "echtes-mastodon-token", "REALIS_PUBLIC_URL": "https://warnung.stadt.example"}
    async with demo(tmp_path, "demo.log", 50, env) as running:
        await running.see(END)
        async with aiohttp.ClientSession(running.url) as session:
            assert "Echtstadt" not in await text(session, "/")
        printed = running.printed
        assert await running.stop() == 0
    assert "stadt.example" not in printed
    assert not [path for path in (tmp_path / "demo").rglob("*") if path.is_file() and b"echtes-" in path.read_bytes()]


async def test_a_broken_settings_file_does_not_keep_the_demo_from_starting(tmp_path: Path) -> None:
    """The demo needs no file; whatever lies in the directory is not read."""
    (tmp_path / "realis.toml").write_text("das ist kein TOML", encoding="utf-8")
    async with demo(tmp_path, "demo.log", 50) as running:
        assert await running.stop() == 0


async def test_demo_and_real_never_share_a_directory(tmp_path: Path) -> None:
    """``--demo`` on a real installation's data is refused, ``serve`` on a demo's too; both say what to do."""
    answers = "Echtstadt\n\n51,4 9,2\n\n\n\n\nchefin\n\nbernd\n\n"
    assert (await realis("init", folder=tmp_path, answers=answers)).code == 0
    refused = await realis("serve", "--demo", "--data-dir", "var/realis", folder=tmp_path)
    assert refused.code == 1
    assert "--data-dir" in refused.err
    assert "Anmeldung" not in refused.out

    async with demo(tmp_path, "demo.log", 50) as running:
        assert await running.stop() == 0
    config = tmp_path / "realis.toml"
    config.write_text(config.read_text(encoding="utf-8").replace('"var/realis"', '"demo"'), encoding="utf-8")
    for command in (("serve",), ("user", "list"), ("incident", "list")):
        other = await realis(*command, folder=tmp_path)
        assert other.code == 1, other.out
        assert "Diese Datenbank gehört der Demo" in other.err
        assert "Traceback" not in other.err


async def test_only_one_program_uses_the_data(tmp_path: Path) -> None:
    """A second demo on the same directory is refused in plain words, and does not disturb the first."""
    async with demo(tmp_path, "demo.log", 50) as running:
        second = await realis(
            *("serve", "--demo", "--data-dir", "demo", "--port", str(free_port())),
            *("--gateway-port", str(free_port())),
            folder=tmp_path,
        )
        assert second.code == 1
        assert "läuft schon" in second.err
        await running.see(END)
        assert await running.stop() == 0


async def test_a_port_that_is_taken_is_said_in_plain_words(tmp_path: Path) -> None:
    """Starting on a taken port ends with status 1 and names the port, without a stack trace."""
    async with Post().open() as post:
        taken = post.origin.rpartition(":")[2]
        run = await realis(
            *("serve", "--demo", "--data-dir", "demo", "--port", taken, "--gateway-port", str(free_port())),
            folder=tmp_path,
        )
    assert run.code == 1
    assert "Traceback" not in run.err
    assert taken in run.err
