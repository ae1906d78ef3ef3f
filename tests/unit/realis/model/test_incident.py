"""Chains: how references are compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from realis.model.alert import Reference
from realis.model.incident import Viewer, gravest_level, in_force, latest, recently_ended, same_reference

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)


def test_references_compare_as_instants() -> None:
    """The same moment in another zone is the same message; another sender or name is not."""
    one = Reference("s@x", "x.1", NOW)
    assert same_reference(one, Reference("s@x", "x.1", NOW.astimezone(timezone(timedelta(hours=1)))))
    assert same_reference(one, Reference("", "x.1", None))
    assert not same_reference(one, Reference("other", "x.1", NOW))
    assert not same_reference(one, Reference("s@x", "x.2", NOW))
    assert not same_reference(one, Reference("s@x", "x.1", NOW + timedelta(seconds=1)))


def test_an_empty_chain_is_nothing() -> None:
    """Nothing issued: nothing in force, nothing ended; a message without infos counts as danger."""
    assert (latest([]), in_force([], NOW, Viewer()), recently_ended([], NOW, Viewer())) == (None, None, None)
    assert gravest_level([]) == 2
