"""The second person's page: exactly what was submitted, released or returned as a whole. It changes nothing in it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from realis.console.area_form import sketch
from realis.console.context import ConsoleContext, Visit, go
from realis.console.preview import by_channel
from realis.model.draft import Draft, DraftKind, DraftState
from realis.model.errors import InvalidInput
from realis.policy.approval import Actor, Role, digest, may_release, pause_for

OWN_WORK = (
    "Sie haben diesen Entwurf geschrieben oder geändert. Deshalb muss eine zweite Person mit der Rolle Freigabe "
    "ihn freigeben. Rufen Sie sie an."
)
NO_ROLE = "Ihnen fehlt die Rolle Freigabe. Eine Person mit dieser Rolle muss freigeben. Rufen Sie sie an."
REASONS = (OWN_WORK, NO_ROLE)
_LONGEST_REASON = 1000


async def show(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """The stored package and the two buttons, or why this person cannot press them."""
    draft = await face.desk.drafts.get(visit.id())
    if draft.state is not DraftState.SUBMITTED:
        there = "drafts" if draft.state is DraftState.OPEN else "incidents"
        return go(f"/console/{there}/{draft.id if draft.state is DraftState.OPEN else draft.incident}")
    package = await face.desk.drafts.package(draft.id)
    return face.page(
        visit,
        "release.html",
        draft=draft,
        content=package.content,
        digest=digest(package),
        texts=by_channel(package, await face.desk.overview.channel_rows()),
        area=sketch(package.content.areas, face.city.places),
        mine=may_release(draft, visit.actor),
        reason=why_not(draft, visit.actor),
        names=await _names(face),
        pause_s=round(pause_for(package.content, face.pause).total_seconds()),
    )


def why_not(draft: Draft, actor: Actor) -> str:
    """Why this person cannot release, or empty."""
    if Role.RELEASE not in actor.roles:
        return NO_ROLE
    if draft.content.kind is not DraftKind.RETRACTION and actor.id in draft.authors:
        return OWN_WORK
    return ""


async def release(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Decide to issue exactly what was seen."""
    decided = await face.desk.approval.release(visit.actor, visit.id(), digest=visit.form.get("digest", ""))
    return go(f"/console/incidents/{decided.incident}")


async def send_back(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Return it to its authors with a reason."""
    reason = visit.form.get("reason", "").strip()[:_LONGEST_REASON]
    if not reason:
        raise InvalidInput("reason-missing", where="reason")
    draft = await face.desk.approval.send_back(visit.actor, visit.id(), reason=reason)
    return go(f"/console/incidents/{draft.incident}")


async def stop(face: ConsoleContext, visit: Visit) -> web.StreamResponse:
    """Stop a release during its pause; the draft is open again."""
    draft = await face.desk.approval.stop(visit.actor, visit.id())
    return go(f"/console/drafts/{draft.id}")


async def _names(face: ConsoleContext) -> Mapping[str, str]:
    return {user.id: user.name for user in await face.users.list()}
