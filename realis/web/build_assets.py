"""Puts what we serve of other people's front-end libraries out of ``node_modules`` into ``static/vendor``.

Run by ``make setup`` as ``python -m realis.web.build_assets``. It downloads nothing. Files are copied unchanged, except
for fonts: each is cut into one file per script, so that a reader loads the letters of their own languages only.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from realis.model.errors import ConfigurationError
from realis.web.assets import package_root

WANTED: Mapping[str, str] = {
    "kern/kern.min.css": "@kern-ux/native/dist/kern.min.css",
    "kern/LICENSE.md": "@kern-ux/native/LICENSE.md",
    "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx/LICENSE": "htmx.org/LICENSE",
}
"""Where each copied file goes below ``static/vendor``, and where it lies below ``node_modules``."""

FIRA = "@kern-ux/native/dist/fonts/fira-sans/FiraSans"
CUTS = ("Regular", "Italic", "Medium", "SemiBold")
SCRIPTS: Mapping[str, str] = {
    "latin": "U+20-7E, U+A0-17F, U+218-21B, U+1E9E, U+2010-2027, U+202F, U+2030, U+2032-2033, U+2039-203A, U+20AC, "
    "U+2122, U+2190-2193, U+2212, U+2248, U+2264-2265",
    "cyrillic": "U+400-45F, U+490-491, U+4B0-4B1, U+2116",
}
"""What each file of a font covers, as ``unicode-range`` in ``css/base.css`` says too; a test keeps both alike."""

FEATURES = ("ccmp", "locl", "kern", "liga", "mark", "mkmk", "tnum", "lnum")
"""OpenType features the stylesheets and the languages need; the others only add glyphs to the files."""


@dataclass(frozen=True, slots=True)
class FontFile:
    """One file of a font: the letters of one script in one cut."""

    source: str
    target: str
    script: str


FONTS = tuple(
    FontFile(f"{FIRA}-{cut}.woff2", f"fonts/FiraSans-{cut}-{script}.woff2", script)
    for cut in CUTS
    for script in SCRIPTS
)


def missing(held: Collection[str]) -> list[str]:
    """What pages need of these files and is not among the names that are served."""
    wanted = (*WANTED, *(font.target for font in FONTS))
    return [name for name in (f"vendor/{name}" for name in wanted) if name not in held]


def code_points(unicode_range: str) -> Iterator[int]:
    """The characters that a ``unicode-range`` of CSS names."""
    for part in unicode_range.split(","):
        first, _, last = part.strip().removeprefix("U+").partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def build(source: Path, target: Path) -> int:
    """Make ``target`` hold exactly the wanted files; how many there are.

    Raises ``ConfigurationError`` and changes nothing if one of them is missing in ``source``.
    """
    sources = (*WANTED.values(), *dict.fromkeys(font.source for font in FONTS))
    absent = [wanted for wanted in sources if not (source / wanted).is_file()]
    if absent:
        raise ConfigurationError(
            f"Front-end files are missing: {', '.join(absent)}.",
            where=str(source),
            remedy="Run `make setup`, which installs the packages that package-lock.json names.",
        )
    shutil.rmtree(target, ignore_errors=True)
    for name, wanted in WANTED.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / wanted, copy)
    for font in FONTS:
        cut = target / font.target
        cut.parent.mkdir(parents=True, exist_ok=True)
        cut_font(source / font.source, cut, SCRIPTS[font.script])
    return len(WANTED) + len(FONTS)


def cut_font(source: Path, target: Path, unicode_range: str) -> None:
    """Write a font that holds only these characters, with the licence and the names of the original.

    Instructions for low-resolution screens are left out: they are a third of a file, and phones ignore them.
    """
    from fontTools import subset  # at build time only: the server imports this module to see what is missing

    options = subset.Options(
        flavor="woff2", hinting=False, layout_features=list(FEATURES), name_IDs=["*"], notdef_outline=True
    )
    with subset.load_font(str(source), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=code_points(unicode_range))
        subsetter.subset(font)
        subset.save_font(font, str(target), options)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Copy front-end libraries to where REALIS serves them from.")
    parser.add_argument("--source", type=Path, default=Path(".venv/npm/node_modules"))
    parser.add_argument("--target", type=Path, default=package_root("realis.web") / "vendor")
    arguments = parser.parse_args()
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of flags that the originals carry
    try:
        count = build(arguments.source, arguments.target)
    except ConfigurationError as error:
        sys.stderr.write(f"{error.message} Looked in {error.where}. {error.remedy}\n")
        return 1
    sys.stdout.write(f"{count} front-end files are in place.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
