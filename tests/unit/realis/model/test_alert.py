"""The CAP model: levels, endings, ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from realis.model.alert import DEFAULT_VALIDITY, Alert, Ending, Level, MsgType, Severity, ending_of, ends_at, level_of
from realis.model.area import NamedValue
from realis.model.draft import DraftKind, Envelope, compose
from tests.support.core_world import flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)


def _alert(kind: DraftKind = DraftKind.ALERT) -> Alert:
    return compose(flood(NOW, kind=kind), Envelope("x.1", "s@x", NOW))


@pytest.mark.parametrize("level", list(Level))
def test_levels_survive_cap(level: Level) -> None:
    """A level's severity reads back as the same level; unknown is read as danger."""
    assert level_of(level.severity) is level
    assert level_of(Severity.UNKNOWN) is Level.DANGER


def test_our_kinds_end_as_they_should() -> None:
    """Warning and update end nothing; Entwarnung and Fehlalarm are told apart in CAP itself."""
    endings = [ending_of(_alert(kind)) for kind in DraftKind]
    assert endings == [None, None, Ending.ALL_CLEAR, Ending.RETRACTED]


def test_a_foreign_cancel_is_read_as_what_it_says() -> None:
    """MoWaS's headline or instruction code means Entwarnung; a bare Cancel is only "beendet"."""
    cancel = replace(_alert(), msg_type=MsgType.CANCEL)
    assert ending_of(cancel) is Ending.ENDED
    info = cancel.infos[0]
    assert ending_of(replace(cancel, infos=(replace(info, headline="Entwarnung: Hochwasser"),))) is Ending.ALL_CLEAR
    code = NamedValue("instructionCode", "BBK-ISC-009 BBK-ISC-082")
    assert ending_of(replace(cancel, infos=(replace(info, parameters=(code,)),))) is Ending.ALL_CLEAR
    assert ending_of(replace(cancel, infos=())) is Ending.ENDED


def test_the_latest_expires_counts() -> None:
    """Of several infos the last to end; without any, our own policy from ``sent`` on."""
    alert = _alert()
    later = replace(alert.infos[0], expires=NOW + timedelta(days=1))
    assert ends_at(replace(alert, infos=(*alert.infos, later))) == NOW + timedelta(days=1)
    assert ends_at(replace(alert, infos=())) == NOW + DEFAULT_VALIDITY
