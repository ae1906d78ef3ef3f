"""What the doctor says about facts: each in its level, and every hint and problem with what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from realis.app import diagnostics
from realis.app.diagnostics import CheckResult, Grade
from realis.model.errors import ConfigurationError
from realis.policy.approval import Role

NOW = datetime(2026, 11, 22, 2, 3, tzinfo=UTC)
OK, HINT, PROBLEM = Grade.OK, Grade.HINT, Grade.PROBLEM
WRITES, RELEASES = frozenset({Role.CAPTURE}), frozenset({Role.RELEASE})


def levels(found: list[CheckResult]) -> list[Grade]:
    """Their levels; whoever is told that something is wrong is told what to do."""
    assert all(finding.what and (finding.level is OK or finding.remedy) for finding in found), found
    return [finding.level for finding in found]


@pytest.mark.parametrize(
    ("public", "gateway", "expected"),
    [
        ("https://warnung.siegen.de", "wss://warnung.siegen.de/ws", [OK]),
        ("http://localhost:8080", "ws://localhost:8081", [HINT]),
        ("http://warnung.siegen.de", "ws://warnung.siegen.de:8081", [PROBLEM]),
        ("https://warnung.siegen.de", "ws://warnung.siegen.de:8081", [PROBLEM]),
        ("http://warnung.siegen.de", "wss://warnung.siegen.de", [PROBLEM, PROBLEM]),
        ("warnung.siegen.de", "", [PROBLEM]),
    ],
)
def test_public_addresses_need_tls(public: str, gateway: str, expected: list[Grade]) -> None:
    """Without TLS only this machine itself is served; screens need it as soon as pages have it."""
    assert levels(diagnostics.addresses(public, gateway)) == expected


@pytest.mark.parametrize(("days", "expected"), [(-1, PROBLEM), (0, PROBLEM), (3, HINT), (60, OK)])
def test_a_certificate_is_missed_before_it_ends(days: int, expected: Grade) -> None:
    """Over is a problem, two weeks before it is a hint."""
    assert levels([diagnostics.certificate("warnung.siegen.de", NOW + timedelta(days=days), NOW)]) == [expected]


def test_a_certificate_nobody_can_see_is_a_problem_with_its_reason() -> None:
    """What the connection said is passed on."""
    found = diagnostics.certificate("warnung.siegen.de", None, NOW, failure="self-signed certificate")
    assert levels([found]) == [PROBLEM]
    assert "self-signed" in found.what


def test_a_proxy_nobody_trusts_is_a_problem() -> None:
    """With https in front all clients would look like one; on plain http nothing is in front."""
    (finding,) = diagnostics.proxy("https://warnung.siegen.de", ())
    assert levels([finding]) == [PROBLEM]
    assert "trusted_proxies" in finding.remedy
    assert levels(diagnostics.proxy("https://warnung.siegen.de", ("10.0.0.0/8",))) == [OK]
    assert diagnostics.proxy("http://localhost:8080", ()) == []


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("mailto:warnung@siegen.de", OK),
        ("https://siegen.de/kontakt", OK),
        ("mailto:webmaster@example.org", HINT),
        ("mailto:", PROBLEM),
        ("warnung@siegen.de", PROBLEM),
    ],
)
def test_the_push_contact_is_one(contact: str, expected: Grade) -> None:
    """Only mailto and https are contacts; the template's own is a hint."""
    assert levels([diagnostics.push_contact(contact)]) == [expected]


def test_lost_keys_are_grave_where_people_are_subscribed() -> None:
    """Before the first start missing keys are normal; with subscriptions new ones would silence everybody."""
    assert levels(diagnostics.keys(["vapid"], folder_mode=None, subscriptions=False)) == [HINT]
    (lost,) = diagnostics.keys(["vapid"], folder_mode=0o700, subscriptions=True)
    assert levels([lost]) == [PROBLEM]
    assert "vapid" in lost.what
    assert "Sicherung" in lost.remedy
    assert levels(diagnostics.keys([], folder_mode=0o700, subscriptions=True)) == [OK]
    assert levels(diagnostics.keys([], folder_mode=0o750, subscriptions=True)) == [PROBLEM]


@pytest.mark.parametrize(
    ("synchronised", "ahead_s", "expected"),
    [
        (True, None, [OK]),
        (True, 1.5, [OK]),
        (True, 60.0, [PROBLEM]),
        (True, -60.0, [PROBLEM]),
        (False, 0.0, [PROBLEM]),
        (None, None, [HINT]),
        (None, 60.0, [PROBLEM, HINT]),
    ],
)
def test_a_wrong_clock_is_a_problem(synchronised: bool, ahead_s: float | None, expected: list[Grade]) -> None:
    """Off by more than two seconds, or not kept in step; where nobody can say, that is said."""
    ahead = None if ahead_s is None else timedelta(seconds=ahead_s)
    assert levels(diagnostics.clock(synchronised=synchronised, ahead=ahead)) == expected


def test_missing_files_of_pages_are_named() -> None:
    """With the command that puts them in place."""
    assert levels([diagnostics.assets([])]) == [OK]
    finding = diagnostics.assets(["vendor/htmx/htmx.min.js"])
    assert (finding.level, "htmx.min.js" in finding.what, "make setup" in finding.remedy) == (PROBLEM, True, True)


@pytest.mark.parametrize(("free", "expected"), [(10**8, PROBLEM), (10**9, HINT), (10**11, OK)])
def test_a_full_disk_is_seen_coming(free: int, expected: Grade) -> None:
    """Half a gigabyte is a problem, five are a hint."""
    assert levels([diagnostics.disk(free, "var/realis")]) == [expected]


def test_the_record_must_be_current_and_unbroken() -> None:
    """Another version's schema and a changed audit entry are problems; the entry is named."""
    assert levels([diagnostics.schema(current=True), diagnostics.schema(current=False)]) == [OK, PROBLEM]
    broken = diagnostics.audit(10, 7)
    assert levels([diagnostics.audit(10, 0), broken]) == [OK, PROBLEM]
    assert "7" in broken.what


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([WRITES, RELEASES], OK),
        ([WRITES | RELEASES, RELEASES], OK),
        ([WRITES | RELEASES], PROBLEM),
        ([WRITES, WRITES], PROBLEM),
        ([], PROBLEM),
    ],
)
def test_warning_takes_two_people(roles: list[frozenset[Role]], expected: Grade) -> None:
    """One person with both roles cannot warn."""
    assert levels([diagnostics.people(roles)]) == [expected]


def test_channels_and_ports_say_how_they_stand() -> None:
    """On hold is a problem, not set up a hint; a silent port is a problem only while the program runs."""
    held = diagnostics.channel("Telegram", set_up=True, held="401")
    rows = [diagnostics.channel("Telegram", set_up=True), diagnostics.channel("Telegram", set_up=False), held]
    assert levels(rows) == [OK, HINT, PROBLEM]
    ports = [
        diagnostics.listener("Gateway", answers=answers, serving=s) for answers, s in ((True, True), (False, True))
    ]
    assert levels(ports) == [OK, PROBLEM]
    assert levels([diagnostics.listener("Gateway", answers=False, serving=s) for s in (False, None)]) == [HINT, HINT]


@pytest.mark.parametrize(
    ("shared", "answers", "expected"),
    [(False, None, []), (True, None, [HINT]), (True, True, [OK]), (True, False, [PROBLEM])],
)
def test_redis_is_missed_where_several_share(shared: bool, answers: bool | None, expected: list[Grade]) -> None:
    """Alone nobody needs it; a Redis that is set and silent is a problem."""
    assert levels(diagnostics.hints_between(shared=shared, answers=answers)) == expected


def test_errors_keep_their_remedy_and_the_worst_counts() -> None:
    """A deliberate error is a problem with its own words; one problem outweighs everything."""
    found = diagnostics.from_error(ConfigurationError("So nicht.", remedy="Anders."))
    assert found == CheckResult(PROBLEM, "So nicht.", "Anders.")
    assert diagnostics.worst([diagnostics.fine("x"), diagnostics.hint("y")]) is HINT
    assert diagnostics.worst([diagnostics.fine("x"), found, diagnostics.hint("y")]) is PROBLEM
    assert diagnostics.worst([]) is OK
