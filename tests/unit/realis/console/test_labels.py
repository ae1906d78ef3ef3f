"""The console's catalogues are complete: every sentence of its templates and tables has its translation."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import jinja2
import pytest
from babel.messages.pofile import read_po
from jinja2.ext import extract_from_ast

from realis.console import labels, preview, release
from realis.model.audit import Fact, stored_facts
from realis.policy.approval import Role


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
    said: list[tuple[Mapping[str, Fact], str]] = [
        ({"kind": "alert", "version": 2, "digest": digest}, "Warnung, Fassung 2, 0123456789ab…"),
        ({"kind": "all_clear", "version": 10}, "Entwarnung, Fassung 10"),
        ({"revision": 3, "digest": digest}, "Meldung 3, 0123456789ab…"),
        ({"code": "signing-failed", "digest": digest}, "Unterschrift misslungen, 0123456789ab…"),
        ({"code": "something-new"}, "something-new"),
        ({"roles": ["capture-unknown"]}, "capture-unknown"),
        ({"roles": [role.value for role in Role]}, ", ".join(labels.ROLES[role] for role in Role)),
        ({"old": "k1", "new": "k2"}, "k1 → k2"),
        ({}, ""),
    ]
    for facts, words in said:
        assert labels.detail(stored_facts(facts), lambda text: text) == words


def test_a_line_of_an_older_release_is_shown_as_it_was_stored() -> None:
    """It was a sentence then; its digests are cut as today."""
    assert labels.detail("alert v2 0123456789ab" + "c" * 52, lambda text: text) == "alert v2 0123456789ab…"
    assert labels.detail("7", lambda text: text) == "7"
