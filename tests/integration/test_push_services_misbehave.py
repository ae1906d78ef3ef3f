"""One warning to phones at many push services, each of which misbehaves in its own way: the whole program.

Real child processes and real sockets. What happened is read from the services' own books and from the figures the
operators see, never from our rows alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from channels.webpush.subscription import parse_subscription
from realis.app.channel_registry import EgressPolicies
from realis.app.clock import SystemClock
from realis.app.wiring import BuildOptions
from realis.egress.policy import LoopbackOnly, PublicOnly
from realis.model.delivery import State
from realis.model.draft import DraftKind, LanguageText
from realis.policy.approval import IssuePolicy
from realis.ports.read_models import ChannelCount
from tests.fakes.push_service import Phone, phone
from tests.fakes.rude_push import Asked, Manner, RudePushService
from tests.support.installation import CARLA, Installation, installation, ledger, phone_target, revisions

KNOWN, STRANGE = "127.0.0.1", "localhost"
"""The names of known services and of strangers: the first go through child processes, the others do not."""

PATIENCE_S = 1.0
"""How long the installation waits for one push; the slow service answers within it, the silent one does not."""

PHONES = 4
HEALTHY_PHONES = 40
SLOW_S = 0.5
WAIT_S = 2
SOONEST_S = 1.0
"""No phone is tried again earlier than this."""

NARROW = 1400
"""Bytes of a body that the narrow service takes."""

TEXT = LanguageText(
    "de", "Giftiger Rauch zieht über die Stadt", "Eine Halle brennt am Hafen. " * 30, "Schließen Sie alle Fenster."
)


async def well(asked: Asked) -> None:
    """As it should be."""
    await asked.answer(201)


async def slowly(asked: Asked) -> None:
    """Takes half of our patience."""
    await asyncio.sleep(SLOW_S)
    await asked.answer(201)


async def first_wait_seconds(asked: Asked) -> None:
    """429 with seconds, then well."""
    await (asked.answer(429, Retry_After=str(WAIT_S)) if asked.nth == 1 else asked.answer(201))


async def first_wait_date(asked: Asked) -> None:
    """429 with an HTTP date, then well. The date has whole seconds, so one is added."""
    until = format_datetime(SystemClock().now() + timedelta(seconds=WAIT_S + 1), usegmt=True)
    await (asked.answer(429, Retry_After=until) if asked.nth == 1 else asked.answer(201))


async def first_broken(asked: Asked) -> None:
    """500, then well."""
    await asked.answer(500 if asked.nth == 1 else 201)


async def narrow(asked: Asked) -> None:
    """413 for what is long."""
    await asked.answer(413 if len(asked.body) > NARROW else 201)


async def cut_in_head(asked: Asked) -> None:
    """Hangs up in the middle of its answer's head."""
    await asked.say(b"HTTP/1.1 201 Cre")
    asked.hang_up()


async def silent(asked: Asked) -> None:
    """Never answers."""
    await asked.silence()


async def endless_body(asked: Asked) -> None:
    """Accepts, with a body that never ends."""
    await asked.say(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asked.forever(b"4\r\nblah\r\n")


async def endless_head(asked: Asked) -> None:
    """A head that never ends."""
    await asked.say(b"HTTP/1.1 201 Created\r\n")
    await asked.forever(b"X-Blah: blah\r\n")


async def endless_interim(asked: Asked) -> None:
    """Interim answers without end."""
    await asked.forever(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def always(status: int, **headers: str) -> Manner:
    """The same answer to everything."""

    async def answer(asked: Asked) -> None:
        await asked.answer(status, **headers)

    return answer


@dataclass(frozen=True, slots=True)
class Case:
    """One way to misbehave and what must become of the phones there.

    Args:
        ends: in which state they are once nothing new can happen; retrying where it goes on until the deadline.
        pushes: how many pushes each phone's path gets; None where it is only bounded.
    """

    name: str
    manner: Manner
    ends: State
    pushes: int | None
    deaf: bool = False


def cases(inside: RudePushService, host: str) -> tuple[Case, ...]:
    """Every way to misbehave; but a known service that refuses our key is another story."""
    trap = f"http://127.0.0.1:{inside.port}/admin"
    return (
        Case("silent", silent, State.RETRYING, None),
        Case("deaf", well, State.RETRYING, 0, deaf=True),
        Case("cut_in_head", cut_in_head, State.RETRYING, None),
        Case("endless_head", endless_head, State.RETRYING, None),
        Case("endless_interim", endless_interim, State.RETRYING, None),
        Case("endless_body", endless_body, State.ACCEPTED, 1),
        Case("slow", slowly, State.ACCEPTED, 1),
        Case("wait_seconds", first_wait_seconds, State.ACCEPTED, 2),
        Case("wait_date", first_wait_date, State.ACCEPTED, 2),
        Case("first_broken", first_broken, State.ACCEPTED, 2),
        Case("narrow", narrow, State.ACCEPTED, 2),
        Case("too_narrow", always(413), State.REJECTED, 2),
        Case("gone", always(410), State.GONE, 1),
        Case("not_found", always(404), State.GONE, 1),
        *(
            Case(f"redirect_{status}", always(status, Location=trap), State.REJECTED, 1)
            for status in (301, 302, 307, 308)
        ),
        *(Case(f"denied_{status}", always(status), State.REJECTED, 1) for status in (401, 403) if host == STRANGE),
    )


@dataclass(frozen=True, slots=True)
class Post:
    """One service with its phones, by their targets."""

    case: Case
    service: RudePushService
    phones: dict[int, Phone]


@dataclass(slots=True)
class Stage:
    """A running installation with little patience, and the services it was given phones at."""

    here: Installation
    host: str
    _stack: AsyncExitStack
    posts: list[Post] = field(default_factory=list)

    async def open(self, case: Case, phones: int = PHONES, languages: tuple[str, ...] = ("de",)) -> Post:
        """A service of this kind with phones in the Altstadt."""
        service = RudePushService(case.manner, deaf=case.deaf, host=self.host)
        await self._stack.enter_async_context(service)
        post = Post(case, service, {})
        for number in range(phones):
            one = service.phone(number)
            target = await self.here.subscribe(one, "altstadt", language=languages[number % len(languages)])
            post.phones[target] = one
        self.posts.append(post)
        return post

    async def warn(self) -> UUID:
        """The one warning to all of them."""
        return await self.here.issue(self.here.content(channels=("webpush",), texts=(TEXT,)))

    async def count(self, incident: UUID) -> ChannelCount:
        """What the operators see of push; its sums always equal the plan."""
        (count,) = await self.here.core.desk.overview.counts(incident)
        assert sum(count.states.values()) == count.planned
        return count

    async def until_states(self, incident: UUID, wanted: dict[State, int]) -> ChannelCount:
        """Wait for these figures; nothing else counts."""

        async def so() -> bool:
            return (await self.count(incident)).states == wanted

        await self.here.until(so)
        return await self.count(incident)

    async def until_heard(self, post: Post, times: int = 1) -> None:
        """Wait until every phone of a service was sent to this often."""

        async def heard() -> bool:
            return min(post.service.heard.values(), default=0) >= times and len(post.service.heard) == len(post.phones)

        await self.here.until(heard)

    def expected(self) -> dict[State, int]:
        """In which states all phones must be once nothing new can happen."""
        states: Counter[State] = Counter()
        for post in self.posts:
            states[post.case.ends] += len(post.phones)
        return dict(states)


@asynccontextmanager
async def stage(folder: Path, host: str, doors: EgressPolicies | None = None) -> AsyncIterator[Stage]:
    """An installation whose services are at this host."""
    own = replace(
        doors or EgressPolicies.loopback(),
        known_push=lambda name: host == KNOWN and name == KNOWN,
        push_timeout_s=PATIENCE_S,
    )
    async with AsyncExitStack() as stack:
        variation = BuildOptions(policy=IssuePolicy(), doors=own)
        here = await stack.enter_async_context(installation(folder, variation=variation))
        yield Stage(here, host, stack)
        for line in ledger(here.core.settings.data_dir / "realis.db"):
            assert line[3] == line[4] + line[5], line


def told(post: Post) -> list[list[int]]:
    """Which revisions each phone of a service was told, in order."""
    return [
        revisions(one, [asked.body for asked in post.service.arrivals if one.endpoint.endswith(asked.path)])
        for one in post.phones.values()
    ]


HEALTHY = Case("healthy", well, State.ACCEPTED, 1)


@pytest.mark.parametrize("host", [KNOWN, STRANGE])
async def test_each_service_costs_only_its_own_phones(tmp_path: Path, host: str) -> None:
    """The healthy one's phones hear it before anything runs out of patience; all others end as documented.

    Nobody is tried again too soon, nothing inside is reached, only the gone are forgotten, sums equal the plan. A
    Fehlalarm then ends it at once, also for those still being tried.
    """
    async with stage(tmp_path, host) as here, RudePushService(well) as inside:
        healthy = await here.open(HEALTHY, HEALTHY_PHONES)
        posts = {case.name: await here.open(case) for case in cases(inside, host)}
        incident = await here.warn()
        count = await here.until_states(incident, here.expected())
        for post in here.posts:
            check(post)
            await check_forgotten(here.here, post)
        patient_until = min(asked.at for asked in posts["silent"].service.arrivals) + PATIENCE_S
        assert max(asked.at for asked in healthy.service.arrivals) < patient_until
        check_waits(posts)
        assert inside.connections == 0
        assert count.failures["gone"] == 2 * PHONES
        await here.here.release(await here.here.follow_up(incident, DraftKind.RETRACTION))
        await here.until_heard(healthy, 2)
        assert told(healthy) == [[1, 2]] * HEALTHY_PHONES
        assert not {path for name in ("gone", "not_found") for path, n in posts[name].service.heard.items() if n > 1}
        assert inside.connections == 0


def check(post: Post) -> None:
    """What the service's own books say: who heard it how often, and never again too soon."""
    heard = post.service.heard
    if post.case.deaf:
        assert post.service.connections >= len(post.phones)
    else:
        assert len(heard) == len(post.phones), post.case.name
    if post.case.pushes is not None:
        assert set(heard.values()) <= {post.case.pushes}, post.case.name
    if "narrow" in post.case.name:
        return  # the one kind that is asked twice at once
    for path in heard:
        times = [asked.at for asked in post.service.arrivals if asked.path == path]
        assert all(later - earlier >= SOONEST_S for earlier, later in pairwise(times)), post.case.name


async def check_forgotten(here: Installation, post: Post) -> None:
    """Only 404 and 410 end a subscription."""
    for target in post.phones:
        known = await here.core.targets.get(target)
        assert (known is None or not known.active) == (post.case.ends is State.GONE), post.case.name


def check_waits(posts: dict[str, Post]) -> None:
    """Both forms of Retry-After are kept; what was too large came in a smaller size."""
    for name in ("wait_seconds", "wait_date"):
        arrivals = posts[name].service.arrivals
        again = min(asked.at for asked in arrivals if asked.nth == 2)
        assert again - min(asked.at for asked in arrivals) >= WAIT_S, name
    sizes = {asked.nth: len(asked.body) for asked in posts["narrow"].service.arrivals}
    assert sizes[2] <= NARROW < sizes[1]


async def test_a_service_that_hangs_never_takes_all_lanes(tmp_path: Path) -> None:
    """Silent phones in four languages fill more batches than there are lanes; the healthy ones behind do not wait."""
    async with stage(tmp_path, KNOWN) as here:
        hanging = await here.open(Case("silent", silent, State.RETRYING, None), 8, ("de", "en", "tr", "ar"))
        healthy = await here.open(HEALTHY)
        incident = await here.warn()
        await here.until_heard(healthy)
        first = min(asked.at for asked in hanging.service.arrivals)
        assert max(asked.at for asked in healthy.service.arrivals) < first + PATIENCE_S
        await here.until_states(incident, here.expected())


@pytest.mark.parametrize("status", [401, 403])
async def test_a_known_service_that_refuses_our_key_holds_the_channel(tmp_path: Path, status: int) -> None:
    """Nothing is deleted, nobody is given up: what is held arrives, once, when an operator lifts the hold."""
    async with stage(tmp_path, KNOWN) as here:
        healthy = await here.open(HEALTHY)
        denying = await here.open(Case("denying", always(status), State.HELD, 1))
        incident = await here.warn()
        count = await here.until_states(incident, here.expected())
        assert "angehalten" in count.problem
        assert "Schlüssel" in count.problem
        for post in here.posts:
            await check_forgotten(here.here, post)
        assert set(denying.service.heard.values()) == {1}
        denying.service.manner = well
        await here.here.core.desk.operations.lift_hold(here.here.people[CARLA].actor, "webpush")
        await here.until_states(incident, {State.ACCEPTED: 2 * PHONES})
        assert set(denying.service.heard.values()) == {2}
        assert set(healthy.service.heard.values()) == {1}


async def test_a_name_that_comes_to_mean_the_inside_reaches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was public when the phone was subscribed; when the warning leaves, it points at us. No connection is made."""
    async with RudePushService(well) as inside:
        asked: list[str] = []

        def rebound(host: str, *_args: object, **_more: object) -> list[tuple[object, ...]]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", inside.port))]

        doors = EgressPolicies(LoopbackOnly(), {"webpush": PublicOnly()})
        async with stage(tmp_path, STRANGE, doors) as here:
            one = phone("https://push.stranger.example/abc")
            address, origin = parse_subscription(one.subscription, PublicOnly())
            loopback = phone_target(phone("http://localhost/abc"), here.here.core.keys, "altstadt")
            await here.here.core.targets.put(replace(loopback, address=address, origin=origin))
            monkeypatch.setattr(socket, "getaddrinfo", rebound)
            incident = await here.warn()
            count = await here.until_states(incident, {State.REJECTED: 1})
            assert asked == ["push.stranger.example"]
            assert count.failures == {"rejected": 1}
            assert inside.connections == 0
