"""The command ``realis`` that ``make setup`` puts into .venv/bin: it runs this checkout from every directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_the_command_works_from_every_directory(tmp_path: Path) -> None:
    """Written as its rule in the Makefile says, for an environment in a path with a space, and run somewhere else.

    A module of the same name in the working directory is not what is run.
    """
    bin_dir = tmp_path / "my venv/bin"
    bin_dir.mkdir(parents=True)
    python, command = bin_dir / "python", bin_dir / "realis"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "realis").mkdir()
    (tmp_path / "realis/__init__.py").write_text("raise SystemExit('the wrong realis')")
    # The rule is read, not run: make itself may renew the environment these tests run in.
    (recipe,) = re.findall(r"^\t@(printf .*'#!/bin/sh' .*) > \$@$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name, value in (("$(CURDIR)/$(VENV)", str(bin_dir.parent)), ("$(CURDIR)", str(ROOT)), ("$$", "$")):
        recipe = recipe.replace(name, value)
    command.write_bytes(subprocess.run(["sh", "-c", recipe], capture_output=True, check=True).stdout)
    for file in (python, command):
        file.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [command, "--help"], cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Aufruf: realis [OPTIONEN] BEFEHL" in done.stdout


def test_the_project_names_the_function_that_is_run() -> None:
    """What [project.scripts] says can be imported and called."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["realis"].partition(":")
    assert callable(getattr(import_module(module), name))
