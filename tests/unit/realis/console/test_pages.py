"""What the console's pages show and refuse, over the real desk."""

from __future__ import annotations

import pytest

from realis.model.alert import Occasion
from realis.model.draft import DraftKind, DraftState, LanguageText
from realis.policy.approval import Role
from tests.support.desk import House, content, triangle
from tests.unit.realis.console.conftest import Visitor

HOSTILE = "<img src=x onerror=alert(1)>\"'&</textarea><script>alert(2)</script>"


async def test_board_shows_what_waits(here: House, anna: Visitor) -> None:
    """What waits for a release stands on the board with a way to it; nothing waiting is said."""
    await anna.get("/console/")
    assert "Nichts wartet auf Sie." in anna.text
    draft = await here.submitted(here.people["anna"], content())
    await anna.get("/console/")
    assert f"/console/drafts/{draft.id}/release" in anna.html
    assert "Prüfen und freigeben" in anna.text
    assert "Übung" in anna.text


async def test_new_report_has_the_events_words(here: House, anna: Visitor) -> None:
    """A new report asks for occasion and event and then holds ready-made words; nothing leaves."""
    await anna.get("/console/new")
    await anna.post("/console/new", {"occasion": "uebung", "event_code": here.desk.phrases.events()[0].code})
    assert anna.status == 303
    await anna.get(anna.location)
    assert anna.status == 200
    assert "Übung" in anna.text
    assert "Zur Freigabe vorlegen" in anna.text


async def test_new_report_without_occasion_is_refused(anna: Visitor) -> None:
    """Without an occasion there is no draft, and the page says what is missing."""
    await anna.get("/console/new")
    await anna.post("/console/new", {"event_code": "BBK-EVC-038"})
    assert anna.status == 422
    assert "Anlass oder Ereignis fehlt." in anna.text


async def test_four_eyes_are_explained(here: House, bernd: Visitor) -> None:
    """Whoever wrote it sees why they cannot release, and the post is refused too."""
    draft = await here.submitted(here.people["bernd"], content())
    await bernd.get(f"/console/drafts/{draft.id}/release")
    assert "Sie können hier nicht freigeben." in bernd.text
    assert "zweite Person" in bernd.text
    assert 'name="digest"' not in bernd.html
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest})
    assert bernd.status == 403
    assert "Wer einen Entwurf geschrieben oder geändert hat, kann ihn nicht freigeben." in bernd.text
    assert (await here.desk.drafts.get(draft.id)).state is DraftState.SUBMITTED


async def test_second_person_releases_what_they_saw(here: House, bernd: Visitor) -> None:
    """The page carries the digest of the stored package; posting it starts the pause with a way to stop."""
    draft = await here.submitted(here.people["anna"], content())
    await bernd.get(f"/console/drafts/{draft.id}/release")
    assert f'name="digest" value="{draft.digest}"' in bernd.html
    assert "Gehen Sie nicht in Keller." in bernd.text
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": draft.digest})
    assert bernd.status == 303
    await bernd.get(bernd.location)
    assert "Sekunden bis zum Versand" in bernd.text
    await bernd.post(f"/console/drafts/{draft.id}/stop")
    assert bernd.location == f"/console/drafts/{draft.id}"
    assert (await here.desk.drafts.get(draft.id)).state is DraftState.OPEN


async def test_changed_text_is_not_released(here: House, bernd: Visitor) -> None:
    """A digest of something else is refused, nothing leaves, and the page says to read again."""
    draft = await here.submitted(here.people["anna"], content())
    await bernd.post(f"/console/drafts/{draft.id}/release", {"digest": "0" * 64})
    assert bernd.status == 409
    assert "Der Entwurf hat sich geändert" in bernd.text
    assert (await here.desk.drafts.get(draft.id)).state is DraftState.SUBMITTED


async def test_sending_back_needs_a_reason(here: House, anna: Visitor, bernd: Visitor) -> None:
    """A return without reason is refused; with one, the author reads it."""
    draft = await here.submitted(here.people["anna"], content())
    await bernd.get(f"/console/drafts/{draft.id}/release")
    await bernd.post(f"/console/drafts/{draft.id}/return", {"reason": "  "})
    assert bernd.status == 422
    await bernd.post(f"/console/drafts/{draft.id}/return", {"reason": "Uhrzeit stimmt nicht"})
    assert bernd.status == 303
    await anna.get(f"/console/drafts/{draft.id}")
    assert "Uhrzeit stimmt nicht" in anna.text


async def test_false_alarm_needs_one_person(here: House, bernd: Visitor) -> None:
    """The author of a Fehlalarm may release it; the page says one person is enough and there is no pause."""
    await here.issued(here.people["anna"], here.people["bernd"], content())
    incident = (await here.desk.overview.board())[0].incident
    await bernd.post(f"/console/incidents/{incident}/follow-up", {"kind": "retraction"})
    assert bernd.status == 303
    path = bernd.location
    await bernd.get(path)
    assert "Eine Person genügt" in bernd.text
    draft = await here.desk.drafts.get((await here.desk.overview.incident(incident)).drafts[0].id)
    submitted = await here.desk.authoring.submit(here.people["bernd"].actor, draft.id, version=draft.version)
    await bernd.get(f"{path}/release")
    await bernd.post(f"{path}/release", {"digest": submitted.digest})
    assert bernd.status == 303
    await bernd.get(bernd.location)
    assert "Fehlalarm – Warnung zurückgezogen" in bernd.text


async def test_follow_ups_are_explained_and_prefilled(here: House, anna: Visitor) -> None:
    """A warning in force offers the three ways on, each with a sentence; an update asks how it arrives."""
    await here.issued(here.people["anna"], here.people["bernd"], content())
    incident = (await here.desk.overview.board())[0].incident
    await anna.get(f"/console/incidents/{incident}")
    for sentence in ("Die Gefahr besteht weiter.", "Die Gefahr bestand und ist vorüber.", "Es gab nie eine Gefahr."):
        assert sentence in anna.text
    await anna.post(f"/console/incidents/{incident}/follow-up", {"kind": "update"})
    await anna.get(anna.location)
    assert "Erneut alarmieren" in anna.text
    assert "Still ersetzen" in anna.text
    assert "Hochwasser an der Sieg in Weidenau" in anna.html
    await anna.post(f"/console/incidents/{incident}/follow-up", {"kind": "alert"})
    assert anna.status == 422


async def test_stale_version_loses_nothing(here: House, anna: Visitor, bernd: Visitor) -> None:
    """Who saves second sees both texts, keeps what they typed, and can save theirs then."""
    draft = await here.desk.authoring.create(here.people["anna"].actor, content())
    path = f"/console/drafts/{draft.id}"
    await anna.get(path)
    await bernd.get(path)
    await bernd.post(path, _fields(draft.version, headline_de="Fassung von Bernd"))
    assert bernd.status == 303
    await anna.post(path, _fields(draft.version, headline_de="Fassung von Anna"))
    assert anna.status == 409
    assert "Jemand anderes hat diesen Entwurf inzwischen gespeichert." in anna.text
    assert "Fassung von Bernd" in anna.text
    assert "Fassung von Anna" in anna.text
    assert 'value="Fassung von Anna"' in anna.html
    assert (await here.desk.drafts.get(draft.id)).content.text("de") == LanguageText(
        "de", "Fassung von Bernd", "Was geschah", "Was tun"
    )
    await anna.post(path, _fields(draft.version + 1, headline_de="Fassung von Anna"))
    assert anna.status == 303


async def test_incoming_html_is_text(here: House, anna: Visitor) -> None:
    """HTML in an incoming message is shown as text everywhere, never as markup."""
    hostile = content(
        texts=(LanguageText("de", HOSTILE, HOSTILE, HOSTILE),),
        areas=(triangle(HOSTILE),),
        event=HOSTILE,
        event_code="x",
        source_name=HOSTILE,
    )
    draft = await here.incoming(hostile, HOSTILE)
    for path in ("/console/", f"/console/drafts/{draft.id}", f"/console/incidents/{draft.incident}", "/console/trail"):
        await anna.get(path)
        assert anna.status == 200, path
        assert "<img src=x" not in anna.html, path
        assert "<script>alert" not in anna.html, path
    submitted = await here.submitted(here.people["bernd"], hostile)
    await anna.get(f"/console/drafts/{submitted.id}/release")
    assert "<img src=x" not in anna.html
    assert "&lt;img src=x" in anna.html


async def test_incoming_message_demands_an_occasion(here: House, anna: Visitor) -> None:
    """Nobody's choice is preselected for a real message; without one nothing is saved and nothing typed is lost."""
    draft = await here.incoming(content(Occasion.ERNSTFALL, areas=(triangle(),)), "Die Meldung ist abgelaufen.")
    path = f"/console/drafts/{draft.id}"
    await anna.get(path)
    assert "Die Meldung ist abgelaufen." in anna.text
    assert "Siegtal zwischen Netphen und Weidenau" in anna.text
    assert "map__area" in anna.html
    await anna.post(path, _fields(1, headline_de="Meine Überschrift", own_area="1"))
    assert anna.status == 422
    assert "Der Anlass ist noch nicht gewählt." in anna.text
    assert 'value="Meine Überschrift"' in anna.html
    await anna.post(path, _fields(1, headline_de="Meine Überschrift", own_area="1", occasion="uebung"))
    assert anna.status == 303
    saved = await here.desk.drafts.get(draft.id)
    assert saved.content.occasion is Occasion.UEBUNG
    assert saved.content.areas[0] == triangle()
    await anna.get(path)
    assert 'name="occasion"' not in anna.html


async def test_problems_stand_at_their_fields(here: House, anna: Visitor) -> None:
    """Submitting an incomplete draft lists everything that is missing, at the fields, and keeps what was typed."""
    draft = await here.desk.authoring.create(here.people["anna"].actor, content())
    fields = _fields(1, headline_de="", instruction_de="", description_de="Bleibt stehen", action="submit")
    fields |= {"place": [], "channel": [], "expires_date": "", "expires_time": ""}
    await anna.post(f"/console/drafts/{draft.id}", fields)
    assert anna.status == 422
    for words in ("Die deutsche Überschrift fehlt.", "Das Gebiet fehlt.", "Es ist kein Kanal gewählt.", "bis wann"):
        assert words in anna.text
    assert anna.html.count("field__error") >= 4
    assert "Bleibt stehen" in anna.html


async def test_preview_shows_what_was_shortened(here: House, anna: Visitor) -> None:
    """The preview shows each channel's text as it will leave and says where it had to be cut."""
    draft = await here.desk.authoring.create(here.people["anna"].actor, content())
    fields = _fields(1, description_de="Sehr viel Wasser. " * 60)
    html = await anna.post(f"/console/drafts/{draft.id}/preview", fields)
    assert anna.status == 200
    assert html.lstrip().startswith('<div id="preview">')
    assert "Kurznachrichten" in anna.text
    assert "gekürzt" in anna.text
    assert "ÜBUNG" in anna.text


async def test_quick_time_is_set_by_the_server(here: House, anna: Visitor) -> None:
    """ "in 3 h" is the city's time, rounded up to five minutes; nothing is saved."""
    draft = await here.desk.authoring.create(here.people["anna"].actor, content())
    await anna.post(f"/console/drafts/{draft.id}", _fields(1, action="until:180"))
    assert anna.status == 200
    assert 'id="expires_time" name="expires_time" value="06:05"' in anna.html
    assert (await here.desk.drafts.get(draft.id)).version == 1


async def test_template_fills_in_without_saving(here: House, anna: Visitor) -> None:
    """A ready-made text replaces the three fields of its language in the form only."""
    event = next(e for e in here.desk.phrases.events() if here.desk.phrases.template(e.code, DraftKind.ALERT, "de"))
    template = here.desk.phrases.template(event.code, DraftKind.ALERT, "de")
    assert template is not None
    draft = await here.desk.authoring.create(here.people["anna"].actor, content(event_code=event.code))
    await anna.post(f"/console/drafts/{draft.id}", _fields(1, action="template:de", event_code=event.code))
    assert template.headline in anna.text or template.headline in anna.html
    assert (await here.desk.drafts.get(draft.id)).version == 1


async def test_editing_an_approved_translation_drops_the_approval(here: House, anna: Visitor) -> None:
    """A translation changed after somebody approved it counts as unchecked, and the page says so."""
    draft = await here.desk.authoring.create(here.people["anna"].actor, content())
    changed = _fields(1, headline_ar="نص آخر", description_ar="", instruction_ar="", checked_by_ar="Dr. Amal N.")
    await anna.post(f"/console/drafts/{draft.id}", changed)
    await anna.get(anna.location)
    assert "gelten jetzt als ungeprüft" in anna.text
    text = (await here.desk.drafts.get(draft.id)).content.text("ar")
    assert text is not None
    assert text.checked_by == ""


async def test_live_part_is_small_and_says_what_is_missing(here: House, anna: Visitor) -> None:
    """The polled part is a fragment with the figures per channel and what is not set up."""
    await here.issued(here.people["anna"], here.people["bernd"], content())
    incident = (await here.desk.overview.board())[0].incident
    html = await anna.get(f"/console/incidents/{incident}/live")
    assert html.lstrip().startswith('<section id="live"')
    assert "Von Hand" in anna.text
    assert "Nicht eingerichtet: Fax" in anna.text


async def test_roles_bar_pages(address: str, anna: Visitor, stranger: Visitor) -> None:
    """A trainer sees no desk, an operator no administration; both are told which role is missing."""
    await stranger.login("dora")
    assert stranger.status == 403
    assert "Dafür fehlt Ihnen die Rolle" in stranger.text
    await anna.get("/console/admin/users")
    assert anna.status == 403
    await anna.post("/console/admin/users", {"name": "eva", "role": ["freigabe"]})
    assert anna.status == 403


@pytest.mark.parametrize(
    ("language", "refused", "missing"),
    [
        ("en", "You need the role Administration for this.", "The German headline is missing."),
        ("ar", "تحتاج لذلك إلى دور الإدارة.", "العنوان الألماني ناقص."),
    ],
)
async def test_refusals_speak_the_operators_language(
    here: House, anna: Visitor, language: str, refused: str, missing: str
) -> None:
    """What is refused, and what a draft still lacks, is told in the language of the console."""
    await anna.get(f"/console/admin/users?lang={language}")
    assert refused in anna.text
    draft = await here.desk.create(here.people["anna"].actor, content())
    await anna.post(f"/console/drafts/{draft.id}", _fields(1, headline_de="", action="submit"))
    assert anna.status == 422
    assert missing in anna.text


async def test_administration_adds_and_bars_people(here: House, carla: Visitor, stranger: Visitor) -> None:
    """A one-time password is shown once, must be replaced at the first login, and barring ends the session."""
    await carla.get("/console/admin/users")
    html = await carla.post("/console/admin/users", {"name": "eva", "role": ["freigabe", "erfassung"]})
    password = html.split('id="one-time" dir="ltr">')[1].split("<")[0]
    await carla.get("/console/admin/users")
    assert password not in carla.html
    await stranger.login("eva", password)
    assert "Ihr Passwort gilt nur einmal." in stranger.text
    await stranger.get("/console/")
    assert stranger.location == "/console/password"
    await stranger.post(
        "/console/password", {"old": password, "new": "ganz neue lange Worte", "again": "ganz neue lange Worte"}
    )
    assert stranger.status == 303
    await stranger.get("/console/")
    assert stranger.status == 200
    eva = next(user for user in await here.users.list() if user.name == "eva")
    assert eva.roles == {Role.RELEASE, Role.CAPTURE}
    await carla.post(f"/console/admin/users/{eva.id}/deactivate")
    await stranger.get("/console/")
    assert stranger.location == "/console/login"
    actions = {line.action for line in await here.desk.overview.trail()}
    assert {"user.added", "user.deactivated"} <= actions


async def test_nobody_locks_themselves_out(here: House, carla: Visitor) -> None:
    """An administrator cannot bar themselves nor drop their own role."""
    mine = here.people["carla"].id
    await carla.get("/console/admin/users")
    await carla.post(f"/console/admin/users/{mine}/deactivate")
    assert carla.status == 409
    await carla.get("/console/admin/users")
    await carla.post(f"/console/admin/users/{mine}/roles", {"role": ["erfassung"]})
    assert carla.status == 409


async def test_unknown_things_get_a_clear_page(anna: Visitor) -> None:
    """An id that does not exist, or is none, gets a page that says so."""
    await anna.get("/console/drafts/not-an-id")
    assert anna.status == 404
    await anna.get("/console/incidents/01939e3e-0000-7000-8000-000000000000")
    assert anna.status == 404
    assert "Das ging nicht" in anna.text


def _fields(version: int, **changes: str) -> dict[str, str | list[str]]:
    fields: dict[str, str | list[str]] = {
        "version": str(version),
        "action": "save",
        "event_code": "BBK-EVC-038",
        "level": "2",
        "headline_de": "Überschrift",
        "description_de": "Was geschah",
        "instruction_de": "Was tun",
        "expires_date": "2026-11-22",
        "expires_time": "18:00",
        "place": ["weidenau"],
        "channel": ["by_hand", "short"],
        "source_name": "Stadt Siegen",
    }
    return {**fields, **changes}
