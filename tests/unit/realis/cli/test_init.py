"""``realis init``: places by name or in degrees, people who can warn, and nothing asked that an option says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from realis.app.clock import SystemClock
from realis.app.settings import Settings
from realis.cli import gazetteer
from realis.cli.common import database
from realis.cli.doctor import examine
from realis.cli.gazetteer import Centre
from realis.cli.main import app
from realis.model.errors import CommandError
from realis.storage.people import SqlUsers

OPTIONS = (
    *("--city", "Siegen", "--authority", "Stadt Siegen", "--centre", "Siegen", "--radius-km", "9", "--districts"),
    *("--contact", "0271 404-0", "--public-url", "http://localhost:8080", "--administrator", "chefin"),
    *("--capturer", "anna", "--releaser", "bernd", "--screen", "Bahnhof"),
)


def init(folder: Path, *options: str, answers: str = "") -> Result:
    """Run ``realis init`` for a settings file in a folder."""
    return CliRunner().invoke(app, ["init", *options, "--config", str(folder / "realis.toml")], input=answers)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("50,87 8,02", Centre(50.87, 8.02)),
        ("50.87, 8.02", Centre(50.87, 8.02)),
        ("50,87;8,02", Centre(50.87, 8.02)),
        ("50,87, 8,02", Centre(50.87, 8.02)),
        ("50,87° N, 8,02° O", Centre(50.87, 8.02)),
        ("-33 18", Centre(-33, 18)),
        ("köln", Centre(50.94, 6.96)),
        ("Koeln", Centre(50.94, 6.96)),
        ("weidenau", Centre(50.8990, 8.0277)),
    ],
)
def test_a_centre_is_a_name_or_degrees(written: str, found: Centre) -> None:
    """Decimal comma or point, any usual separator; cities from the list, districts of the city asked for."""
    assert gazetteer.centre(written, "Siegen") == found


@pytest.mark.parametrize("written", ["", "Atlantis", "50,87", "91 8", "50 200", "Weidenau"])
def test_what_is_no_centre_is_refused(written: str) -> None:
    """With an example of what would be right; another city's districts do not count."""
    with pytest.raises(CommandError):
        gazetteer.centre(written, "Köln")


def test_the_list_of_cities_lies_in_germany() -> None:
    """Every row has a name of its own and a point within the country's bounds."""
    cities = gazetteer._cities()
    assert len(cities) > 150
    assert all(47.2 < point.lat < 55.1 and 5.8 < point.lon < 15.1 for point in cities.values())


def test_options_answer_everything(tmp_path: Path) -> None:
    """Nothing is asked; two people can warn together, the districts are there, the screen's address is shown."""
    done = init(tmp_path, *OPTIONS)
    assert done.exit_code == 0, done.output
    settings = Settings.load(tmp_path / "realis.toml")
    assert (settings.city.contact, settings.push_contact) == ("0271 404-0", "mailto:webmaster@example.org")
    assert len(settings.city.places) == 24
    assert settings.as_city().place("weidenau") is not None
    assert re.search(r"http://localhost:8080/display/#token=\S+", done.output)
    assert len(set(re.findall(r"nur jetzt gezeigt\): (\S+)", done.output))) == 3

    async def roles() -> dict[str, set[str]]:
        async with database(settings) as opened:
            return {user.name: set(user.roles) for user in await SqlUsers(opened, SystemClock()).list()}

    assert asyncio.run(roles()) == {"chefin": {"administration"}, "anna": {"erfassung"}, "bernd": {"freigabe"}}
    found = asyncio.run(examine(tmp_path / "realis.toml"))
    assert any("zwei Personen können zusammen warnen" in finding.what for finding in found)


def test_a_known_city_needs_few_answers(tmp_path: Path) -> None:
    """Enter takes what is proposed: the centre, the radius, the known districts, the administrator as writer."""
    done = init(tmp_path, answers="Siegen\n" + "\n" * 7 + "chefin\n\nbernd\n\n")
    assert done.exit_code == 0, done.output
    settings = Settings.load(tmp_path / "realis.toml")
    assert (settings.city.places[0].lat, settings.city.places[0].lon) == (50.87, 8.02)
    assert len(settings.city.places) == 24
    assert "chefin (administration, erfassung)" in done.output


def test_nobody_releases_alone(tmp_path: Path) -> None:
    """The same person for both is refused; nothing is written."""
    done = init(tmp_path, *OPTIONS[: OPTIONS.index("--releaser")], "--releaser", "anna", "--screen", "")
    assert done.exit_code == 1
    assert "andere Person" in done.output
    assert not (tmp_path / "realis.toml").exists()


def test_a_place_for_the_data_is_looked_for_first(tmp_path: Path) -> None:
    """Where no data directory can be made, nothing is asked and nothing written."""
    (tmp_path / "var").write_text("")
    done = init(tmp_path, *OPTIONS)
    assert done.exit_code == 1
    assert "kein Verzeichnis" in done.output
    assert not (tmp_path / "realis.toml").exists()


@pytest.mark.parametrize(
    ("languages", "said"),
    [(("tlh",), "warnt diese Stadt nicht"), (("de", "en", "tr", "ar", "uk", "ru", "pl", "fr"), "zu viele")],
)
def test_languages_of_a_screen_are_those_of_the_city(tmp_path: Path, languages: tuple[str, ...], said: str) -> None:
    """An unknown one is refused, and more than the database can keep."""
    init(tmp_path, *OPTIONS)
    wanted = [word for language in languages for word in ("--language", language)]
    done = CliRunner().invoke(app, ["display", "add", "X", *wanted, "--config", str(tmp_path / "realis.toml")])
    assert done.exit_code == 1
    assert said in done.output
