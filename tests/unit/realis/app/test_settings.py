"""Settings: read once, wrong ones named, secrets never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels import mastodon
from channels.telegram import channel as telegram
from realis.app.settings import Settings
from realis.model.errors import ConfigurationError

GOOD = """
[city]
name = "Siegen"
authority = "Stadt Siegen"

[cap]
sender = "realis@siegen.example"
identifier_prefix = "DE-NW-SI"
"""


def _load(folder: Path, text: str) -> Settings:
    file = folder / "realis.toml"
    file.write_text(text)
    return Settings.load(file)


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    """City and CAP names suffice; everything else has a safe default."""
    settings = _load(tmp_path, GOOD)
    assert (settings.host, settings.pause_s, settings.https) == ("127.0.0.1", 10.0, False)
    city = settings.as_city()
    assert (city.name, city.demo, city.languages[0]) == ("Siegen", False, "de")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """The error names the file and the command that writes it."""
    with pytest.raises(ConfigurationError, match=r"none\.toml") as caught:
        Settings.load(tmp_path / "none.toml")
    assert "realis init" in caught.value.remedy


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("pause_s = -1\n" + GOOD, "pause_s"),
        ("port = 70000\n" + GOOD, "port"),
        ("typo = 1\n" + GOOD, "typo"),
        (GOOD + '\n[telegram]\ntokn = "x"\n', "telegram.tokn"),
        (GOOD.replace("realis@siegen.example", "with space"), "cap.sender"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, more: str, where: str) -> None:
    """Which setting is wrong, by its full name; unknown names are wrong too."""
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path, more)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('["0.0.0.0/0"]', "jeder"),
        ('["::/0"]', "jeder"),
        ('["172.16.0.1/12"]', "172.16.0.1/12"),
        ('["proxy.example"]', "proxy.example"),
    ],
)
def test_a_network_that_is_none_is_not_trusted(tmp_path: Path, written: str, why: str) -> None:
    """Names, host bits and the whole Internet are refused, in one sentence that says what was wrong."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        _load(tmp_path, f"trusted_proxies = {written}\n{GOOD}")
    assert caught.value.where == "trusted_proxies.0"


def test_trusted_proxies_come_from_file_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None by default; single addresses and networks of both kinds."""
    assert _load(tmp_path, GOOD).trusted_proxies == ()
    settings = _load(tmp_path, 'trusted_proxies = ["127.0.0.1", "fd00::/8"]\n' + GOOD)
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32", "fd00::/8"]
    assert "fd00::/8" in settings.model_dump_json()
    monkeypatch.setenv("REALIS_TRUSTED_PROXIES", '["10.0.0.0/8"]')
    assert [str(network) for network in _load(tmp_path, GOOD).trusted_proxies] == ["10.0.0.0/8"]


def test_broken_toml_is_said_so(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(ConfigurationError, match="TOML"):
        _load(tmp_path, "city = [")


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``REALIS_PAUSE_S`` and nested names override the file."""
    monkeypatch.setenv("REALIS_PAUSE_S", "3")
    monkeypatch.setenv("REALIS_CITY__NAME", "Netphen")
    settings = _load(tmp_path, GOOD)
    assert (settings.pause_s, settings.city.name) == (3.0, "Netphen")


def test_secrets_do_not_show(tmp_path: Path) -> None:
    """Printing or dumping settings shows no token."""
    settings = _load(tmp_path, GOOD + '\n[telegram]\ntoken = "123456:very-secret-token"\n')
    assert "very-secret" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.channel(telegram.SPEC).token.get_secret_value().endswith("token")


def test_channels_are_set_in_sections_of_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``[telegram]`` and ``[mastodon]``, each value also by the environment; none of them is set up by itself."""
    assert not _load(tmp_path, GOOD).channel(telegram.SPEC).complete
    monkeypatch.setenv("REALIS_TELEGRAM__TOKEN", "1:x")
    monkeypatch.setenv("REALIS_MASTODON__EXERCISES", "true")
    written = GOOD + '[telegram]\nchat_id = "@siegen"\n[mastodon]\nbase_url = "https://social.example"\n'
    settings = _load(tmp_path, written)
    bot, account = settings.channel(telegram.SPEC), settings.channel(mastodon.SPEC)
    assert (bot.token.get_secret_value(), bot.chat_id, bot.base_url) == ("1:x", "@siegen", "https://api.telegram.org")
    assert (account.base_url, account.exercises, account.complete) == ("https://social.example", True, False)


def test_paths_in_the_file_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """data_dir, its default and a SQLite address lie beside the file, wherever the command is run."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert _load(tmp_path, GOOD).data_dir == tmp_path / "var/realis"
    settings = _load(tmp_path, 'data_dir = "d"\n' + GOOD)
    assert settings.data_dir == tmp_path / "d"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/d/realis.db"
    assert _load(tmp_path, 'data_dir = "/srv/realis"\n' + GOOD).data_dir == Path("/srv/realis")
    written = _load(tmp_path, 'database_url = "sqlite+aiosqlite:///d/r.db"\n' + GOOD)
    assert written.database_url == f"sqlite+aiosqlite:///{tmp_path}/d/r.db"


def test_a_path_in_the_environment_counts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REALIS_DATA_DIR is what a shell user typed, and wins over the file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REALIS_DATA_DIR", "here")
    (tmp_path / "conf").mkdir()
    settings = _load(tmp_path / "conf", 'data_dir = "d"\n' + GOOD)
    assert settings.data_dir == Path("here")
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/here/realis.db"
