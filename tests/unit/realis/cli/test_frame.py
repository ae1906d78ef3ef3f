"""The frame of the command line: what is printed stays as written, everything is German, mistakes end plainly."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner, Result

from realis.app import log
from realis.app.file_access import obstacle
from realis.cli.frame import GermanGroup, as_realis_error, german
from realis.cli.init import SetupAnswers, write_settings
from realis.cli.main import app
from realis.model.errors import ConfigurationError, InvalidInput

ENGLISH = re.compile(
    r"\b(the|is|should|input|valid|invalid|error|errors|missing|such|options|argument|arguments|command|"
    r"commands|usage|try|for help|required|default|show|does|not|exist|file|directory|got|unexpected|abort\w*)\b",
    re.IGNORECASE,
)
BRACKETED = "Neu [x] [a-z0-9-] [bold]B[/bold] :smile:"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a `realis.toml` lies, with brackets in every name; the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    # The runner's streams end with the command; logs of later tests would still be written there.
    monkeypatch.setattr(log, "configure", lambda *, level: None)
    answers = SetupAnswers(BRACKETED, BRACKETED, 50.87, 8.02, 8.0, "admin", "http://localhost:8080")
    write_settings(tmp_path / "realis.toml", answers)
    return tmp_path


def call(*arguments: str) -> Result:
    """Run a command line in this process."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"})


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command with the words that call it, families too."""
    yield path, group
    if isinstance(group, GermanGroup):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))


ALL = [path for path, _ in commands(get_command(app))]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_is_german_and_complete(path: tuple[str, ...]) -> None:
    """Every heading and every text of every command's help; no bracket in a help text is lost to markup."""
    done = call(*path, "--help")
    assert done.exit_code == 0
    words = re.sub(r"--[\w-]+|<[^>]*>|\{\w+\}|REALIS_\w+|„.*?“|python -m realis|root|realis\.toml", " ", done.output)
    found = {word.lower() for word in ENGLISH.findall(words)} - {word.lower() for word in (*path, "show")}
    assert not found, done.output
    assert "Aufruf:" in done.output
    command = dict(commands(get_command(app)))[path]
    texts = [command.help, *(getattr(param, "help", "") for param in command.params)]  # type: ignore[attr-defined]
    shown = re.sub(r"[\s│]+", " ", done.output)
    for text in filter(None, texts):
        assert re.sub(r"\s+", " ", text) in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("usr", "„usr“ gibt es nicht. Meinten Sie user?"),
        ("zzz", "„zzz“ gibt es nicht."),
        ("--zzz", "Die Option --zzz gibt es nicht."),
        ("user list --confi x", "Die Option --confi gibt es nicht"),
        ("user list --config", "Nach der Option --config fehlt der Wert."),
        ("user list mehr", "Zu viele Angaben: mehr"),
        ("user add", "Es fehlt die Angabe „NAME“."),
        ("user add x", "Es fehlt die Option --role. Möglich sind: erfassung, freigabe"),
        ("user add x --role [x]", "„[x]“ gibt es nicht. Möglich sind: erfassung, freigabe"),
        ("token revoke eins", "ganze Zahl"),
        ("serve --demo=ja", "ohne Wert"),
        ("serve --port 65536", "höchstens 65535"),
        ("serve --port -1", "mindestens 0"),
        ("serve --tempo schnell", "--tempo ist eine Zahl."),
        ("keys rotate", "Möglich sind: cap, frame"),
        ("cap check [fehlt].xml", "„[fehlt].xml“ gibt es nicht."),
        ("cap check .", "ist ein Verzeichnis"),
    ],
)
def test_usage_errors_are_german(folder: Path, line: str, said: str) -> None:
    """Each kind of wrong call: a German sentence, the way to the help, status 2."""
    done = call(*line.split())
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert "--help" in done.output or "--config" in line or "--demo" in line
    assert not ENGLISH.search(re.sub(r"--[\w-]+|`.*?`|\{\w+\}|Aufruf: .*|„\w+“", "", done.output)), done.output


def test_an_unknown_usage_error_is_shown_as_it_is() -> None:
    """What no row of the table fits is still said, after German words."""
    assert german("Something [new].") == "So lässt sich der Befehl nicht aufrufen: Something [new]."


def _text(folder: Path, old: str, new: str) -> None:
    file = folder / "realis.toml"
    before = file.read_text(encoding="utf-8")
    assert old in before
    file.write_text(before.replace(old, new, 1), encoding="utf-8")


def _as_directory(folder: Path) -> None:
    (folder / "realis.toml").unlink()
    (folder / "realis.toml").mkdir()


def _data_dir_is_a_file(folder: Path) -> None:
    (folder / "var").mkdir()
    (folder / "var/realis").write_text("")


def _above_is_a_file(folder: Path) -> None:
    (folder / "var").write_text("")


def _not_a_database(folder: Path) -> None:
    (folder / "var/realis").mkdir(parents=True)
    (folder / "var/realis/realis.db").write_text("Das ist keine Datenbank. " * 50)


def _replaced(old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: _text(folder, old, new)


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda folder: (folder / "realis.toml").unlink(), "realis init"),
    "file is a directory": (_as_directory, "ist ein Verzeichnis, keine Datei"),
    "not UTF-8": (lambda folder: (folder / "realis.toml").write_bytes(b"name = '\xe4'"), "UTF-8"),
    "not TOML": (_replaced("[cap]", "[cap"), "kein gültiges TOML"),
    "time zone": (_replaced("Europe/Berlin", "Europa/Siegen"), "die Zeitzone „Europa/Siegen“ gibt es nicht"),
    "time zone is a directory": (_replaced("Europe/Berlin", "Europe"), "die Zeitzone „Europe“ gibt es nicht"),
    "port too high": (_replaced("port = 8080", "port = 65536"), "Einstellung port darf höchstens 65535 sein"),
    "port is a word": (_replaced("port = 8080", 'port = "web"'), "Einstellung port muss eine ganze Zahl sein"),
    "unknown": (_replaced("pause_s", "pausen_s"), "Einstellung pausen_s gibt es nicht"),
    "missing": (_replaced("name = ", "# name = "), "Einstellung city.name fehlt"),
    "pattern": (_replaced('id = "stadt"', 'id = "Stadt 1"'), "^[a-z0-9-]{1,40}$"),
    "number": (_replaced("radius_km = 8.0", 'radius_km = "weit"'), "radius_km muss eine Zahl sein"),
    "list": (_replaced("trusted_proxies = []", 'trusted_proxies = "alle"'), "eckigen Klammern"),
    "section": (_replaced("[cap]\n", "cap = 1\n[cup]\n"), "muss ein Abschnitt sein"),
    "data_dir is a file": (_data_dir_is_a_file, "ist kein Verzeichnis"),
    "above data_dir is a file": (_above_is_a_file, "ist kein Verzeichnis"),
    "database": (_not_a_database, "Die Datenbank arbeitet nicht"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("line", ["serve", "user list", "doctor"])
def test_ordinary_mistakes_are_said_plainly(folder: Path, mistake: str, line: str) -> None:
    """What is wrong and what to do, status 1, no stack trace; `doctor` says the same of what stops `serve`."""
    make, said = MISTAKES[mistake]
    make(folder)
    done = call(*line.split())
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    assert said in done.output
    assert ("Problem:" if line == "doctor" else "Fehler:") in done.output
    assert "Was tun:" in done.output or "TOML" in said
    assert "Input should" not in done.output


def test_an_environment_that_cannot_be_read_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list in the environment is JSON; one that is not is named."""
    monkeypatch.setenv("REALIS_TRUSTED_PROXIES", "10.0.0.0/8")
    done = call("user", "list")
    assert done.exit_code == 1
    assert "trusted_proxies" in done.output
    assert "JSON" in done.output


@pytest.mark.parametrize("setting", ["port", "gateway_port"])
def test_a_port_in_use_is_said_by_serve_and_doctor(folder: Path, setting: str) -> None:
    """Both name the port another program holds and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        known = {"port": "8080", "gateway_port": "8081"}
        for name, old in known.items():
            _text(folder, f"\n{name} = {old}", f"\n{name} = {number if name == setting else 0}")
        for line in ("serve", "doctor"):
            done = call(line)
            assert done.exit_code == 1, done.output
            assert f"Der Port {number} auf 127.0.0.1 ist schon belegt." in done.output
            assert isinstance(done.exception, SystemExit)


def test_names_are_printed_as_they_are(folder: Path) -> None:
    """No command takes brackets or colons in a name for markup."""
    said = [
        call("user", "add", BRACKETED, "--role", "freigabe"),
        call("user", "list"),
        call("token", "add", BRACKETED),
        call("display", "add", BRACKETED),
    ]
    assert [done.exit_code for done in said] == [0, 0, 0, 0], [done.output for done in said]
    assert all(BRACKETED in done.output for done in (said[0], said[2]))
    cells = [line.split("│")[1].strip() for line in said[1].output.splitlines() if "│" in line]
    assert "".join(cells).replace(" ", "").startswith(BRACKETED.replace(" ", ""))
    unknown = call("display", "add", "x", "--place", BRACKETED)
    assert f"Den Ort „{BRACKETED}“ gibt es nicht." in unknown.output
    again = call("user", "add", BRACKETED, "--role", "freigabe")
    assert BRACKETED in again.output
    reset = call("user", "reset", "[/nobody]")
    assert "„[/nobody]“" in reset.output


def test_remedies_are_printed_as_they_are(folder: Path) -> None:
    """The list that `doctor` proposes for trusted_proxies is there with its brackets."""
    _text(folder, "http://localhost:8080", "https://127.0.0.1:1")
    assert '["127.0.0.1/32", "::1/128"]' in call("doctor").output


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ENOSPC, errno.EROFS, errno.EISDIR])
def test_what_the_system_refuses_is_said_in_german(number: int) -> None:
    """Each of the system's errors: the file, what is the matter, what to do."""
    error = obstacle(OSError(number, "English words", "/srv/[x]/realis.toml"))
    assert error.message.startswith("/srv/[x]/realis.toml: ")
    assert "English" not in error.message
    assert error.remedy


def test_faults_of_the_program_are_not_hidden() -> None:
    """Only ordinary mistakes become sentences; of several errors at once, only where all are such."""
    assert as_realis_error(ZeroDivisionError()) is None
    known = ConfigurationError("x")
    assert as_realis_error(ExceptionGroup("", [known])) is known
    assert as_realis_error(ExceptionGroup("", [known, ZeroDivisionError()])) is None


def test_an_abort_is_said_in_german() -> None:
    """Input that ends before the answer."""
    done = CliRunner().invoke(app, ["init", "--config", "/nonexistent/realis.toml"], input="")
    assert done.exit_code == 1
    assert "Abgebrochen." in done.output
    assert issubclass(typer.Abort, RuntimeError)
    assert isinstance(as_realis_error(InvalidInput("x")), InvalidInput)
