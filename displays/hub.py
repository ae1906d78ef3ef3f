"""The connected screens, what each still has to be told, and who gets which frames.

Newest state wins: a screen that reads slowly holds back nobody and never more than the latest state. No sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from displays.frames import FrameBuilder, group_key
from displays.protocol import CloseCode, Have, state
from displays.scene import Scene, ScreenAudience, choose, languages_of
from realis.model.area import cells
from realis.ports.read_models import Snapshot, WarningView
from realis.ports.targets import TargetRecord

_YIELD_EVERY = 50
"""After this many screens the loop gets its turn, so that many screens never hold up one."""


class Disconnect(Exception):
    """The connection is to be closed with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Outbox:
    """At most three messages waiting for one screen: a control message, the latest state, its latest confirmation."""

    __slots__ = ("_control", "_current", "_kick", "_state", "_wake")

    def __init__(self) -> None:
        self._control: str | None = None
        self._state: str | None = None
        self._current: str | None = None
        self._kick: Disconnect | None = None
        self._wake = asyncio.Event()

    def put_control(self, message: str) -> None:
        """Queue a small message; one still waiting is replaced."""
        self._control = message
        self._wake.set()

    def put_state(self, message: str) -> None:
        """Queue a whole state; an older one still waiting is dropped, and so is its confirmation."""
        self._state, self._current = message, None
        self._wake.set()

    def put_current(self, message: str) -> None:
        """Queue "the last state still holds"; an older one still waiting is dropped."""
        self._current = message
        self._wake.set()

    def kick(self, code: CloseCode, reason: str) -> None:
        """End the connection; what waits is not sent any more."""
        self._kick = Disconnect(code, reason)
        self._wake.set()

    def __len__(self) -> int:
        return sum(slot is not None for slot in (self._control, self._state, self._current))

    async def next(self) -> str:
        """The next message, control first. Raises ``Disconnect`` when the connection must end."""
        while True:
            if self._kick is not None:
                raise self._kick
            for slot in ("_control", "_state", "_current"):
                message: str | None = getattr(self, slot)
                if message is not None:
                    setattr(self, slot, None)
                    return message
            self._wake.clear()
            await self._wake.wait()


@dataclass(slots=True, eq=False)
class Connection:
    """One connected screen.

    Args:
        sent: which scene it was last given in full.
        confirmed: what it said it showed, on this connection.
    """

    record: TargetRecord
    token_hash: str
    outbox: Outbox = field(default_factory=Outbox)
    sent: tuple[object, ...] | None = None
    confirmed: set[tuple[UUID, int]] = field(default_factory=set)
    seen_at: float = float("-inf")


class Hub:
    """Who is connected, and the one place that decides which frames go to whom."""

    def __init__(self, printer: FrameBuilder, languages: tuple[str, ...], *, per_target: int = 4) -> None:
        self._printer = printer
        self._languages = languages
        self._per_target = per_target
        self._links: dict[Connection, None] = {}
        self._enrolled: dict[int, set[UUID]] = {}
        self._cells: dict[tuple[UUID, int], frozenset[str]] = {}
        self._scenes: dict[ScreenAudience, Scene] = {}
        self._printed: dict[tuple[str, tuple[object, ...]], str] = {}
        self._snapshot: Snapshot | None = None

    def __len__(self) -> int:
        return len(self._links)

    def links(self) -> tuple[Connection, ...]:
        """The screens connected now."""
        return tuple(self._links)

    def add(self, link: Connection) -> None:
        """Count a screen in. Its oldest ghosts go when one key is used by more browsers than allowed."""
        twins = [other for other in self._links if other.record.id == link.record.id]
        for ghost in twins[: max(0, len(twins) + 1 - self._per_target)]:
            ghost.outbox.kick(CloseCode.REPLACED, "Dieser Bildschirm hat sich anderswo neu verbunden.")
            self._links.pop(ghost, None)
        self._links[link] = None

    def remove(self, link: Connection) -> None:
        """Forget a screen that left. What it has shown stays known until the incident is over."""
        self._links.pop(link, None)

    def resume(self, link: Connection, have: Have | None) -> None:
        """Believe a screen that it still shows an incident, so that it hears the ending after our restart."""
        if have is not None and have.incident is not None and have.incident in _listed(self._snapshot):
            self._enrolled.setdefault(link.record.id, set()).add(have.incident)

    def audience(self, record: TargetRecord) -> ScreenAudience:
        """The group a screen belongs to now."""
        enrolled = frozenset(self._enrolled.get(record.id, ()))
        return ScreenAudience(record.places, record.everywhere, languages_of(record, self._languages), enrolled)

    def greet(self, link: Connection) -> None:
        """Queue the present state for a screen that just came."""
        if self._snapshot is not None:
            self._update(link, self._snapshot)

    async def publish(self, snapshot: Snapshot) -> None:
        """Queue a snapshot for every screen: in full where something changed, else that it still holds.

        Raises ``SigningFailed``: then nothing more is said, and the screens show how old their state is.
        """
        await self._learn(snapshot)
        self._snapshot = snapshot
        self._forget(snapshot)
        self._scenes, self._printed = {}, {}
        for number, link in enumerate(self.links(), start=1):
            self._update(link, snapshot)
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def _update(self, link: Connection, snapshot: Snapshot) -> None:
        audience = self.audience(link.record)
        scene = self._scene(snapshot, audience)
        if scene.view is not None:
            self._enrolled.setdefault(link.record.id, set()).add(scene.view.incident)
        key = group_key(audience, scene)
        if link.sent != key:
            link.outbox.put_state(self._print("full", key, lambda: self._printer.full(snapshot, audience, scene)))
            link.sent = key
        current = self._print("current", key, lambda: (self._printer.current(snapshot, audience, scene),))
        link.outbox.put_current(current)

    def _scene(self, snapshot: Snapshot, audience: ScreenAudience) -> Scene:
        if audience not in self._scenes:
            self._scenes[audience] = choose(snapshot, audience, self._touched, shown_for=self._printer.shown_for)
        return self._scenes[audience]

    def _print(self, kind: str, key: tuple[object, ...], make: Callable[[], tuple[str, ...]]) -> str:
        """The signed message for a group, made once per snapshot however many screens want it."""
        if (kind, key) not in self._printed:
            self._printed[kind, key] = state(make())
        return self._printed[kind, key]

    def _touched(self, view: WarningView) -> frozenset[str]:
        return self._cells.get((view.incident, view.revision), frozenset())

    async def _learn(self, snapshot: Snapshot) -> None:
        """Work out where each warning holds, once per revision and off the loop: large areas take a while."""
        views = {(view.incident, view.revision): view for view in (*snapshot.in_force, *snapshot.ended)}
        found = {key: self._cells.get(key) for key in views}
        self._cells = {
            key: known if known is not None else await asyncio.to_thread(cells, views[key].areas)
            for key, known in found.items()
        }

    def _forget(self, snapshot: Snapshot) -> None:
        listed = _listed(snapshot)
        for target_id, incidents in tuple(self._enrolled.items()):
            incidents &= listed
            if not incidents:
                del self._enrolled[target_id]


def _listed(snapshot: Snapshot | None) -> set[UUID]:
    views = (*snapshot.in_force, *snapshot.ended) if snapshot else ()
    return {view.incident for view in views}
