"""The command line as people use it: from ``init`` to a warning in force and a record that can be checked."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from realis.app.settings import Settings
from realis.web.passwords import Passwords
from tests.acceptance.program import Run, realis, start, until
from tests.data.cap import sample
from tests.support.ports import free_port

ANSWERS = (
    *('Neu „Lindenbrück"', "", "nirgends", "51,4 9,2", "8", "Mühlental", "51,41; 9,21", "", ""),
    *("rathaus@lindenbrueck.example", "", "Chefin Ö.", "", "Chefin Ö.", "Bernd", ""),
)
"""City, authority, a centre that is in no list and then one in degrees, radius, one district with its radius, no more,
contact, address, administration, who writes, the same person for releasing (refused) and another, no screen."""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which ``realis init`` has been answered; what it said is in ``init.txt``."""
    folder = tmp_path_factory.mktemp("init")
    run = asyncio.run(realis("init", folder=folder, answers="\n".join(ANSWERS) + "\n"))
    assert run.code == 0, run.err
    (folder / "init.txt").write_text(run.out, encoding="utf-8")
    return folder


@pytest.fixture
def folder(answered: Path, tmp_path: Path) -> Path:
    """A copy of that directory, on ports nobody uses and without a pause."""
    folder = shutil.copytree(answered, tmp_path / "city")
    file = folder / "realis.toml"
    plain = file.read_text(encoding="utf-8")
    for known, port in (("8080", free_port()), ("8081", free_port())):
        plain = re.sub(rf"\b{known}\b", str(port), plain)
    file.write_text(plain.replace("pause_s = 10", "pause_s = 0"), encoding="utf-8")
    return folder


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Settings]:
    """``realis serve`` in this directory, ready; stopped with SIGTERM, which must end it with status 0."""
    settings = Settings.load(folder / "realis.toml")
    process = await start("serve", folder=folder, out=folder / "serve.log")
    log = folder / "serve.log"
    try:
        await until(lambda: "REALIS für" in log.read_text() or process.returncode is not None)
        assert process.returncode is None, log.read_text()
        yield settings
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 40) == 0
        assert "Traceback" not in log.read_text()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def password_in(text: str) -> str:
    """The one-time password a command showed."""
    found = re.search(r"nur jetzt gezeigt\): (\S+)", text)
    assert found, text
    return found[1]


def plain_failure(run: Run) -> str:
    """A command that failed as it should: status 1, one plain error, no stack trace; what it said."""
    said = re.sub(r"\s+", " ", run.err)
    assert run.code == 1, (run.out, run.err)
    assert "Traceback" not in run.out + run.err
    assert "Fehler:" in said
    return said


def alert(identifier: str) -> bytes:
    """A readable message that still holds."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - a message from outside, by the outside's clock
    raw = sample("unknown_reference").decode()
    raw = raw.replace("stab.unknown_reference.1", identifier).replace("<msgType>Update", "<msgType>Alert")
    raw = re.sub(r"\s*<references>.*?</references>", "", raw)
    raw = re.sub(r"<sent>.*?</sent>", f"<sent>{now.strftime('%Y-%m-%dT%H:%M:%S')}-00:00</sent>", raw)
    ends = (now + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    return re.sub(r"<expires>.*?</expires>", f"<expires>{ends}-00:00</expires>", raw).encode()


async def test_init_writes_settings_that_work_and_somebody_who_can_log_in(folder: Path) -> None:
    """The file reads back as answered, the one-time password fits, and a second ``init`` changes nothing."""
    settings = Settings.load(folder / "realis.toml")
    assert settings.city.name == 'Neu „Lindenbrück"'
    assert settings.city.authority == 'Stadt Neu „Lindenbrück", Ordnungsamt'
    assert (settings.city.places[0].lat, settings.city.places[0].radius_km) == (51.4, 8.0)
    assert [(place.id, place.lat, place.radius_km) for place in settings.city.places[1:]] == [
        ("muehlental", 51.41, 1.5)
    ]
    assert (settings.city.contact, settings.push_contact) == (
        "rathaus@lindenbrueck.example",
        "mailto:rathaus@lindenbrueck.example",
    )
    assert settings.cap.identifier_prefix == "neu-lindenbrueck"
    password = password_in((folder / "init.txt").read_text(encoding="utf-8"))
    with closing(sqlite3.connect(folder / "var/realis/realis.db")) as database:
        rows = database.execute("SELECT name, password_hash, must_change FROM users ORDER BY name").fetchall()
    assert [(name, bool(must_change)) for name, _, must_change in rows] == [("Bernd", True), ("Chefin Ö.", True)]
    hashed = rows[1][1]
    assert (await Passwords().verify(hashed, password)).fits
    before = (folder / "realis.toml").read_bytes()
    again = await realis("init", folder=folder, answers="\n".join(ANSWERS) + "\n")
    assert again.code == 1
    assert "gibt es schon" in again.err
    assert (folder / "realis.toml").read_bytes() == before


async def test_the_administrator_logs_in_and_must_choose_a_password(folder: Path) -> None:
    """Over HTTP against ``realis serve``: the one-time password opens the page to change it, a wrong one nothing."""
    password = password_in((folder / "init.txt").read_text(encoding="utf-8"))
    async with serving(folder) as settings, aiohttp.ClientSession(f"http://localhost:{settings.port}") as session:
        origin = {"Origin": f"http://localhost:{settings.port}"}
        wrong = await session.post(
            "/console/login", data={"name": "Chefin Ö.", "password": "falsch"}, headers=origin, allow_redirects=False
        )
        assert wrong.status == 422
        right = await session.post(
            "/console/login", data={"name": "Chefin Ö.", "password": password}, headers=origin, allow_redirects=False
        )
        assert (right.status, right.headers["Location"]) == (303, "/console/password")
        assert (await session.get("/readyz")).status == 200


async def test_people_authorities_and_screens_are_added_beside_the_running_program(folder: Path) -> None:
    """Each command works while ``serve`` runs, shows its secret once, and the secret works at once."""
    async with serving(folder) as settings:
        user = await realis("user", "add", "bernhild", "--role", "freigabe", "--role", "erfassung", folder=folder)
        assert user.code == 0, user.err
        assert password_in(user.out)
        listed = await realis("user", "list", folder=folder)
        assert "bernhild" in listed.out
        assert "freigabe" in listed.out
        assert "schon" in plain_failure(await realis("user", "add", "bernhild", "--role", "freigabe", folder=folder))

        token = password_in((await realis("token", "add", "Kreisleitstelle", folder=folder)).out)
        (folder / "meldung.xml").write_bytes(alert("leitstelle.1"))
        url = f"http://localhost:{settings.port}"
        sent = await realis("alert", "send", "meldung.xml", "--url", url, folder=folder, env={"REALIS_TOKEN": token})
        assert sent.code == 0, sent.err
        assert "Angenommen." in sent.out
        incident = re.findall(r"Lage: (\S+)", sent.out)[0]
        again = await realis("alert", "send", "meldung.xml", "--url", url, "--token", token, folder=folder)
        assert "Schon bekannt" in again.out
        assert (await realis("alert", "example", "beispiel.xml", folder=folder)).code == 0
        example = await realis("alert", "send", "beispiel.xml", folder=folder, env={"REALIS_TOKEN": token})
        assert "Angenommen." in example.out, example.err
        assert "!" not in example.out
        board = await realis("incident", "list", folder=folder)
        assert incident in board.out

        screen = await realis(
            *("display", "add", "Bahnhof", "--place", "stadt", "--language", "tr", "--language", "de"), folder=folder
        )
        assert screen.code == 0, screen.err
        assert re.search(r"/display/\S*#token=\S+", screen.out)
        assert "stadt" in plain_failure(await realis("display", "add", "X", "--place", "mond", folder=folder))

        number = re.findall(r"Zugang (\d+)", (await realis("token", "add", "Andere", folder=folder)).out)[0]
        assert (await realis("token", "revoke", number, folder=folder)).code == 0
    log = (folder / "serve.log").read_text()
    assert token not in log
    assert "leitstelle.1" not in log or "token" not in log


async def test_a_refused_message_says_why(folder: Path) -> None:
    """Wrong token, unreadable file, program not running: status 1 and what to do, each time."""
    (folder / "meldung.xml").write_bytes(alert("leitstelle.2"))
    (folder / "brief.xml").write_text("Sehr geehrte Damen und Herren", encoding="utf-8")
    nobody = await realis(
        *("alert", "send", "meldung.xml", "--token", "x", "--url", f"http://localhost:{free_port()}"), folder=folder
    )
    assert "realis serve" in plain_failure(nobody)
    async with serving(folder) as settings:
        url = f"http://localhost:{settings.port}"
        wrong = await realis("alert", "send", "meldung.xml", "--token", "kein-echtes", "--url", url, folder=folder)
        assert "Token" in plain_failure(wrong)
        token = password_in((await realis("token", "add", "Kreis", folder=folder)).out)
        unreadable = await realis("alert", "send", "brief.xml", "--token", token, "--url", url, folder=folder)
        assert "XML" in plain_failure(unreadable)


async def test_cap_check_names_what_is_wrong(folder: Path) -> None:
    """A good message has no remarks, an old one is named as such, one with a DTD is refused."""
    for name, raw in (("gut", alert("gut.1")), ("alt", sample("expired")), ("dtd", sample("dtd_bomb"))):
        (folder / f"{name}.xml").write_bytes(raw)
    good = await realis("cap", "check", "gut.xml", folder=folder)
    assert (good.code, "0 Hinweis(e)" in good.out) == (0, True), good.out
    old = await realis("cap", "check", "alt.xml", folder=folder)
    assert old.code == 0
    assert "expired" in old.out
    assert "DTD" in plain_failure(await realis("cap", "check", "dtd.xml", folder=folder))


async def test_the_record_shows_when_it_was_tampered_with(folder: Path) -> None:
    """``audit verify`` holds after real work, names the entry that was changed, and one that was cut out."""
    async with serving(folder) as settings:
        token = password_in((await realis("token", "add", "Kreis", folder=folder)).out)
        for number in range(1, 5):
            (folder / "m.xml").write_bytes(alert(f"leitstelle.{number}"))
            await realis(
                *("alert", "send", "m.xml", "--token", token, "--url", f"http://localhost:{settings.port}"),
                folder=folder,
            )
        assert "In Ordnung: 4" in (await realis("audit", "verify", folder=folder)).out
    file = folder / "var/realis/realis.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE audit SET actor = 'jemand anders' WHERE number = 2")
    assert "Eintrag 2" in plain_failure(await realis("audit", "verify", folder=folder))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM audit WHERE number = 2")
    assert "Eintrag 3" in plain_failure(await realis("audit", "verify", folder=folder))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("pause_s = 0", "pause_s = 900"), "pause_s"),
        (("time_zone", "zeit_zone"), "zeit_zone"),
        (("[cap]", "[cap"), "TOML"),
        (("@localhost", " @localhost"), "cap.sender"),
    ],
)
async def test_wrong_settings_are_named(folder: Path, change: tuple[str, str], named: str) -> None:
    """A wrong value or field stops every command with the setting's name, before anything is opened."""
    file = folder / "realis.toml"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace(*change), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != before
    assert named in plain_failure(await realis("serve", folder=folder))


async def test_without_settings_every_command_says_how_to_get_them(tmp_path: Path) -> None:
    """No file: status 1 and the hint to ``realis init``; nothing is created."""
    for command in (("serve",), ("user", "list"), ("audit", "verify")):
        assert "realis init" in plain_failure(await realis(*command, folder=tmp_path))
    assert os.listdir(tmp_path) == []


async def test_a_second_serve_is_refused(folder: Path) -> None:
    """One program per data directory; the second says so and leaves the first alone."""
    async with serving(folder):
        assert "läuft schon" in plain_failure(await realis("serve", folder=folder))
