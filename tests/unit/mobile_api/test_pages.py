"""The citizens' pages as HTML: right words without JavaScript, in the reader's language, nothing mixed up."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from realis.model.alert import Ending, Level, Occasion
from realis.model.area import Area, Circle
from realis.model.draft import LanguageText
from tests.support.mobile import CITY, INCIDENT, NOW, PLACES, Phone, phone, warning
from tests.unit.mobile_api.conftest import Client

OTHER = UUID(int=INCIDENT.int + 1)
PAGES = (
    "/",
    "/subscribe",
    "/courses/",
    "/courses/hochwasser",
    "/offline",
    "/barrierefreiheit",
    "/datenschutz",
    "/impressum",
    "/kontakt",
)
QUIET = "Zurzeit keine Warnung"
NOT_OVER = "Abgelaufen heißt nicht entwarnt: Die Gefahr kann noch bestehen."
OVER = "In den letzten 24 Stunden beendet"
RUN_OUT = "In den letzten 24 Stunden abgelaufen, ohne Entwarnung"


async def page(client: Client, path: str) -> str:
    """The page's HTML with single spaces."""
    response = await client.get(path, headers={"Accept": "text/html"})
    return re.sub(r"\s+", " ", await response.text())


async def test_a_quiet_day_says_so(client: Client) -> None:
    """Nothing in force: no empty page, but the sentence."""
    assert "Zurzeit keine Warnung" in await page(client, "/")


async def test_a_warning_is_read_without_javascript(client: Client, parts: Phone) -> None:
    """Level in words, headline, what to do, until when, who says so, and the way to its page."""
    parts.situation.show([warning(NOW, level=Level.EXTREME)])

    text = await page(client, "/?lang=de")

    assert "1 Warnung gilt jetzt" in text
    for words in ("Extreme Gefahr", "Hochwasser an der Sieg", "Gehen Sie sofort", "Gilt bis", "Quelle:"):
        assert words in text
    assert f'href="/alerts/{INCIDENT}"' in text


async def test_exercises_stand_apart_and_are_not_counted(client: Client, parts: Phone) -> None:
    """Ribbon first, own section, and the heading counts real warnings only."""
    parts.situation.show(
        [warning(NOW, occasion=Occasion.UEBUNG), warning(NOW, incident=OTHER, occasion=Occasion.PROBEWARNUNG)]
    )

    stranger = await page(client, "/")
    joined = await page(client, "/?exercise=true")
    remembered = await page(client, "/")
    left = await page(client, "/?exercise=false")

    assert "ÜBUNG" not in stranger
    assert "PROBEWARNUNG" in stranger
    assert "Zurzeit keine Warnung" in joined
    assert joined.index("Übungen und Proben") < joined.index("ÜBUNG – keine echte Gefahr")
    assert "ÜBUNG – keine echte Gefahr" in remembered
    assert "ÜBUNG" not in left


CLEAR, RETRACTED, EXPIRED = Ending.ALL_CLEAR, Ending.RETRACTED, Ending.EXPIRED


@pytest.mark.parametrize(
    ("in_force", "endings", "heading", "shown"),
    [
        (0, (), QUIET, ()),
        (1, (), "1 Warnung gilt jetzt", ()),
        (0, (CLEAR,), QUIET, (OVER,)),
        (0, (RETRACTED,), QUIET, (OVER,)),
        (0, (CLEAR, RETRACTED), QUIET, (OVER,)),
        (0, (EXPIRED,), "1 Warnung ist abgelaufen", (NOT_OVER, RUN_OUT)),
        (0, (EXPIRED, EXPIRED), "2 Warnungen sind abgelaufen", (NOT_OVER, RUN_OUT)),
        (0, (CLEAR, EXPIRED, RETRACTED), "1 Warnung ist abgelaufen", (NOT_OVER, RUN_OUT, OVER)),
        (2, (EXPIRED,), "2 Warnungen gelten jetzt", (RUN_OUT,)),
        (1, (CLEAR, EXPIRED), "1 Warnung gilt jetzt", (RUN_OUT, OVER)),
    ],
)
async def test_the_front_page_is_true_for_every_mix(
    client: Client, parts: Phone, in_force: int, endings: tuple[Ending, ...], heading: str, shown: tuple[str, ...]
) -> None:
    """Nothing speaks of quiet while a warning ran out without an all-clear; what ran out never stands among ends."""
    ids = [UUID(int=INCIDENT.int + number) for number in range(in_force + len(endings))]
    parts.situation.show(
        [warning(NOW, incident=one) for one in ids[:in_force]],
        [warning(NOW, incident=one, ending=how) for one, how in zip(ids[in_force:], endings, strict=True)],
    )

    text = await page(client, "/?lang=de")

    (first,) = re.findall(r"<h1><span data-live>(.*?)</span>", text)
    assert first == heading
    assert tuple(words for words in (NOT_OVER, RUN_OUT, OVER) if words in text) == shown
    assert text.count("Abgelaufen: ") == endings.count(EXPIRED)
    if EXPIRED in endings and OVER in text:
        assert text.index(RUN_OUT) < text.index(OVER)


async def test_an_exercise_that_ran_out_is_no_danger(client: Client, parts: Phone) -> None:
    """It is listed with its own words; the heading speaks of real warnings only."""
    parts.situation.show([], [warning(NOW, ending=EXPIRED, occasion=Occasion.UEBUNG)])

    text = await page(client, "/?lang=de&exercise=true")

    assert QUIET in text
    assert NOT_OVER not in text
    assert RUN_OUT in text


async def test_cards_and_page_name_what_was_chosen(client: Client, parts: Phone) -> None:
    """Two districts by name: exactly these, on the list and on the page, although their circles touch others."""
    chosen = tuple(Area(one.name, circles=(Circle(one.lat, one.lon, one.radius_km),)) for one in PLACES[:2])
    parts.situation.show([warning(NOW, areas=chosen)])

    home, own = await page(client, "/?lang=de"), await page(client, f"/alerts/{INCIDENT}?lang=de")

    assert '<bdi lang="de">Siegen-Mitte; Weidenau</bdi></p>' in home
    assert '<bdi lang="de">Siegen-Mitte; Weidenau</bdi></p>' in own
    assert "Betroffene Stadtteile" not in own


async def test_a_card_names_four_areas_and_counts_the_rest(client: Client, parts: Phone) -> None:
    """A message for many areas does not fill the list; its own page has them all."""
    many = tuple(Area(f"Ort {number}") for number in range(7))
    parts.situation.show([warning(NOW, areas=many)])

    home, own = await page(client, "/?lang=de"), await page(client, f"/alerts/{INCIDENT}?lang=de")

    assert "Ort 3</bdi> <span>und 3 weitere</span>" in home
    assert "Ort 6</bdi>" in own


async def test_numbers_in_a_warning_can_be_dialled(client: Client, parts: Phone) -> None:
    """In what to do and what happened, on the list and on the page."""
    words = LanguageText("de", "Sirene", "Auskunft: 02 71/404-0, seit 03.03.2026.", "Wählen Sie im Notfall 112.")
    parts.situation.show([warning(NOW, texts=(words,))])

    home, own = await page(client, "/?lang=de"), await page(client, f"/alerts/{INCIDENT}?lang=de")

    assert 'im Notfall <a href="tel:112" dir="ltr">112</a>.' in home
    assert 'Auskunft: <a href="tel:02714040" dir="ltr">02 71/404-0</a>, seit 03.03.2026.' in own


async def test_imprint_and_contact_say_what_is_missing() -> None:
    """With an address it is a link; without one the pages say so, as they do of all that no setting knows."""
    known, unknown = phone(NOW), phone(NOW, contact="")
    async with TestClient(TestServer(known.app)) as client:
        pages = [await page(client, "/impressum?lang=de"), await page(client, "/kontakt?lang=de")]
    async with TestClient(TestServer(unknown.app)) as client:
        bare = [await page(client, "/impressum?lang=de"), await page(client, "/kontakt?lang=de")]

    for text in pages:
        assert 'href="mailto:barrierefrei@warnung.example"' in text
        assert CITY.authority in text
    assert "noch nicht eingetragen" in bare[0]
    assert "noch keine Adresse eingetragen" in bare[1]
    for text in (pages[0], bare[0]):
        assert "Hier fehlen noch Angaben" in text
        assert "die Anschrift" in text
    assert 'href="tel:112"' in pages[1]
    assert 'href="tel:116117"' in pages[1]


@pytest.mark.parametrize(
    ("ending", "right", "wrong"),
    [
        (Ending.ALL_CLEAR, "Die Gefahr ist vorüber", ("Fehlalarm", "abgelaufen")),
        (Ending.RETRACTED, "Fehlalarm – Warnung zurückgezogen", ("vorüber", "abgelaufen")),
        (Ending.EXPIRED, "Das ist keine Entwarnung.", ("Fehlalarm", "vorüber")),
    ],
)
async def test_the_three_endings_have_their_own_words(
    client: Client, parts: Phone, ending: Ending, right: str, wrong: tuple[str, ...]
) -> None:
    """On the list and on the page, each ending has its own mark and words and none of the others'."""
    parts.situation.show([], [warning(NOW, ending=ending)])

    home, own = await page(client, "/"), await page(client, f"/alerts/{INCIDENT}")

    for text in (home, own):
        assert right in text
        assert f"ending--banner ending--{ending.value}" in text
    # The history may name the step; the warning itself must not.
    article = own[own.index("<article") : own.index("</article>")]
    assert not [word for word in wrong if word in article]


async def test_an_exercise_opens_by_its_address_only(client: Client, parts: Phone) -> None:
    """A joined phone's notification leads to the page; strangers find it in no list, and no search engine keeps it."""
    parts.situation.show([warning(NOW, occasion=Occasion.UEBUNG)])

    home, own = await page(client, "/"), await page(client, f"/alerts/{INCIDENT}")

    assert str(INCIDENT) not in home
    assert own.index("ÜBUNG – keine echte Gefahr") < own.index("<h1")
    assert "<title>ÜBUNG" in own
    assert 'content="noindex"' in own


async def test_the_front_page_is_made_once_for_a_crowd(client: Client, parts: Phone) -> None:
    """Within seconds the same page serves all; a change shows at once, and so does its age after that."""
    parts.situation.show([warning(NOW)])
    first = await page(client, "/")
    parts.situation.as_of += timedelta(seconds=1)
    assert await page(client, "/") == first
    parts.situation.as_of += timedelta(seconds=5)
    assert parts.situation.as_of.isoformat() in await page(client, "/")
    parts.situation.show([])
    assert "Zurzeit keine Warnung" in await page(client, "/")


async def test_a_translation_nobody_checked_is_marked(client: Client, parts: Phone) -> None:
    """Arabic words carry their direction and the remark; a French reader learns that the text is English."""
    parts.situation.show([warning(NOW)])

    arabic = await page(client, f"/alerts/{INCIDENT}?lang=ar")
    french = await page(client, f"/alerts/{INCIDENT}?lang=fr")

    assert '<html lang="ar" dir="rtl">' in arabic
    assert "لم تتم مراجعة الترجمة" in arabic
    assert 'lang="en" dir="ltr">Flooding' in french
    assert '<p class="warning-event">Crue</p>' in french
    assert "warning-event" not in arabic


async def test_the_warnings_page_shows_where(client: Client, parts: Phone) -> None:
    """Outline as a picture, the same in words, history, course, and no foreign address."""
    parts.situation.show([warning(NOW)])

    text = await page(client, f"/alerts/{INCIDENT}?lang=de")

    assert "Betroffene Stadtteile: " in text
    assert 'class="area-shape"' in text
    assert "/courses/hochwasser" in text
    assert "Verlauf" in text
    assert not re.findall(r'(?:src|href)="https?://', text)


async def test_the_language_is_remembered(client: Client) -> None:
    """``?lang=`` sets a cookie; an unknown language is ignored."""
    chosen = await client.get("/?lang=uk")
    after = await client.get("/subscribe")
    nonsense = await client.get("/?lang=<script>")

    assert chosen.cookies["lang"].value == "uk"
    assert after.headers["Content-Language"] == "uk"
    assert "lang" not in nonsense.cookies


async def test_a_dead_address_helps_on(client: Client) -> None:
    """404 with the way to what holds now; JSON only for programs."""
    response = await client.get("/alerts/nichts", headers={"Accept": "text/html"})

    text = await response.text()
    assert (response.status, response.content_type) == (404, "text/html")
    assert "Diese Warnung gibt es nicht." in text
    assert 'href="/"' in text


@pytest.mark.parametrize(
    ("language", "words"),
    [("tr", "Bu uyarı yok."), ("uk", "Такого попередження немає."), ("ar", "هذا التحذير غير موجود.")],
)
async def test_an_error_page_speaks_the_readers_language(client: Client, language: str, words: str) -> None:
    """What is wrong is told in the language of the page around it, marked as such."""
    text = await (await client.get(f"/alerts/nichts?lang={language}", headers={"Accept": "text/html"})).text()
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<p lang="{language}" dir="{direction}" class="small muted">{words}' in text


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_its_footer_and_no_inline_code(client: Client, path: str) -> None:
    """Imprint, contact, privacy and accessibility are one step away; the strict policy needs no exception."""
    text = await page(client, path)

    for address in ("/datenschutz", "/barrierefreiheit", "/impressum", "/kontakt"):
        assert f'href="{address}"' in text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


async def test_the_demo_says_what_it_is() -> None:
    """Every page of the demo says that there are exercises only, and shows them without asking."""
    parts = phone(NOW, demo=True)
    parts.situation.show([warning(NOW, occasion=Occasion.UEBUNG)])
    async with TestClient(TestServer(parts.app)) as client:
        text = await page(client, "/")

    assert "Vorführung" in text
    assert "ÜBUNG – keine echte Gefahr" in text


async def test_a_course_is_whole_without_javascript(client: Client) -> None:
    """All cards, all questions, and the answers in details."""
    text = await page(client, "/courses/hochwasser?lang=de")
    course = await (await client.get("/api/v1/courses/hochwasser?lang=de")).json()

    assert all(card["heading"] in text for card in course["cards"])
    assert text.count('<details class="answer">') == len(course["quiz"])


async def test_the_worker_is_served_for_the_whole_origin(client: Client) -> None:
    """At the root, allowed for ``/``, asked for anew at every start, with all courses to keep."""
    response = await client.get("/sw.js")
    same = await client.get("/sw.js", headers={"If-None-Match": response.headers["ETag"]})

    assert response.headers["Service-Worker-Allowed"] == "/"
    assert response.headers["Cache-Control"] == "no-cache"
    assert "/courses/hochwasser" in await response.text()
    assert same.status == 304


async def test_the_app_can_be_installed(client: Client) -> None:
    """The manifest has name, start, scope and icons that exist."""
    manifest = await (await client.get("/manifest.webmanifest?lang=de")).json()

    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    for icon in manifest["icons"]:
        assert (await client.get(icon["src"])).status == 200
