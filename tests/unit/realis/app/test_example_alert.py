"""``realis alert example``: a message that is valid now, for a place of this installation."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from realis.app.clock import SystemClock
from realis.cap.reader import read
from realis.cap.rules import check
from realis.cli.init import SetupAnswers, write_settings
from realis.cli.main import app
from realis.model.alert import Status


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Settings with one place."""
    file = tmp_path / "realis.toml"
    write_settings(file, SetupAnswers("Siegen", "Stadt Siegen", 50.87, 8.02, 8.0, "admin", "http://localhost:8080"))
    return str(file)


@pytest.mark.parametrize(
    ("option", "status"),
    [("uebung", Status.EXERCISE), ("probewarnung", Status.TEST), ("ernstfall", Status.ACTUAL)],
)
def test_the_message_is_valid_now_and_lies_in_the_place(config: str, option: str, status: Status) -> None:
    """Read as an authority's message would be: no remarks, in force for an hour, the place's circle."""
    done = CliRunner().invoke(app, ["alert", "example", "--config", config, "--status", option])
    assert done.exit_code == 0, done.output
    result = read(done.stdout_bytes)
    now = SystemClock().now()
    assert not (*result.problems, *check(result.alert, now, []))
    assert result.alert.status is status
    (info,) = result.alert.infos
    assert result.alert.sent <= now < (info.expires or now)
    assert (info.areas[0].circles[0].lat, info.areas[0].circles[0].radius_km) == (50.87, 8.0)


def test_a_file_is_never_overwritten(config: str, tmp_path: Path) -> None:
    """Into a file where there is none; an existing one stays."""
    file = tmp_path / "meldung.xml"
    call = ["alert", "example", str(file), "--config", config]
    assert CliRunner().invoke(app, call).exit_code == 0
    before = file.read_bytes()
    again = CliRunner().invoke(app, call)
    assert again.exit_code == 1
    assert "Das gibt es schon" in again.output
    assert file.read_bytes() == before


def test_an_unknown_place_is_named(config: str) -> None:
    """With those there are."""
    done = CliRunner().invoke(app, ["alert", "example", "--place", "mond", "--config", config])
    assert done.exit_code == 1
    assert "Bekannt sind: stadt" in done.output


def test_the_address_to_send_to_comes_from_the_settings(config: str, tmp_path: Path) -> None:
    """Without --url it is public_url; --url wins."""
    file = Path(config)
    file.write_text(file.read_text().replace("http://localhost:8080", "http://localhost:1"))
    message = tmp_path / "meldung.xml"
    CliRunner().invoke(app, ["alert", "example", str(message), "--config", config])
    call = ["alert", "send", str(message), "--token", "x", "--config", config]
    assert "http://localhost:1 antwortet nicht" in CliRunner().invoke(app, call).output
    assert (
        "http://127.0.0.1:2 antwortet nicht" in CliRunner().invoke(app, [*call, "--url", "http://127.0.0.1:2"]).output
    )
