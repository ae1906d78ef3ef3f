"""What the documents name exists: modules, attributes, paths, commands, settings, log events, states, links."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from realis.app.settings import Settings
from realis.cli.main import app
from realis.model.delivery import OPEN_STATES, FailureKind, State
from tests.architecture import drawing, test_metrics

ROOT = Path(__file__).parents[2]
PACKAGES = drawing.OURS
FILES = {"toml", "db", "dump", "backup", "js", "md", "service"}
"""Endings that make a dotted name a file's."""

OTHER_NAMES = {"channel", "client_max_size", "plan_cache_mode", "rule_files", "scrape_configs"}
"""Words with an underscore that belong to the programs beside us."""


@cache
def _documents() -> dict[str, str]:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    return {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in sorted(pages)}


@cache
def _tracked() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    files = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return frozenset([*files, *(str(parent) for name in files for parent in Path(name).parents)]) - {"."}


@cache
def _trees() -> dict[str, ast.Module]:
    sources = (name for name in _tracked() if name.split("/")[0] in PACKAGES and name.endswith(".py"))
    return {name: ast.parse((ROOT / name).read_text(encoding="utf-8")) for name in sources}


def _spans(text: str) -> list[str]:
    """What stands between backticks, outside of blocks; a span may go over the end of a line."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def _commands(text: str) -> list[str]:
    """What a reader could type: every span, and every line of a shell's block."""
    blocks = re.findall(r"^ *```sh$(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return [*_spans(text), *(line.split("#")[0].strip() for block in blocks for line in block.splitlines())]


def _named(pattern: str) -> Iterator[tuple[str, str]]:
    """Every span that matches as a whole, with its page."""
    for page, text in _documents().items():
        yield from ((page, span) for span in _spans(text) if re.fullmatch(pattern, span))


# ---------------------------------------------------------------- names in the code


def _exists(name: str) -> bool:
    """Whether a dotted name is a module, or leads from one to an attribute or a field."""
    parts = name.split(".")
    if parts[-1] == "__main__":  # importing it would run it
        return importlib.util.find_spec(name) is not None
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            fields = getattr(found, "model_fields", {})
            if part not in fields and not hasattr(found, part):
                return False
            found = fields.get(part) or getattr(found, part, None)
        return True
    return False


def test_every_dotted_name_leads_somewhere() -> None:
    """``realis.x.y`` and its like, wherever it stands, is a module or what can be found in one."""
    dotted = rf"(?<![\w./-])((?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+)"
    found = {(page, name) for page, text in _documents().items() for name in re.findall(dotted, text)}
    names = {(page, name) for page, name in found if name.rsplit(".", 1)[1] not in FILES}
    assert len(names) > 10
    assert sorted(pair for pair in names if not _exists(pair[1])) == []


@cache
def _classes() -> dict[str, set[str]]:
    """Every class by name, and what its body defines."""
    found: dict[str, set[str]] = {}
    for tree in _trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(_defined(node))
    return found


def _defined(node: ast.ClassDef) -> Iterator[str]:
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inner.name
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            yield inner.target.id


def test_every_class_and_method_named_exists() -> None:
    """``Class.method`` and names of two or more capitalised words; alert rules are named that way, too."""
    methods = list(_named(r"[A-Z]\w+\.[a-z_]\w*(\(.*\))?"))
    classes = list(_named(r"(?:[A-Z][a-z0-9]+){2,}"))
    assert methods
    assert classes
    rules = {rule["alert"] for rule in test_metrics.rules()}
    missing = [pair for pair in classes if pair[1] not in {*_classes(), *rules}]
    for page, name in methods:
        of, method = name.split("(")[0].split(".")
        if method not in _classes().get(of, set()):
            missing.append((page, name))
    assert missing == []


# ---------------------------------------------------------------- files


def _unfolded(path: str) -> list[str]:
    """A path with alternatives in braces as one path each; what a reader fills in becomes a wildcard."""
    parts = re.split(r"\{([^{}]*)\}", re.sub(r"<[^>]*>", "*", path))
    return ["".join(chosen) for chosen in product(*(part.split(",") for part in parts))]


def _is_there(path: str) -> bool:
    """Whether the repository holds it; a name without its folders may lie anywhere."""
    where = path.rstrip("/")
    if where.split("/")[0] in _top_level():
        return where in _tracked() or ("*" in where and any(Path(name).match(where) for name in _tracked()))
    return any(name.endswith(f"/{where}") or name == where or Path(name).match(where) for name in _tracked())


@cache
def _top_level() -> frozenset[str]:
    return frozenset(name.split("/")[0] for name in _tracked())


def test_every_path_exists() -> None:
    """Paths that begin in one of our folders, and our kinds of files by their name."""
    ours = rf"(?:{'|'.join(PACKAGES)}|tests|docs|deploy)/[\w./*{{}},<>-]*"
    files = r"(?!vendor/)[\w./*-]+\.(?:py|js|mjs|css|po|ini|yml|conf|html)"
    paths = {(page, span) for page, span in _named(f"{ours}|{files}") if not span.startswith(("/", "var/"))}
    assert len(paths) > 20
    assert sorted(pair for pair in paths if not all(map(_is_there, _unfolded(pair[1])))) == []


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_to_a_page_and_a_heading() -> None:
    """Between our pages, and to pictures."""
    broken = []
    for page, text in _documents().items():
        for target in re.findall(r"\]\(((?!https?:|tel:)[^)\s]+)\)", re.sub(r"`[^`]*`", "", text)):
            path, _, anchor = target.partition("#")
            file = (ROOT / page).parent / path if path else ROOT / page
            if not file.exists() or (anchor and anchor not in _anchors(file.read_text(encoding="utf-8"))):
                broken.append((page, target))
    assert broken == []


# ---------------------------------------------------------------- commands


def test_every_make_target_exists() -> None:
    """``make x`` wherever it can be typed."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        (page, target)
        for page, text in _documents().items()
        for typed in _commands(text)
        for target in re.findall(r"^make ([a-z][a-z-]*)", typed)
    }
    assert named
    assert sorted(pair for pair in named if pair[1] not in known) == []


def _wrong_in(typed: str) -> str:
    """What of a command of ours does not exist, or nothing."""
    command: Any = typer.main.get_command(app)  # typer's own copy of click, which it keeps private
    words = typed.split()
    while getattr(command, "commands", None) and words and re.fullmatch(r"[a-z-]+", words[0]):
        name = words.pop(0)
        if name not in command.commands:
            return name
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in {*known, "--help"}]
    return unknown[0] if unknown else ""


def test_every_command_of_ours_exists() -> None:
    """``realis …``, by itself, as a module, or in a container, with its options."""
    ours = r"(?:^|\s)(?:realis|-m realis|run --rm web1) ([a-z-].*)"
    typed = {
        (page, found.group(1))
        for page, text in _documents().items()
        for command in _commands(text)
        if (found := re.search(ours, command))
        and not command.startswith(("printf", "docker compose exec", "systemctl"))
    }
    assert len(typed) > 10
    assert sorted((page, command, wrong) for page, command in typed if (wrong := _wrong_in(command))) == []


# ---------------------------------------------------------------- settings and log events


@cache
def _settings() -> frozenset[str]:
    """Every setting: ``name``, and ``section.name``."""

    def of(model: type[BaseModel], before: str = "") -> Iterator[str]:
        for name, field in model.model_fields.items():
            yield before + name
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield from of(field.annotation, f"{before}{name}.")

    return frozenset(of(Settings))


@cache
def _events() -> frozenset[str]:
    """Every event that is logged by its name."""
    return frozenset(
        str(node.args[0].value)
        for tree in _trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    )


def test_every_variable_sets_a_setting() -> None:
    """``REALIS_X__Y`` in any document is a setting that the environment can give."""
    variables = {
        (page, name)
        for page, text in _documents().items()
        for name in re.findall(r"\bREALIS_[A-Z_]*[A-Z]\b", text)
        if name not in OUTSIDE_OF_SETTINGS
    }
    assert variables
    known = {f"REALIS_{name.upper().replace('.', '__')}" for name in _settings()}
    assert sorted(pair for pair in variables if pair[1] not in known) == []


OUTSIDE_OF_SETTINGS = {"REALIS_TOKEN", "REALIS_SEED", "REALIS_DOMAIN", "REALIS_KILLS", "REALIS_TARGETS"}
"""Read by a command, the tests or docker-compose.yml."""


def test_every_setting_in_its_section_exists() -> None:
    """``[section] key`` and ``[section]`` where a document tells what to write into realis.toml."""
    written = [(page, *re.findall(r"\w+", span)) for page, span in _named(r"\[[a-z_]+\] [a-z_]+")]
    assert sorted(one for one in written if f"{one[1]}.{one[2]}" not in _settings()) == []


def test_every_name_in_the_operators_page_is_known() -> None:
    """A word with an underscore is a setting, an event, a metric, a kind of failure, or named as somebody else's."""
    spans = [span for span in _spans(_documents()["docs/operate.md"]) if re.fullmatch(r"[a-z]+(_[a-z]+)+", span)]
    metrics = {name for rule in test_metrics.rules() for name in test_metrics.metrics_in(rule["expr"])}
    known = {*_settings(), *_events(), *metrics, *FailureKind, *OTHER_NAMES}
    assert spans
    assert sorted({span for span in spans if span not in known}) == []


def test_every_log_event_in_the_operators_table_is_logged() -> None:
    """Rows that begin with ``log`` name events that the code logs."""
    rows = re.findall(r"^\| log (.*?) \|", _documents()["docs/operate.md"], re.MULTILINE)
    named = {event for row in rows for event in re.findall(r"`(\w+)`", row)}
    assert len(named) > 4
    assert named - _events() == set()


def test_every_setting_has_its_row() -> None:
    """The table of the operators' page names each setting and section once, and nothing else."""
    _, _, rest = _documents()["docs/operate.md"].partition("\n| setting |")
    cells = " ".join(row.split("|")[1] for row in rest.split("\n\n", 1)[0].splitlines()[2:])
    assert sorted(re.findall(r"`(\w+)`", cells)) == sorted(Settings.model_fields)


# ---------------------------------------------------------------- delivery


def test_the_states_of_a_target_are_those_drawn() -> None:
    """Every state of the code is in the drawing of docs/delivery.md and every one drawn is in the code."""
    _, _, rest = _documents()["docs/delivery.md"].partition("## States of a target\n")
    block = rest.split("```")[1]
    final = set(re.findall(r"▶ (\w+)", block))
    still_open = set(re.findall(r"^ (\w+) ─", block, re.MULTILINE))
    assert final == {state.value for state in State if state not in OPEN_STATES}
    assert still_open == {state.value for state in OPEN_STATES}


def test_the_kinds_of_failure_are_those_documented() -> None:
    """The table says of every kind what follows from it, and of no other."""
    _, _, rest = _documents()["docs/delivery.md"].partition("## What follows from a failure\n")
    rows = re.findall(r"^\| (`.*?) \|", rest.split("\n## ")[0], re.MULTILINE)
    assert sorted(kind for row in rows for kind in re.findall(r"`(\w+)`", row)) == sorted(FailureKind)


# ---------------------------------------------------------------- architecture


def test_the_table_of_rooms_names_every_room() -> None:
    """Each package below ``realis`` and each ring has its row."""
    _, _, rest = _documents()["docs/architecture.md"].partition("\n| room | holds |\n")
    cells = " ".join(row.split("|")[1] for row in rest.split("\n\n", 1)[0].splitlines())
    named = {path.rstrip("/").replace("/", ".") for path in re.findall(r"`([^`]+/)`", cells)}
    rooms = {f"realis.{path.parent.name}" for path in (ROOT / "realis").glob("*/__init__.py")}
    assert named == rooms | set(PACKAGES) - {"realis"}


def test_the_drawing_of_the_rooms_is_up_to_date() -> None:
    """It is made from the imports of today."""
    page = _documents()["docs/architecture.md"]
    if drawing.renewed(page, drawing.drawn(drawing.graph_of_ours())) != page:
        pytest.fail(f"the drawing in docs/architecture.md is stale; renew it with: {drawing.COMMAND}")
