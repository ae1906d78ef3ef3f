"""Errors as values: what a log shows of them."""

from __future__ import annotations

from realis.model.errors import ConfigurationError, InvalidInput, Problem, RealisError, Terms


def test_a_log_line_has_code_values_place_and_causes() -> None:
    """``str()`` names all of it, so that a log needs no language."""
    error = InvalidInput("headline-too-long", where="headline.de", causes=(Problem("x", "end-missing"),), max=160)
    assert str(error) == "headline-too-long max=160 where=headline.de causes=end-missing"
    assert str(RealisError("role-missing", roles=Terms(("freigabe", "training")))).endswith("roles=freigabe|training")


def test_a_sentence_error_shows_its_sentence() -> None:
    """Errors of the command line carry their German sentence, and one code per class."""
    error = ConfigurationError("So nicht.", where="city", remedy="Anders.")
    assert (str(error), error.code, error.where, error.remedy) == ("So nicht.", "configuration", "city", "Anders.")
