"""Fragments of the changelog: well named, and folded into it without losing a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "changelog.py"

CHANGELOG = "# Changelog\n\n## Unreleased\n\n* Old.\n"


def fold(folder: Path, **texts: str) -> subprocess.CompletedProcess[str]:
    """Fold these fragments (``_`` stands for the dot) in a folder of their own."""
    (folder / "changes").mkdir()
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (folder / "changes" / "README.md").write_text("How.\n", encoding="utf-8")
    for name, text in texts.items():
        (folder / "changes" / f"{name.removeprefix('n').replace('_', '.')}.md").write_text(text, encoding="utf-8")
    command = (sys.executable, str(SCRIPT), str(folder))
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_fragments_become_items_features_first(tmp_path: Path) -> None:
    """New items stand on top, by kind and number, in lines of 120; the fragments are gone and the README stays."""
    long = "One sentence that goes on. " * 6
    run = fold(tmp_path, n7_fix="Mended.\n", n12_feature=long, n9_feature="New,\nin two lines.\n", n9_2_feature="Too.")
    assert run.returncode == 0, run.stderr
    lines = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert lines[4:6] == ["* Too.", "* New, in two lines."]
    assert lines[6].startswith("* One sentence")
    assert lines[7].startswith("  ")
    assert lines[8:] == ["* Mended.", "* Old."]
    assert max(map(len, lines)) <= 120
    assert [path.name for path in (tmp_path / "changes").iterdir()] == ["README.md"]


def test_a_wrong_name_or_an_empty_text_changes_nothing(tmp_path: Path) -> None:
    """It says which file, and both the changelog and all fragments are as before."""
    run = fold(tmp_path, n7_fix="Mended.", n8_news="What kind is this?", n9_feature=" \n")
    assert run.returncode != 0
    assert "8.news.md, 9.feature.md" in run.stderr
    assert (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8") == CHANGELOG
    assert len(list((tmp_path / "changes").iterdir())) == 4


def test_the_fragments_here_can_be_folded(tmp_path: Path) -> None:
    """Every one that waits in this repository has a name and a text."""
    waiting = {
        f"n{path.name.removesuffix('.md').replace('.', '_')}": path.read_text(encoding="utf-8")
        for path in (ROOT / "changes").iterdir()
        if path.name != "README.md"
    }
    run = fold(tmp_path, **waiting)
    assert (run.returncode, run.stdout.strip()) == (0, f"{len(waiting)} fragments folded"), run.stderr
