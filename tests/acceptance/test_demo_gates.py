"""The demo's own wiring in this process: an Ernstfall stops at every gate, and nothing leaves this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from yarl import URL

from realis.app.channel_registry import EgressPolicies
from realis.app.wiring import BuildOptions
from realis.cap.writer import write
from realis.demo.seed import VARIATION, seed
from realis.demo.seed import settings as demo_settings
from realis.demo.simulators import SimulatedMastodon, SimulatedTelegram
from realis.intake.client import send
from realis.model.alert import Occasion
from realis.model.area import Area, Circle
from realis.model.draft import Content, Draft, DraftKind, DraftState, Envelope, compose
from realis.model.errors import InvalidInput, NotAllowed, RealisError
from realis.policy.approval import IssuePolicy
from realis.ports.desk_read_models import Release
from realis.services.desk import Desk
from tests.fakes.push_service import phone
from tests.support.installation import ANNA, BERND, Installation, content, installation

SIEGEN = Area("Siegen-Mitte", circles=(Circle(50.8748, 8.0243, 1.2),))
EVERYWHERE = ("display", "webpush", "telegram", "mastodon", "feeds", "terminal", "by_hand")


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[Installation, SimulatedTelegram, SimulatedMastodon]]:
    """The demo as it is wired, without its script."""
    async with SimulatedTelegram(port=0) as telegram, SimulatedMastodon(port=0) as mastodon:
        config = demo_settings(folder / "d", port=0, gateway_port=0, telegram=telegram, mastodon=mastodon, pause_s=0)
        async with installation(folder, config=config, variation=VARIATION) as here:
            yield here, telegram, mastodon


def real(here: Installation, occasion: Occasion = Occasion.ERNSTFALL) -> Content:
    """A warning that must not leave the demo."""
    return content(here.core.clock.now(), areas=(SIEGEN,), occasion=occasion, channels=EVERYWHERE)


def unbarred(here: Installation) -> Desk:
    """The demo's desk as somebody would have it who got around the policy."""
    desk = here.core.desk
    return Desk.over(replace(desk.ports, policy=IssuePolicy()))


@pytest.mark.parametrize("occasion", [Occasion.ERNSTFALL, Occasion.PROBEWARNUNG])
async def test_only_exercises_pass_the_gates(tmp_path: Path, occasion: Occasion) -> None:
    """Intake takes the message as what it is; submitting, releasing and issuing each refuse it by themselves."""
    async with demo(tmp_path) as (here, telegram, mastodon):
        desk, anna, bernd = here.core.desk, here.people[ANNA].actor, here.people[BERND].actor
        draft = await desk.authoring.create(anna, real(here, occasion))
        with pytest.raises((InvalidInput, NotAllowed)):
            await desk.authoring.submit(anna, draft.id, version=draft.version)

        submitted = await unbarred(here).authoring.submit(anna, draft.id, version=draft.version)
        with pytest.raises(NotAllowed):
            await desk.approval.release(bernd, submitted.id, digest=submitted.digest)
        assert (await desk.drafts.get(draft.id)).state is DraftState.SUBMITTED

        decided = await released_elsewhere(here, submitted)
        with pytest.raises(RealisError):
            await desk.issuer.issue(decided)
        await desk.issuer.issue_due()
        assert here.rows("alerts", "dispatches") == {"alerts": 0, "dispatches": 0}
        assert (telegram.posts, mastodon.posts) == ((), ())
        assert not here.serving.done()


async def released_elsewhere(here: Installation, draft: Draft) -> Release:
    """A decision in the store that the demo's desk never took; not due yet, so that the test issues it."""
    loose = Desk.over(replace(unbarred(here).ports, pause=timedelta(hours=1)))
    return await loose.approval.release(here.people[BERND].actor, draft.id, digest=draft.digest)


async def test_a_decision_that_must_not_be_issued_does_not_stop_the_program(tmp_path: Path) -> None:
    """Due and refused by the policy: nothing leaves, the draft is open again, exercises still go out."""
    async with demo(tmp_path) as (here, _, _):
        desk, anna = here.core.desk, here.people[ANNA].actor
        draft = await desk.authoring.create(anna, real(here))
        submitted = await unbarred(here).authoring.submit(anna, draft.id, version=draft.version)
        loose = Desk.over(replace(unbarred(here).ports, pause=timedelta(milliseconds=1)))
        await loose.approval.release(here.people[BERND].actor, submitted.id, digest=submitted.digest)

        async def reopened() -> bool:
            return (await desk.drafts.get(draft.id)).state is DraftState.OPEN

        await here.until(reopened)
        assert "gesperrt" in (await desk.drafts.get(draft.id)).return_reason
        await here.issue(real(here, Occasion.UEBUNG))
        assert here.rows("alerts") == {"alerts": 1}


async def test_a_real_message_from_an_authority_stays_a_draft(tmp_path: Path) -> None:
    """Posted over HTTP as Actual: a draft that says what it is, cannot be submitted and cannot be relabelled away."""
    async with demo(tmp_path) as (here, _, _):
        people = await seed(here.core, "Kreisleitstelle (Demo)")
        now = here.core.clock.now().replace(microsecond=0)
        alert = compose(real(here), Envelope("echt.1", "leitstelle@kreis.example", now))
        status, answer = await send(write(alert), here.url, people.authority_token)
        assert status == 201
        desk, anna = here.core.desk, here.people[ANNA].actor
        draft = await desk.drafts.get(UUID(str(answer["draft"])))
        assert draft.content.occasion is Occasion.ERNSTFALL
        with pytest.raises((InvalidInput, NotAllowed), match="occasion-barred"):
            await desk.authoring.submit(anna, draft.id, version=draft.version)
        assert here.rows("alerts") == {"alerts": 0}


async def test_nothing_is_reached_beyond_this_machine(tmp_path: Path) -> None:
    """Every door opens to loopback only; a phone at a public push service is refused in German."""
    async with demo(tmp_path) as (here, _, _):
        for egress in here.core.ways.egresses:
            assert egress.policy.allows(ip_address("127.0.0.1"))
            for beyond in ("8.8.8.8", "10.0.0.1", "192.168.1.1", "169.254.169.254", "2001:4860:4860::8888"):
                assert not egress.policy.allows(ip_address(beyond))
            for url in ("https://api.telegram.org/x", "https://fcm.googleapis.com/x", "https://mastodon.social/"):
                assert egress.policy.refusal(URL(url))
        outside = phone("https://fcm.googleapis.com/fcm/send/abc")
        wanted = {"endpoint": outside.endpoint, "keys": outside.subscription["keys"], "language": "de"}
        async with (
            aiohttp.ClientSession(here.url) as session,
            session.post("/api/v1/push/subscriptions", json={**wanted, "everywhere": True}) as answer,
        ):
            body = await answer.json()
        assert (answer.status, body["where"]) == (422, "endpoint")
        assert "nur dieser Rechner" in body["title"]
        assert here.rows("addresses") == {"addresses": 5}


async def test_an_exercise_goes_everywhere_and_says_so(tmp_path: Path) -> None:
    """In the demo every target is joined: both accounts get the post, then its three endings edit it."""
    async with demo(tmp_path) as (here, telegram, mastodon):
        incident = await here.issue(real(here, Occasion.UEBUNG))
        await here.finished(incident)
        await here.release(await here.follow_up(incident, DraftKind.RETRACTION))
        await here.finished(incident)
        for stand_in in (telegram, mastodon):
            assert len(stand_in.posts[0].versions) == 2
            for post in stand_in.posts:
                assert all(version.text.startswith("ÜBUNG – keine echte Gefahr") for version in post.versions)
            assert "Fehlalarm" in stand_in.posts[0].text


async def test_an_installation_can_do_what_the_demo_cannot(tmp_path: Path) -> None:
    """The same content in a real installation is released: it is the demo's policy that bars it, nothing else."""
    loopback = BuildOptions(IssuePolicy(), EgressPolicies.loopback())
    async with installation(tmp_path, variation=loopback) as here:
        incident = await here.issue(here.content())
        async with asyncio.timeout(20):
            await here.finished(incident)
        assert here.rows("alerts") == {"alerts": 1}
