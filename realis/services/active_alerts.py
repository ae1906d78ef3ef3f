"""The public read side: what is in force, its texts, when it ends. The only source of every public interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from realis.model.alert import Ending, Info, Occasion
from realis.model.draft import EVENT_CODE_PROFILE, Rendered, Variant
from realis.model.incident import (
    ENDING_LISTED_FOR,
    Ended,
    Revision,
    Viewer,
    by_gravity,
    in_force,
    latest,
    recently_ended,
    visible,
)
from realis.model.languages import SOURCE_LANGUAGE
from realis.ports.channel import MessageKind
from realis.ports.clock import Clock
from realis.ports.read_models import PAGE, Snapshot, Step, WarningView
from realis.ports.stores import AlertArchive, ChangeMarker

_KEEP_TEXTS = 2_000
_OCCASIONS = {occasion.status: occasion for occasion in Occasion}
_KINDS = {
    Ending.ALL_CLEAR: MessageKind.ALL_CLEAR,
    Ending.RETRACTED: MessageKind.RETRACTION,
    Ending.EXPIRED: MessageKind.EXPIRY,
}

Texts = Mapping[str, Rendered]


class ActiveAlertsReader:
    """The ``ActiveAlerts`` port over issued alerts. These are immutable, so the cache of chains is never wrong."""

    def __init__(self, archive: AlertArchive, clock: Clock) -> None:
        self._archive = archive
        self._clock = clock
        self._issued = -1
        self._loaded_at: datetime | None = None
        self._chains: Sequence[tuple[Revision, ...]] = ()
        self._texts: dict[tuple[UUID, int, str, Variant], Texts] = {}

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        """Return what is in force and what recently ended, with the texts made for ``channel``."""
        now = self._clock.now()
        pulse = await self._archive.pulse(now)
        chains = await self._recent(now, pulse.issued)
        running = [revision for chain in chains if (revision := in_force(chain, now, viewer))]
        over = [ended for chain in chains if (ended := recently_ended(chain, now, viewer))]
        by_incident = {chain[0].incident: chain for chain in chains}
        return Snapshot(
            version=_version(pulse),
            as_of=now,
            in_force=tuple([await self._view(r, by_incident[r.incident], channel) for r in by_gravity(running)]),
            ended=tuple(
                [
                    await self._view(e.revision, by_incident[e.revision.incident], channel, ended=e)
                    for e in sorted(over, key=lambda ended: ended.at, reverse=True)
                ]
            ),
        )

    async def warning(self, incident: UUID, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        """One incident's latest state, in force or ended (however long ago), or None."""
        now = self._clock.now()
        chain = await self._archive.chain(incident)
        newest = latest(chain)
        if newest is None or not visible(newest, viewer):
            return None
        if in_force(chain, now, viewer):
            return await self._view(newest, chain, channel)
        ending = newest.ending or Ending.EXPIRED
        at = newest.alert.sent if newest.ending else newest.ends_at
        return await self._view(newest, chain, channel, ended=Ended(newest, ending, at))

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        """The signed CAP message with this identifier, byte for byte as issued, or None."""
        found = await self._archive.xml(identifier)
        if found is None or (found[1] is Occasion.UEBUNG and not viewer.joined):
            return None
        return found[0]

    async def _recent(self, now: datetime, issued: int) -> Sequence[tuple[Revision, ...]]:
        """Return the chains of recent alerts; read again after every issue, and once an hour to drop old ones."""
        # Invalidated by the number of issued alerts, which every issue increases, in whatever process.
        fresh = self._loaded_at is not None and now - self._loaded_at < timedelta(hours=1)
        if issued != self._issued or not fresh:
            self._chains = await self._archive.recent_chains(now - ENDING_LISTED_FOR)
            self._issued, self._loaded_at = issued, now
        return self._chains

    async def _view(
        self, revision: Revision, chain: Sequence[Revision], channel: str, *, ended: Ended | None = None
    ) -> WarningView:
        alert = revision.alert
        info = _german(alert.infos)
        expired = ended is not None and ended.ending is Ending.EXPIRED
        variant = Variant.EXPIRY if expired else Variant.MESSAGE
        return WarningView(
            incident=revision.incident,
            revision=revision.number,
            identifier=alert.identifier,
            kind=_kind(revision, ended),
            occasion=_OCCASIONS.get(alert.status, Occasion.UEBUNG),
            level=revision.level,
            event=info.event,
            event_code=next((code.value for code in info.event_codes if code.name == EVENT_CODE_PROFILE), ""),
            sent=alert.sent,
            onset=info.onset,
            expires=revision.ends_at,
            source=info.sender_name,
            areas=alert.areas,
            texts=await self._texts_for(revision, channel, variant),
            ending=ended.ending if ended else None,
            ended_at=ended.at if ended else None,
            history=tuple(
                Step(r.number, _kind(r, None), r.alert.sent, _german(r.alert.infos).headline)
                for r in sorted(chain, key=lambda r: r.number)
            ),
        )

    async def _texts_for(self, revision: Revision, channel: str, variant: Variant) -> Texts:
        key = (revision.incident, revision.number, channel, variant)
        if key not in self._texts:
            found = await self._archive.texts(*key)
            if not found and channel != PAGE:
                # A channel that was not chosen still lists what is in force, with the page's text.
                found = await self._archive.texts(revision.incident, revision.number, PAGE, variant)
            if len(self._texts) >= _KEEP_TEXTS:
                self._texts.clear()
            self._texts[key] = found
        return self._texts[key]


def _german(infos: Sequence[Info]) -> Info:
    """The German info, else the first. Issued alerts always have one."""
    german = (info for info in infos if info.language.split("-")[0] == SOURCE_LANGUAGE)
    return next(german, infos[0])


def _kind(revision: Revision, ended: Ended | None) -> MessageKind:
    ending = ended.ending if ended else revision.ending
    if ending is not None:
        return _KINDS.get(ending, MessageKind.EXPIRY)
    return MessageKind.ALERT if revision.number == 1 else MessageKind.UPDATE


def _version(pulse: ChangeMarker) -> int:
    """Return a version from the second of the last change and the number of changes; monotonic if the clock is."""
    if pulse.last_change is None:
        return 0
    # CAP times have whole seconds; several changes within one second must still increase the version.
    return int(pulse.last_change.timestamp()) * 1_000_000 + pulse.issued + pulse.passed
