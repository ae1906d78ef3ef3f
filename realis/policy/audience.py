"""The audience of a revision, across the revisions of its incident. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from realis.model.alert import Occasion
from realis.model.area import rings
from realis.model.draft import Content, DraftKind


@dataclass(frozen=True, slots=True)
class Audience:
    """How to find the targets of one dispatch.

    The audience of revision n is its match and every target planned for an earlier revision (promise 4).

    Args:
        cells: H3 resolution-8 cells of the area and the distance ring of each (``realis.model.area.rings``); a target
            matches if one of its places lies in one, and targets in inner rings are sent to first.
        joined_only: True for an Übung: only targets that opted in.
        match: False for an expiry notice, which goes only to those already reached.
    """

    cells: Mapping[str, int]
    joined_only: bool
    match: bool = True


def audience_for(content: Content) -> Audience:
    """The audience a released content is matched against."""
    joined_only = content.occasion is Occasion.UEBUNG
    # A retraction goes only to the targets that got the false alarm; for any other it would be the first message.
    match = content.kind is not DraftKind.RETRACTION
    return Audience(rings(content.areas), joined_only=joined_only, match=match)
