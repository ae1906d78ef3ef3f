"""The connected screens, their outboxes, and which group gets which frames.

Newest state wins: a slow reader delays no other and has never more than the latest state waiting. No sockets.
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
"""After so many screens control returns to the event loop, so that a large fan-out does not delay other tasks."""


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
        """Queue a confirmation of the last state; an older one still waiting is dropped."""
        self._current = message
        self._wake.set()

    def kick(self, code: CloseCode, reason: str) -> None:
        """End the connection; waiting messages are dropped."""
        self._kick = Disconnect(code, reason)
        self._wake.set()

    def __len__(self) -> int:
        return sum(slot is not None for slot in (self._control, self._state, self._current))

    async def next(self) -> str:
        """Return the next message, control first. Raises ``Disconnect`` when the connection must end."""
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
        sent: the scene last sent to it in full.
        confirmed: the revisions acknowledged on this connection.
    """

    record: TargetRecord
    token_hash: str
    outbox: Outbox = field(default_factory=Outbox)
    sent: tuple[object, ...] | None = None
    confirmed: set[tuple[UUID, int]] = field(default_factory=set)
    seen_at: float = float("-inf")


class Hub:
    """The registry of connections; the only place that decides which frames a connection gets."""

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
        """Register a connection; disconnect the oldest connections of the same token beyond ``per_target``."""
        twins = [other for other in self._links if other.record.id == link.record.id]
        for ghost in twins[: max(0, len(twins) + 1 - self._per_target)]:
            ghost.outbox.kick(CloseCode.REPLACED, "Dieser Bildschirm hat sich anderswo neu verbunden.")
            self._links.pop(ghost, None)
        self._links[link] = None

    def remove(self, link: Connection) -> None:
        """Remove a connection. The incidents the screen has shown are kept until they are over."""
        self._links.pop(link, None)

    def resume(self, link: Connection, have: Have | None) -> None:
        """Record the incident a screen states it still shows, so that it gets the ending after a gateway restart."""
        if have is not None and have.incident is not None and have.incident in _listed(self._snapshot):
            self._enrolled.setdefault(link.record.id, set()).add(have.incident)

    def audience(self, record: TargetRecord) -> ScreenAudience:
        """The group a screen belongs to now."""
        enrolled = frozenset(self._enrolled.get(record.id, ()))
        return ScreenAudience(record.places, record.everywhere, languages_of(record, self._languages), enrolled)

    def greet(self, link: Connection) -> None:
        """Queue the present state for a new connection."""
        if self._snapshot is not None:
            self._update(link, self._snapshot)

    async def publish(self, snapshot: Snapshot) -> None:
        """Queue a snapshot for every screen: in full where something changed, else a confirmation.

        Raises ``SigningFailed``: then nothing more is sent, and the screens show the age of their state (promise 9).
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
        """Return the signed message for a group, made once per snapshot whatever the number of screens."""
        if (kind, key) not in self._printed:
            self._printed[kind, key] = state(make())
        return self._printed[kind, key]

    def _touched(self, view: WarningView) -> frozenset[str]:
        return self._cells.get((view.incident, view.revision), frozenset())

    async def _learn(self, snapshot: Snapshot) -> None:
        """Compute each warning's cells, once per revision and in a thread, because large areas block the event loop."""
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
