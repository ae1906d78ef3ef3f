"""What lies in the repository: six packages, only our own files, no registry's address, pages stay home."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {"realis", "channels", "displays", "mobile_api", "content", "tests"}
SCRIPTS = {"docs"}
BINARY = {".png", ".jpg", ".webp", ".ico", ".mo", ".woff", ".woff2", ".zip", ".gz", ".pdf"}
GENERATED = {"package-lock.json", "requirements.txt", "requirements-dev.txt"}
PAGES = ("/static/", "/templates/")


@cache
def _tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@cache
def _texts() -> dict[str, str]:
    readable = (path for path in _tracked() if path.suffix not in BINARY and path != Path(__file__))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in readable}


def _pages() -> dict[str, str]:
    return {
        name: text
        for name, text in _texts().items()
        if any(folder in f"/{name}" for folder in PAGES) and name.endswith((".html", ".css", ".js", ".svg"))
    }


def _found(pattern: str, texts: dict[str, str]) -> list[str]:
    wanted = re.compile(pattern, re.MULTILINE)
    hits = ((name, wanted.search(text)) for name, text in texts.items())
    return [f"{name}: {hit.group(0)[:80]}" for name, hit in hits if hit]


def test_every_top_level_package_is_one_of_the_six() -> None:
    """Python lives in the six packages and in scripts of the documentation, nowhere else."""
    homes = {path.relative_to(ROOT).parts[0] for path in _tracked() if path.suffix == ".py"}
    assert homes - PACKAGES - SCRIPTS == set()
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == PACKAGES


def test_nothing_of_others_is_committed() -> None:
    """Libraries and fonts come at build time; no minified file, no copy of a package."""
    names = [path.relative_to(ROOT).as_posix() for path in _tracked()]
    strange = r"(^|/)(node_modules|vendor|third_party)/|\.min\.|\.map$|\.(woff2?|ttf|otf|whl|tgz)$"
    assert [name for name in names if re.search(strange, name)] == []
    code = {name: text for name, text in _texts().items() if name.endswith((".py", ".js", ".mjs", ".css", ".html"))}
    assert _found(r"^.{1500,}$", code) == []


def test_no_registry_and_no_machine_is_named() -> None:
    """Where packages come from is the machine's affair; ours are the hashes."""
    options = r"^\s*(--index-url|--extra-index-url|--find-links|--trusted-host|-i )|^\s*@?[\w:-]*registry\s*="
    locks = {name: text for name, text in _texts().items() if re.match(r"requirements.*\.(txt|in)$", name)}
    assert locks
    assert _found(r"https?://|file:", locks) == []
    assert _found(options, _texts()) == []
    assert _found(r'"resolved":', _texts()) == []
    assert _found(re.escape(str(ROOT)) + r"\b", _texts()) == []


def test_lock_files_hold_a_hash_for_every_package() -> None:
    """Nothing is installed on trust."""
    packages = re.findall(r'^    "node_modules/[^"]+": \{$(.*?)^    \}', _texts()["package-lock.json"], re.M | re.S)
    assert len(packages) > 2
    assert [entry for entry in packages if '"integrity": "sha512-' not in entry] == []
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.findall(r"^[\w.\[\]-]+==.*?(?=^[\w.\[\]-]+==|\Z)", _texts()[name], re.M | re.S)
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_pages_name_no_address_outside() -> None:
    """Templates, stylesheets and scripts reach nobody but us; namespaces are names, not addresses."""
    assert _found(r"https?://(?!www\.w3\.org/)[\w.-]+", _pages()) == []
    assert _found(r"""(src|href)=["']//""", _pages()) == []


def test_pages_hold_no_inline_style_or_script() -> None:
    """The content security policy would refuse them, so nobody writes them."""
    pages = {name: text for name, text in _pages().items() if name.endswith((".html", ".js"))}
    assert _found(r"<style\b|\sstyle=|<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+=[\"']", pages) == []
