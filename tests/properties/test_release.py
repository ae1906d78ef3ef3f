"""The digest of a package survives storage and notices every change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from realis.model.alert import Level
from realis.model.area import Area, Circle
from realis.model.draft import LanguageText, Package, Rendered, RenderedText, Variant
from realis.policy.approval import digest
from realis.storage.serialization import PACKAGE, to_text
from tests.support.core_world import flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
words = st.text(st.characters(codec="utf-8"), max_size=40)
circles = st.builds(
    Circle, st.one_of(st.integers(-90, 90), st.floats(-90, 90)), st.floats(-180, 180), st.floats(0.1, 99)
)
packages = st.builds(
    lambda headline, body, circle, minutes, level: Package(
        flood(
            NOW,
            texts=(LanguageText("de", headline, body, "Tun"),),
            areas=(Area("dort", circles=(circle,)),),
            expires=NOW + timedelta(minutes=minutes),
            level=level,
        ),
        (RenderedText("push", Variant.MESSAGE, Rendered("de", "de", "", "Gefahr", headline, body, "Tun", "", "")),),
    ),
    words,
    words,
    circles,
    st.integers(1, 10**5),
    st.sampled_from(Level),
)


@given(packages)
def test_storing_does_not_change_the_digest(package: Package) -> None:
    """What was submitted, stored and read again is still exactly what was seen."""
    assert digest(PACKAGE.validate_json(to_text(PACKAGE, package))) == digest(package)


@given(packages, words)
def test_another_word_is_another_digest(package: Package, word: str) -> None:
    """Whoever changes one text changes the digest."""
    text = package.texts[0]
    changed = replace(package, texts=(replace(text, text=replace(text.text, headline=word)),))
    assert (digest(changed) == digest(package)) == (word == text.text.headline)
