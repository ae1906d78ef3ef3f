"""The error texts: filled, in the reader's language, and refused at start where a file does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import content.messages
from content.messages import Messages
from realis.model.errors import ConfigurationError, Terms

DE = '[terms]\nor = "oder"\n[gone]\ntitle = "{thing} fehlt."\nremedy = "Suchen."\n[late]\ntitle = "Zu spät."\n'
FITS = '[terms]\nor = "x"\n[gone]\ntitle = "{thing} x"\nremedy = "x"\n[late]\ntitle = "x"\n'

Put = Callable[[str, str], None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Writes a file of made-up texts; de, en and ar are there and fit."""
    monkeypatch.setattr(content.messages, "folder", lambda _name: tmp_path)

    def write(language: str, text: str) -> None:
        (tmp_path / f"{language}.toml").write_text(text, encoding="utf-8")

    for language, text in (("de", DE), ("en", FITS), ("ar", FITS)):
        write(language, text)
    return write


def test_fills_title_and_remedy_in_the_language_asked_for() -> None:
    """Both are filled; a number is shown as it is."""
    text = Messages.load().error_text("language-not-offered", {"offered": "de, en"}, "fr")
    assert (text.title, text.remedy, text.language) == (
        "Cette langue n’est pas disponible ici.",
        "Disponibles : de, en",
        "fr",
    )
    assert "160" in Messages.load().error_text("headline-too-long", {"max": 160}, "en").title


def test_names_of_a_closed_list_are_translated() -> None:
    """Roles have a name in each language, joined by its word for "or"."""
    values = {"roles": Terms(("erfassung", "freigabe"))}
    assert "Capture or Release" in Messages.load().error_text("role-missing", values, "en").title
    assert "Erfassung oder Freigabe" in Messages.load().error_text("role-missing", values, "de").title


@pytest.mark.parametrize(("wanted", "got"), [("de-AT", "de"), ("tr", "en"), ("xx", "en"), ("ar", "ar")])
def test_falls_back_to_the_base_then_to_english(wanted: str, got: str) -> None:
    """An operators' code in a language of the phone alone is answered in English."""
    assert Messages.load().error_text("draft-closed", {}, wanted).language == got


def test_an_unknown_code_or_a_missing_value_is_a_key_error() -> None:
    """Neither is answered with a made-up text."""
    with pytest.raises(KeyError, match="no-such-code"):
        Messages.load().error_text("no-such-code", {}, "de")
    with pytest.raises(KeyError, match="max"):
        Messages.load().error_text("headline-too-long", {}, "de")


def test_a_value_with_braces_stays_as_it_is() -> None:
    """What a person typed is never taken for a placeholder."""
    assert "{max}" in Messages.load().error_text("user-name-taken", {"name": "{max}"}, "de").title


def test_no_translation_claims_to_be_checked() -> None:
    """Each file says who checked it; an empty name is allowed, a missing line is not."""
    assert set(Messages.load().checked_by) == set(Messages.load().texts)


@pytest.mark.parametrize(
    ("language", "text", "complaint"),
    [
        ("en", FITS.replace("[late]", "[later]"), r"en\.toml differs"),
        ("en", FITS.replace("{thing}", ""), r"en\.toml: gone has another"),
        ("en", FITS.replace('remedy = "x"\n', ""), r"en\.toml: gone has another"),
        ("ar", FITS.replace('or = "x"', ""), r"ar\.toml: terms differs"),
        ("tr", '[other]\ntitle = "x"\n', r"tr\.toml differs"),
        ("tr", '[late]\ntitle = ""\n', r"late\.title"),
        ("tr", '[late]\ntitle = "x"\nhint = "y"\n', "nothing else"),
        ("tr", 'terms = "x"\n', "must be a table"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_at_start(put: Put, language: str, text: str, complaint: str) -> None:
    """Another set of codes, other placeholders, a remedy too few or an unknown key are named with their file."""
    put(language, text)
    with pytest.raises(ConfigurationError, match=complaint):
        Messages.load()


def test_a_language_of_the_phone_may_have_fewer_codes(put: Put) -> None:
    """Codes that no citizen meets need no Turkish text."""
    put("tr", '[late]\ntitle = "geç"\n')
    assert set(Messages.load().texts["tr"]) == {"late"}


def test_a_language_of_the_console_must_be_there(put: Put, tmp_path: Path) -> None:
    """Without English the console cannot speak English."""
    put("en", FITS)
    (tmp_path / "en.toml").unlink()
    with pytest.raises(ConfigurationError, match="lacks the languages en"):
        Messages.load()
