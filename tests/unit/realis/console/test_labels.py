"""The console's catalogues are complete: every sentence of its templates and tables has its translation."""

from __future__ import annotations

from importlib import resources

import jinja2
import pytest
from babel.messages.pofile import read_po
from jinja2.ext import extract_from_ast

from realis.console import labels, preview, release


def _sentences() -> set[str]:
    found: set[str] = (
        {preview.PAGE_LABEL, labels.REVISION, labels.VERSION} | set(preview.FIELD_NAMES) | set(release.REASONS)
    )
    for table in labels.TABLES:
        found |= set(table.values())
    environment = jinja2.Environment(autoescape=True)
    for template in (resources.files("realis.console") / "templates" / "console").iterdir():
        tree = environment.parse(template.read_text(encoding="utf-8"))
        for _, _, message in extract_from_ast(tree, ("_", "ngettext"), babel_style=False):
            found.add(str(message[0] if isinstance(message, tuple) else message))
    return found


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_sentence_is_translated(language: str) -> None:
    """English and Arabic lack no sentence, and no translation loses a placeholder."""
    with (resources.files("realis.console") / "locale" / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    known = {message.id[0] if isinstance(message.id, tuple) else message.id: message for message in catalogue}
    missing = sorted(sentence for sentence in _sentences() if sentence and not known.get(sentence))
    assert missing == []
    assert [message.id for message in catalogue if message.id and not message.string] == []
    for message in catalogue:
        if isinstance(message.id, str) and message.id:
            assert _places(str(message.string)) == _places(message.id), message.id


def _places(text: str) -> set[str]:
    return {part.split(")s")[0] for part in text.split("%(")[1:]}


def test_digests_are_cut() -> None:
    """A trail's line shows the first twelve digits of a digest and leaves other words alone."""
    assert labels.short_digests("alert v1 " + "0123456789ab" + "c" * 52) == "alert v1 0123456789ab…"
    assert labels.short_digests("revision 1") == "revision 1"


def test_what_the_trail_stores_is_said_in_words() -> None:
    """Kinds, versions, revisions and reasons in the reader's language; names and roles stay as they are."""
    digest = "0123456789ab" + "c" * 52
    said = {
        f"alert v2 {digest}": "Warnung, Fassung 2 0123456789ab…",
        "all_clear v10": "Entwarnung, Fassung 10",
        f"revision 3 {digest}": "Meldung 3 0123456789ab…",
        f"signing-failed {digest}": "Unterschrift misslungen 0123456789ab…",
        "erfassung, freigabe": "erfassung, freigabe",
        "alert value": "alert value",
        "": "",
    }
    assert {stored: labels.detail(stored, lambda text: text) for stored in said} == said
