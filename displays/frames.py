"""The signed frames screens store: one per language, each at most 4 kB of JSON, made from a scene.

Texts come from the snapshot and the phrases unchanged, except that a text too long for the frame is shortened and
marked as such. No sockets, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from displays.protocol import compact, instant
from displays.scene import ENDING_SHOWN_FOR, Scene, ScreenAudience, spoken
from realis.model.draft import Rendered
from realis.ports.content import Phrases
from realis.ports.read_models import Snapshot, WarningView
from realis.ports.signing import FrameSigner
from realis.web.i18n import in_words

MAX_FRAME_BYTES = 4096
_CUT = " …"
_SHORTEST_CHARS = 40
"""A text shortened below this is useless and left out."""


@dataclass(frozen=True, slots=True)
class FrameBuilder:
    """Builds and signs frames. One per gateway."""

    signer: FrameSigner
    phrases: Phrases
    zone: ZoneInfo
    shown_for: timedelta = ENDING_SHOWN_FOR

    def full(self, snapshot: Snapshot, audience: ScreenAudience, scene: Scene) -> tuple[str, ...]:
        """Return the signed frames of a scene: one per language, or one clear frame. Raises ``SigningFailed``."""
        head = _head(snapshot, audience)
        if scene.view is None:
            return (self._sign({**head, "kind": "clear", **_subject(None)}),)
        texts = spoken(scene.view.texts, audience.languages)
        languages = [text.language for text in texts]
        return tuple(self._sign({**head, "langs": languages, **self._alert(scene.view, scene, text)}) for text in texts)

    def current(self, snapshot: Snapshot, audience: ScreenAudience, scene: Scene) -> str:
        """Return one small signed frame: the last full state was still valid at ``as_of``. Raises ``SigningFailed``."""
        return self._sign({**_head(snapshot, audience), "kind": "current", **_subject(scene.view)})

    def _alert(self, view: WarningView, scene: Scene, text: Rendered) -> dict[str, object]:
        issued = in_words(view.ended_at or view.sent, text.language, self.zone)
        key = "ended_at" if view.ending else "issued_at"
        return {
            "kind": "alert",
            **_subject(view),
            "lang": text.language,
            "written_in": text.written_in,
            "level": int(view.level),
            "occasion": view.occasion.value,
            "notice": text.notice,
            "kind_word": text.kind,
            "headline": text.headline,
            "instruction": text.instruction,
            "description": text.description,
            "to_do": self.phrases.phrase("what_to_do", text.language),
            "until": text.until,
            "issued": self.phrases.phrase(key, text.language, time=issued),
            "source": text.source,
            "labels": list(text.labels),
            "sent": instant(view.sent),
            "expires": instant(view.expires),
            "link": text.link,
            "others": scene.others,
            "hide_at": instant(scene.hide_at) if scene.hide_at else None,
            "linger_s": int(self.shown_for.total_seconds()),
            "expiry": {
                "kind_word": self.phrases.phrase("kind.expiry", text.language),
                "text": self.phrases.phrase("expiry.body", text.language),
            },
        }

    def _sign(self, frame: Mapping[str, object]) -> str:
        return self.signer.sign(fitted(frame))


def _head(snapshot: Snapshot, audience: ScreenAudience) -> dict[str, object]:
    return {"v": snapshot.version, "as_of": instant(snapshot.as_of), "screen": audience.screen}


def _subject(view: WarningView | None) -> dict[str, object]:
    if view is None:
        return {"incident": None, "revision": 0, "ending": None}
    ending = view.ending.value if view.ending else None
    return {"incident": str(view.incident), "revision": view.revision, "ending": ending}


def fitted(frame: Mapping[str, object], limit: int = MAX_FRAME_BYTES) -> bytes:
    """Return the frame as JSON of at most ``limit`` bytes; description, then instruction, then the rest is cut."""
    fields = dict(frame)
    for name in ("description", "instruction", "source", "headline"):
        excess = len(compact(fields).encode()) - limit
        text = fields.get(name)
        if excess <= 0:
            break
        if isinstance(text, str):
            fields[name] = _shortened(text, excess)
    return compact(fields).encode()


def _shortened(text: str, excess: int) -> str:
    """Return the text shorter by at least ``excess`` bytes, cut at a word, or empty."""
    room = len(text.encode()) - excess - 2 * len(_CUT.encode())
    kept = text.encode()[: max(0, room)].decode(errors="ignore")
    # Characters that JSON escapes (quotes, line breaks) take one byte more than in UTF-8.
    kept = kept[: max(0, len(kept) - sum(kept.count(sign) for sign in '"\\\n\t\r'))]
    whole_words = kept.rpartition(" ")[0] or kept
    return whole_words + _CUT if len(whole_words) >= _SHORTEST_CHARS else ""


def group_key(audience: ScreenAudience, scene: Scene) -> tuple[object, ...]:
    """Equal keys mean equal frames, but for version and ``as_of``."""
    view = scene.view
    shown = (view.incident, view.revision, view.ending) if view else None
    return (audience.screen, audience.languages, shown, scene.others, scene.hide_at)
