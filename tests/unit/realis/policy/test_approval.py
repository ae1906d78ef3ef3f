"""Who may do what to a draft, and the digest of what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from realis.model.alert import Occasion
from realis.model.draft import Draft, DraftKind, DraftState, Package
from realis.model.errors import Conflict, NotAllowed
from realis.policy.approval import (
    PAUSE,
    IssuePolicy,
    Role,
    check_occasion,
    check_release,
    digest,
    may_release,
    pause_for,
    roles_of,
)
from tests.support.core_world import ANNA, BERND, CARLA, flood

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
SUBMITTED = Draft(uuid4(), uuid4(), flood(NOW), DraftState.SUBMITTED, authors=("u-carla",), digest="d")


def test_the_button_and_the_check_agree() -> None:
    """Whoever sees the release button may press it, whoever does not may not."""
    retraction = replace(SUBMITTED, content=flood(NOW, kind=DraftKind.RETRACTION))
    for draft in (SUBMITTED, retraction, replace(SUBMITTED, state=DraftState.OPEN)):
        for actor in (ANNA, BERND, CARLA):
            try:
                check_release(draft, actor, "d", IssuePolicy())
                allowed = True
            except (NotAllowed, Conflict):
                allowed = False
            assert allowed == may_release(draft, actor)


def test_an_empty_digest_releases_nothing() -> None:
    """A draft without a digest cannot be released by sending none."""
    with pytest.raises(Conflict):
        check_release(replace(SUBMITTED, digest=""), BERND, "", IssuePolicy())


@pytest.mark.parametrize("before", list(Occasion))
@pytest.mark.parametrize("after", list(Occasion))
def test_occasions_are_not_converted(before: Occasion, after: Occasion) -> None:
    """Never once issued; before that only away from the Ernstfall."""
    for issued in (True, False):
        if before is after or (not issued and before is Occasion.ERNSTFALL):
            check_occasion(before, after, issued=issued)
        else:
            with pytest.raises(Conflict):
                check_occasion(before, after, issued=issued)


def test_the_digest_sees_every_change_and_no_spelling() -> None:
    """Another word or minute is another digest; the same instant in another zone is the same."""
    package = Package(flood(NOW))
    assert digest(package) != digest(Package(flood(NOW, event="hochwasser")))
    assert digest(package) != digest(Package(flood(NOW + timedelta(minutes=1))))
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    assert digest(package) == digest(Package(flood(berlin)))


def test_only_a_false_alarm_has_no_pause() -> None:
    """Every other kind waits, so that a slip can be stopped."""
    for kind in DraftKind:
        expected = timedelta() if kind is DraftKind.RETRACTION else PAUSE
        assert pause_for(flood(NOW, kind=kind)) == expected


def test_roles_come_back_from_their_names() -> None:
    """Stored names become roles; an unknown one is an error, not ignored."""
    assert roles_of(["erfassung", "freigabe"]) == {Role.CAPTURE, Role.RELEASE}
    with pytest.raises(ValueError, match="chef"):
        roles_of(["chef"])
