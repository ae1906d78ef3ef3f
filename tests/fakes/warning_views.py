"""Warnings as the read side hands them out, and a ``ActiveAlerts`` that holds a few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from realis.model.alert import Ending, Level, Occasion
from realis.model.incident import Viewer
from realis.ports.channel import MessageKind
from realis.ports.read_models import PAGE, Snapshot, Step, WarningView
from tests.fakes.channel_messages import SENT, rendered

_KIND = {None: MessageKind.ALERT, Ending.ALL_CLEAR: MessageKind.ALL_CLEAR, Ending.RETRACTED: MessageKind.RETRACTION}
_WORDS = {Occasion.ERNSTFALL: "", Occasion.PROBEWARNUNG: "PROBEWARNUNG", Occasion.UEBUNG: "ÜBUNG – keine echte Gefahr"}


def view(
    number: int,
    occasion: Occasion = Occasion.ERNSTFALL,
    *,
    revision: int = 1,
    headline: str = "Hochwasser an der Sieg",
    ending: Ending | None = None,
) -> WarningView:
    """One warning; its number makes its incident, its revision its time."""
    incident, sent = UUID(int=number), SENT + timedelta(minutes=10 * (revision - 1))
    kind = _KIND.get(ending, MessageKind.EXPIRY)
    return WarningView(
        incident=incident,
        revision=revision,
        identifier=f"siegen.{incident}.{revision}",
        kind=kind,
        occasion=occasion,
        level=Level.DANGER,
        event="Hochwasser",
        event_code="BBK-EVC-038",
        sent=sent,
        onset=None,
        expires=SENT + timedelta(hours=8),
        source="Feuerwehr Siegen",
        areas=(),
        texts={"de": replace(rendered(kind, headline=headline), notice=_WORDS[occasion])},
        ending=ending,
        ended_at=sent if ending else None,
        history=(Step(1, MessageKind.ALERT, SENT, headline),),
    )


class HeldActiveAlerts:
    """``ActiveAlerts`` over given warnings; exercises only for viewers who joined. ``messages``: CAP by identifier."""

    def __init__(self, *views: WarningView, messages: Mapping[str, tuple[Occasion, bytes]] | None = None) -> None:
        self.views = list(views)
        self.messages = dict(messages or {})
        self.as_of = SENT + timedelta(hours=2)

    async def snapshot(self, viewer: Viewer, channel: str = PAGE) -> Snapshot:
        """What the viewer may see."""
        seen = [view for view in self.views if _visible(view.occasion, viewer)]
        in_force = tuple(view for view in seen if view.ending is None)
        return Snapshot(1, self.as_of, in_force, tuple(view for view in seen if view.ending is not None))

    async def warning(self, incident: UUID, viewer: Viewer, channel: str = PAGE) -> WarningView | None:
        """One warning the viewer may see."""
        found = (view for view in self.views if view.incident == incident and _visible(view.occasion, viewer))
        return next(found, None)

    async def cap_xml(self, identifier: str, viewer: Viewer) -> bytes | None:
        """One message the viewer may see."""
        occasion, xml = self.messages.get(identifier, (Occasion.ERNSTFALL, None))
        return xml if _visible(occasion, viewer) else None


def _visible(occasion: Occasion, viewer: Viewer) -> bool:
    return occasion is not Occasion.UEBUNG or viewer.joined
