"""Fold the fragments of ``changes/`` into ``CHANGELOG.md``: ``.venv/bin/python docs/changelog.py [FOLDER]``.

FOLDER holds both; without it, it is the repository. A fragment with a wrong name or without text stops it before
anything is changed.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

KINDS = ("feature", "change", "fix", "removed")
NAME = re.compile(rf"(?P<number>\d+)(\.\d+)?\.(?P<kind>{'|'.join(KINDS)})\.md")
PLACE = "## Unreleased\n\n"
WIDTH = 120


def fragments(folder: Path) -> list[Path]:
    """The fragments, features first and by number within a kind; ``ValueError`` names one that is none."""
    found = [path for path in folder.iterdir() if path.name != "README.md"]
    wrong = [path.name for path in found if not NAME.fullmatch(path.name) or not path.read_text("utf-8").strip()]
    if wrong:
        raise ValueError(f"not NN.kind.md with a text (kinds: {', '.join(KINDS)}): {', '.join(sorted(wrong))}")
    return sorted(found, key=_rank)


def _rank(path: Path) -> tuple[int, int, str]:
    number, *_, kind, _suffix = path.name.split(".")
    return KINDS.index(kind), int(number), path.name


def bullet(text: str) -> str:
    """One paragraph as an item of the changelog's list."""
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent="* ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def fold(root: Path) -> int:
    """Move every fragment into the changelog; how many there were."""
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text("utf-8")
    found = fragments(root / "changes")
    before, place, after = text.partition(PLACE)
    if not place:
        raise ValueError('CHANGELOG.md has no part "## Unreleased"')
    news = "".join(f"{bullet(path.read_text('utf-8'))}\n" for path in found)
    changelog.write_text(before + place + news + after, "utf-8")
    for path in found:
        path.unlink()
    return len(found)


if __name__ == "__main__":
    try:
        print(f"{fold(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1])} fragments folded")
    except ValueError as error:
        sys.exit(str(error))
