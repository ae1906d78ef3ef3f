"""Coming in: cookies, forged forms, guessing, forced changes."""

from __future__ import annotations

import pytest

from realis.policy.approval import Role
from realis.web.sessions import hash_bearer_token
from tests.support.desk import PASSWORD, House, content
from tests.unit.realis.console.conftest import Visitor


async def test_the_cookie_is_strict_and_only_its_hash_is_stored(here: House, stranger: Visitor) -> None:
    """The cookie cannot be read by scripts nor sent by other sites; the database knows its SHA-256 only."""
    await stranger.post("/console/login", {"name": "anna", "password": PASSWORD})
    cookie = stranger.headers["Set-Cookie"]
    for word in ("session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
        assert word in cookie
    token = cookie.split("session=")[1].split(";")[0]
    found = await here.sessions.get(hash_bearer_token(token), here.clock.now())
    assert found is not None
    assert found.user.name == "anna"
    assert await here.sessions.get(token, here.clock.now()) is None


async def test_a_session_ends_after_a_shift(here: House, anna: Visitor) -> None:
    """Twelve hours after the login the session is over, used or not."""
    here.clock.forward(hours=11, minutes=59)
    await anna.get("/console/")
    assert anna.status == 200
    here.clock.forward(minutes=2)
    await anna.get("/console/")
    assert (anna.status, anna.location) == (303, "/console/login")


async def test_login_goes_where_it_was_asked_but_never_elsewhere(stranger: Visitor) -> None:
    """After login the wanted page opens; another site's address is ignored."""
    await stranger.get("/console/trail")
    assert stranger.location == "/console/login?next=%2Fconsole%2Ftrail"
    form = {"name": "anna", "password": PASSWORD}
    await stranger.post("/console/login", form | {"next": "/console/trail"})
    assert stranger.location == "/console/trail"
    await stranger.post("/console/login", form | {"next": "https://evil.example/console/"})
    assert stranger.location == "/console/"


async def test_logging_in_again_ends_the_old_session(here: House, anna: Visitor) -> None:
    """A token seen before the login is worth nothing after it."""
    old = next(cookie.value for cookie in anna.http.cookie_jar)
    await anna.login("anna")
    assert await here.sessions.get(hash_bearer_token(old), here.clock.now()) is None


async def test_logout_ends_it_on_the_server(here: House, anna: Visitor) -> None:
    """Signing out deletes the session, not only the cookie."""
    token = next(cookie.value for cookie in anna.http.cookie_jar)
    await anna.post("/console/logout")
    assert anna.location == "/console/login"
    assert await here.sessions.get(hash_bearer_token(token), here.clock.now()) is None


@pytest.mark.parametrize("csrf", ["", "wrong", "ä"])
async def test_a_form_without_the_right_token_changes_nothing(here: House, bernd: Visitor, csrf: str) -> None:
    """A missing or wrong token is refused and nothing is released."""
    draft = await here.submitted(here.people["anna"], content())
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest}, csrf=csrf)
    assert bernd.status == 403
    assert "Das Formular ist abgelaufen oder nicht von hier." in bernd.text
    assert (await here.desk.overview.incident(draft.incident)).pending is None


async def test_another_persons_token_is_no_use(here: House, anna: Visitor, bernd: Visitor) -> None:
    """The token belongs to one session."""
    draft = await here.submitted(here.people["anna"], content())
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest}, csrf=anna.csrf)
    assert bernd.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_another_sites_form_is_refused(
    here: House, bernd: Visitor, stranger: Visitor, headers: dict[str, str]
) -> None:
    """Even with the right token a form sent from elsewhere is refused; so is a login from elsewhere."""
    draft = await here.submitted(here.people["anna"], content())
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest}, **headers)
    assert bernd.status == 403
    await stranger.post("/console/login", {"name": "anna", "password": PASSWORD}, **headers)
    assert stranger.status == 403
    assert len(stranger.http.cookie_jar) == 0


async def test_the_token_may_come_in_a_header(here: House, bernd: Visitor) -> None:
    """Scripts of our own send the token as a header; our own origin is fine."""
    draft = await here.submitted(here.people["anna"], content())
    own = {"X-CSRF-Token": bernd.csrf, "Origin": bernd.address, "Sec-Fetch-Site": "same-origin"}
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest}, csrf="", **own)
    assert bernd.status == 303


async def test_wrong_names_and_passwords_read_alike(stranger: Visitor) -> None:
    """Nobody learns whether a name exists."""
    await stranger.post("/console/login", {"name": "anna", "password": "falsch"})
    first = (stranger.status, stranger.text.replace("anna", ""))
    await stranger.post("/console/login", {"name": "niemand", "password": "falsch"})
    assert (stranger.status, stranger.text.replace("niemand", "")) == first
    assert "Name oder Passwort stimmt nicht." in stranger.text


async def test_guessing_has_to_wait(here: House, stranger: Visitor) -> None:
    """After five failures even the right password waits, with a message how long; then it works."""
    for _ in range(5):
        await stranger.post("/console/login", {"name": "anna", "password": "falsch"})
    await stranger.post("/console/login", {"name": "ANNA", "password": PASSWORD})
    assert stranger.status == 429
    assert "Zu viele Versuche. Warten Sie noch 1 Sekunden." in stranger.text
    here.clock.forward(seconds=2)
    await stranger.post("/console/login", {"name": "anna", "password": PASSWORD})
    assert stranger.status == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "words"),
    [
        ("falsch", "lang genug ist das", "lang genug ist das", "Das bisherige Passwort stimmt nicht."),
        (PASSWORD, "kurz", "kurz", "kürzer als 12 Zeichen"),
        (PASSWORD, "lang genug ist das", "etwas anderes hier", "sind verschieden"),
        (PASSWORD, "anna-hat-ein-Passwort", "anna-hat-ein-Passwort", "leicht zu erraten"),
        (PASSWORD, PASSWORD, PASSWORD, "Das neue Passwort ist das alte."),
    ],
)
async def test_bad_new_passwords_are_explained(anna: Visitor, old: str, new: str, again: str, words: str) -> None:
    """Each reason has its own sentence, and the old password still works."""
    await anna.get("/console/password")
    await anna.post("/console/password", {"old": old, "new": new, "again": again})
    assert anna.status == 422
    assert words in anna.text


async def test_a_part_of_a_page_sends_the_whole_page_to_login(stranger: Visitor) -> None:
    """When the session is over, the polled part moves the page instead of nesting a login form in it."""
    await stranger.get("/console/parts/board", **{"HX-Request": "true"})
    assert stranger.headers["HX-Redirect"] == "/console/login"


async def test_pages_are_not_cached_and_have_the_policy(anna: Visitor) -> None:
    """Nothing of the console stays in a cache, and no inline script or style could run."""
    await anna.get("/console/")
    assert anna.headers["Cache-Control"] == "no-store"
    assert "unsafe-inline" not in anna.headers["Content-Security-Policy"]
    assert " style=" not in anna.html
    assert "<script>" not in anna.html


async def test_roles_change_at_once(here: House, bernd: Visitor) -> None:
    """A role that was taken away is gone with the next request of a session that is still open."""
    draft = await here.submitted(here.people["anna"], content())
    await here.users.set_roles(here.people["bernd"].id, frozenset({Role.CAPTURE}))
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest})
    assert bernd.status == 403
