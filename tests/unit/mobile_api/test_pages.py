"""The citizens' pages as HTML: right words without JavaScript, in the reader's language, nothing mixed up."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from realis.model.alert import Ending, Level, Occasion
from tests.support.mobile import INCIDENT, NOW, Phone, phone, warning
from tests.unit.mobile_api.conftest import Client

OTHER = UUID(int=INCIDENT.int + 1)
PAGES = ("/", "/subscribe", "/courses/", "/courses/hochwasser", "/offline", "/barrierefreiheit", "/datenschutz")


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
    """Privacy and accessibility are one step away; the strict policy needs no exception."""
    text = await page(client, path)

    assert 'href="/datenschutz"' in text
    assert 'href="/barrierefreiheit"' in text
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
