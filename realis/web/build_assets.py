"""Copies what we serve of other people's front-end libraries out of ``node_modules`` into ``static/vendor``.

Run by ``make setup`` as ``python -m realis.web.build_assets``. It downloads nothing and changes no file's content.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from realis.model.errors import ConfigurationError
from realis.web.assets import package_root

FIRA = "@kern-ux/native/dist/fonts/fira-sans/FiraSans"
WANTED: Mapping[str, str] = {
    "kern/kern.min.css": "@kern-ux/native/dist/kern.min.css",
    "kern/LICENSE.md": "@kern-ux/native/LICENSE.md",
    **{f"fonts/FiraSans-{cut}.woff2": f"{FIRA}-{cut}.woff2" for cut in ("Regular", "Italic", "Medium", "SemiBold")},
    "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx/LICENSE": "htmx.org/LICENSE",
}
"""Where each file goes below ``static/vendor``, and where it lies below ``node_modules``."""


def missing(held: Collection[str]) -> list[str]:
    """What pages need of these files and is not among the names that are served."""
    return [name for name in (f"vendor/{wanted}" for wanted in WANTED) if name not in held]


def build(source: Path, target: Path) -> int:
    """Make ``target`` hold exactly the wanted files; how many there are.

    Raises ``ConfigurationError`` and changes nothing if one of them is missing in ``source``.
    """
    missing = [wanted for wanted in WANTED.values() if not (source / wanted).is_file()]
    if missing:
        raise ConfigurationError(
            f"Front-end files are missing: {', '.join(missing)}.",
            where=str(source),
            remedy="Run `make setup`, which installs the packages that package-lock.json names.",
        )
    shutil.rmtree(target, ignore_errors=True)
    for name, wanted in WANTED.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / wanted, copy)
    return len(WANTED)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Copy front-end libraries to where REALIS serves them from.")
    parser.add_argument("--source", type=Path, default=Path(".venv/npm/node_modules"))
    parser.add_argument("--target", type=Path, default=package_root("realis.web") / "vendor")
    arguments = parser.parse_args()
    try:
        count = build(arguments.source, arguments.target)
    except ConfigurationError as error:
        sys.stderr.write(f"{error.message} Looked in {error.where}. {error.remedy}\n")
        return 1
    sys.stdout.write(f"{count} front-end files are in place.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
