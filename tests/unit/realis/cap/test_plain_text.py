"""Cleaning of foreign texts: markup goes, words stay."""

from __future__ import annotations

import pytest

from realis.cap.plain_text import holds_html, one_line, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fenster zu.<br/>Radio an.", "Fenster zu.\nRadio an."),
        ("Fenster zu.<BR >Radio an.", "Fenster zu.\nRadio an."),
        ("&quot;Nordstadt&quot; &amp; Umland", '"Nordstadt" & Umland'),
        ("&amp;quot;Nordstadt&amp;quot;", '"Nordstadt"'),
        ("<p>Eins</p><p>Zwei</p>", "Eins\nZwei"),
        ("<ul><li>Eins</li><li>Zwei</li></ul>", "Eins\nZwei"),
        ("<b>Achtung</b>: <a href='javascript:x()'>hier</a>", "Achtung: hier"),
        ("Ruhe<script>alert(1)</script> bewahren", "Ruhe bewahren"),
        ("Ruhe<!-- geheim --> bewahren", "Ruhe bewahren"),
        ("Wasser &gt; 3 m", "Wasser > 3 m"),
        ("a\r\nb\u2028c\n\n\n\nd  \t e \n", "a\nb\nc\n\nd e"),
    ],
)
def test_markup_goes_and_words_stay(text: str, expected: str) -> None:
    """Tags, comments, scripts and double escapes leave plain text with sensible line breaks."""
    assert plain(text) == expected
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize("text", ["Pegel < 3 m und > 1 m", "AT&T", "a<b", "Straße & Weg; Platz", "x <- y"])
def test_plain_text_is_left_alone(text: str) -> None:
    """Signs that only look like markup are kept as they are."""
    assert not holds_html(text)
    assert plain(text) == text


def test_names_fit_on_one_line() -> None:
    """Line breaks and tabs in a headline become single blanks."""
    assert one_line(" Warnung\n vor\tSturm ") == "Warnung vor Sturm"
