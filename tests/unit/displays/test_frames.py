"""The signed frames: their size, their words, and that each is signed."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from content.phrases import PhraseBook
from displays.frames import MAX_FRAME_BYTES, FrameBuilder, fitted
from displays.scene import Scene, ScreenAudience
from realis.keystore.keys import JwsSigner, Keys
from realis.model.alert import Ending
from realis.ports.read_models import Snapshot
from tests.support.displays import ShiftedClock, ended, warning

CLOCK = ShiftedClock()
HERE = ScreenAudience(frozenset(), everywhere=True, languages=("de", "ar"))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> JwsSigner:
    """A real frame key."""
    return Keys.open(tmp_path_factory.mktemp("keys")).frame_signer()


@pytest.fixture
def printer(signer: JwsSigner) -> FrameBuilder:
    """Makes frames with the real phrases."""
    return FrameBuilder(signer, PhraseBook.load(), ZoneInfo("Europe/Berlin"))


def opened(frame: str, signer: JwsSigner) -> dict[str, object]:
    """A frame's content after its signature was checked."""
    key = ECKey.import_key(dict(signer.public_jwk))
    data: dict[str, object] = json.loads(jws.deserialize_compact(frame, key, algorithms=["ES256"]).payload)
    return data


def test_one_signed_frame_per_language(printer: FrameBuilder, signer: JwsSigner) -> None:
    """Every language's frame names all of them, its words, its end and the words for running out."""
    view = warning(CLOCK)
    snapshot = Snapshot(5, CLOCK.now(), (view,))
    german, arabic = (opened(frame, signer) for frame in printer.full(snapshot, HERE, Scene(view, 2)))
    assert (german["lang"], arabic["lang"], german["langs"]) == ("de", "ar", ["de", "ar"])
    assert str(german["notice"]).startswith("ÜBUNG")
    assert german["others"] == 2
    assert "keine Entwarnung" in str(german["expiry"])
    assert arabic["labels"] == list(view.texts["ar"].labels)
    assert (german["v"], german["screen"], german["kind"], german["ending"]) == (5, "everywhere", "alert", None)


def test_nothing_in_force_is_a_signed_statement(printer: FrameBuilder, signer: JwsSigner) -> None:
    """An idle screen holds a signed "nothing is in force", too."""
    (clear,) = printer.full(Snapshot(5, CLOCK.now()), HERE, Scene())
    assert opened(clear, signer)["kind"] == "clear"


def test_an_ending_says_until_when_it_is_shown(printer: FrameBuilder, signer: JwsSigner) -> None:
    """The screen can leave the ending by itself."""
    now = CLOCK.now()
    view = ended(warning(CLOCK), Ending.RETRACTED, now)
    frames = printer.full(Snapshot(5, now, (), (view,)), HERE, Scene(view, hide_at=now + timedelta(minutes=10)))
    frame = opened(frames[0], signer)
    assert (frame["ending"], frame["revision"]) == ("retracted", 2)
    assert frame["hide_at"] is not None
    assert str(frame["issued"]).startswith("Beendet")


@pytest.mark.parametrize("sign", ["a b ", "ä ", "خطر ", '"\\\n ', "👨‍👩‍👧 "])
def test_a_frame_never_exceeds_its_bound_and_says_what_was_cut(sign: str) -> None:
    """Too long words give way, description first, and never the headline while anything else can."""
    frame = {"headline": "Kurz und klar", "instruction": sign * 500, "description": sign * 3000, "source": "Stadt"}
    packed = fitted(frame)
    kept = json.loads(packed)
    assert len(packed) <= MAX_FRAME_BYTES
    assert kept["headline"] == "Kurz und klar"
    assert kept["description"] in ("", kept["description"].rstrip("…").rstrip() + " …")


def test_what_fits_is_left_alone() -> None:
    """Ordinary warnings go out word for word."""
    frame = {"description": "Wort " * 100}
    assert json.loads(fitted(frame)) == frame


def test_real_texts_fit_in_all_languages(signer: JwsSigner, printer: FrameBuilder) -> None:
    """A frame of 700 graphemes and a long headline stays whole."""
    view = warning(CLOCK)
    for frame in printer.full(Snapshot(1, CLOCK.now(), (view,)), HERE, Scene(view)):
        assert not str(opened(frame, signer)["description"]).endswith("…")
