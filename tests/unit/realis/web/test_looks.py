"""The stylesheets' promises that need no browser: contrast, one dark theme, one geometry per mark."""

import re
from itertools import product
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[4] / "realis" / "web" / "static"
TOKENS = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
BASE = (STATIC / "css" / "base.css").read_text(encoding="utf-8")
MARKS_HTML = (STATIC.parent / "templates" / "marks.html").read_text(encoding="utf-8")
MARKS_JS = (STATIC / "js" / "marks.js").read_text(encoding="utf-8")
LEVELS = ("level-1", "level-2", "level-3")
ENDINGS = ("ending-all_clear", "ending-retracted", "ending-expired", "ending-ended")
OCCASIONS = ("occasion-ernstfall", "occasion-probewarnung", "occasion-uebung")


def _block(selector: str) -> dict[str, str]:
    start = TOKENS.index(selector + " {")
    body = TOKENS[start : TOKENS.index("}", start)]
    return dict(re.findall(r"--([\w-]+): ([^;]+);", body))


LIGHT = _block(":root")
BY_SYSTEM = _block(':root:not([data-theme="light"])')
BY_CHOICE = _block(':root[data-theme="dark"]')
THEMES = {"light": LIGHT, "dark": {**LIGHT, **BY_SYSTEM}}


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(theme: str, one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    dark, light = sorted(_luminance(THEMES[theme][name]) for name in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme: str) -> None:
    """Every ink on every paper it may stand on reaches 4.5:1."""
    pairs = [
        *product(("ink", "ink-muted", "action", "action-hover", "error"), ("paper", "paper-2", "paper-3")),
        *((tone, f"{tone}-paper") for tone in ("info", "success", "caution", "error")),
        *(("ink", f"{tone}-paper") for tone in ("info", "success", "caution", "error")),
        ("caution", "paper"),
        ("on-action", "action"),
        ("on-action", "action-hover"),
        ("ink-inverse", "paper-inverse"),
        ("paper", "error"),
    ]
    weak = {pair: round(_contrast(theme, *pair), 2) for pair in pairs if _contrast(theme, *pair) < 4.5}
    assert weak == {}


@pytest.mark.parametrize("theme", THEMES)
def test_marks_can_be_read_from_afar(theme: str) -> None:
    """Level, ending and occasion reach 7:1, so that a headline may stand on them."""
    weak = {name: _contrast(theme, name, f"{name}-ink") for name in (*LEVELS, *ENDINGS, *OCCASIONS)}
    assert {name: ratio for name, ratio in weak.items() if ratio < 7} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_edges_and_rings_can_be_seen(theme: str) -> None:
    """Edges that carry meaning and the focus ring reach 3:1 against the page (WCAG 2.2, 1.4.11)."""
    names = ["focus", "edge-strong", *(f"{name}-edge" for name in (*LEVELS, *ENDINGS)), "occasion-uebung-stripe"]
    assert {name: r for name in names if (r := _contrast(theme, name, "paper")) < 3} == {}


def test_levels_are_dark_middle_and_light_in_grey() -> None:
    """Without colour the three levels still differ clearly in brightness."""
    one, two, three = (_luminance(LIGHT[level]) for level in LEVELS)
    assert two > 3 * one
    assert three > 1.5 * two


def test_the_dark_theme_is_one_theme() -> None:
    """Dark by choice and dark by system are the same, name by name."""
    assert BY_SYSTEM == BY_CHOICE


def test_every_token_used_exists() -> None:
    """The base sheet names no token that nobody defined."""
    own = set(re.findall(r"(--[\w-]+):", TOKENS + BASE))
    assert set(re.findall(r"var\((--[\w-]+)", BASE + TOKENS)) - own == set()


@pytest.mark.parametrize("name", [*LEVELS, *ENDINGS, *OCCASIONS])
def test_a_mark_is_the_same_wherever_it_is_drawn(name: str) -> None:
    """The icon file, the template and the script hold one geometry, in the text's own colour."""
    icon = (STATIC / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    geometry = re.sub(r"^<svg[^>]*>|</svg>\s*$", "", icon)
    assert "currentColor" in geometry
    assert f'name == "{name}" %}}\n{geometry}\n' in MARKS_HTML
    assert f"\"{name}\":\n    '{geometry}'," in MARKS_JS


def test_no_two_marks_share_a_shape() -> None:
    """Every level, ending and occasion has a shape of its own."""
    shapes = [path.read_text(encoding="utf-8") for path in (STATIC / "icons").glob("*-*.svg")]
    assert len(shapes) == len(set(shapes)) == len((*LEVELS, *ENDINGS, *OCCASIONS))


def test_the_sheets_are_ready_for_right_to_left_and_a_strict_policy() -> None:
    """No physical side, no address outside the house."""
    assert re.findall(r"\b(?:margin|padding|border)-(?:left|right)\b|\bfloat:|text-align: (?:left|right)", BASE) == []
    assert re.findall(r"url\((?!\"\.\./)[^)]*|@import", BASE + TOKENS) == []
