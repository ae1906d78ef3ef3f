"""Every error code the source raises, found in its syntax trees, and ``docs/errors.md``, made from them and the texts.

``python -m tests.support.error_codes`` writes the page.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from content.messages import Messages
from mobile_api import responses
from realis.egress import policy
from realis.model import errors
from realis.web import problem

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
COMMAND = "python -m tests.support.error_codes"
PACKAGES = ("realis", "channels", "displays", "mobile_api", "content")

CODED = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.RealisError) and not issubclass(kind, errors.SentenceError)
}
"""The classes of errors that carry a code, by name."""

CHOSEN_AT_RUN_TIME = {
    "mobile_api/responses.py": (*responses.CODES.values(), responses.OTHER_CODE),
    "realis/egress/policy.py": policy.CODES,
    "realis/web/problem.py": (*problem.HTTP_CODES.values(), problem.OTHER_HTTP_CODE, problem.INTERNAL),
}
"""Modules that choose among codes by a table or a decision, and all they choose from."""

PASSED_ON = ("realis/console/edit.py", "realis/console/form.py")
"""Modules that make a remark of an error they caught, with its code."""

_NOT_PLACEHOLDERS = ("where", "causes")


@dataclass(frozen=True, slots=True)
class Use:
    """One place where an error or a remark is made.

    Args:
        kind: the class, ``Problem`` for a remark.
        code: empty where it is no literal.
        names: the values it is given, by name.
    """

    file: str
    line: int
    kind: str
    code: str
    names: frozenset[str]


def uses() -> tuple[Use, ...]:
    """All places in the source, in order of files and lines."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return tuple(use for path in files for use in _uses(path))


def _uses(path: Path) -> Iterator[Use]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name == "Problem" and len(node.args) > 1:
            yield _use(path, node, name, node.args[1], _keys(node))
        elif name in CODED and node.args:
            given = frozenset(word.arg for word in node.keywords if word.arg) - {*_NOT_PLACEHOLDERS}
            yield _use(path, node, name, node.args[0], given)


def _use(path: Path, node: ast.Call, kind: str, code: ast.expr, names: frozenset[str]) -> Use:
    literal = code.value if isinstance(code, ast.Constant) and isinstance(code.value, str) else ""
    return Use(path.relative_to(ROOT).as_posix(), node.lineno, kind, literal, names)


def _keys(node: ast.Call) -> frozenset[str]:
    values = node.args[2] if len(node.args) > 2 else None
    keys = values.keys if isinstance(values, ast.Dict) else []
    return frozenset(key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def statuses(found: tuple[Use, ...]) -> dict[str, tuple[int, ...]]:
    """The HTTP statuses of every code; none for a remark that only stands in a draft's list."""
    all_of: dict[str, set[int]] = {}
    for use in found:
        if use.code:
            known = all_of.setdefault(use.code, set())
            if use.kind in CODED:
                known.add(problem.status_of(CODED[use.kind](use.code)))
    for code in (*CHOSEN_AT_RUN_TIME["mobile_api/responses.py"], *CHOSEN_AT_RUN_TIME["realis/egress/policy.py"]):
        all_of.setdefault(code, set()).add(422)
    for status, code in problem.HTTP_CODES.items():
        all_of.setdefault(code, set()).add(status)
    all_of.setdefault(problem.OTHER_HTTP_CODE, set())
    all_of.setdefault(problem.INTERNAL, set()).add(500)
    return {code: tuple(sorted(known)) for code, known in all_of.items()}


HEAD = """# Error codes

Made from `content/messages/` and the source by `{command}`; do not edit it by hand.

An error is a code and values. Its sentence is in `content/messages/<language>.toml`: German, English and Arabic have
every code, the other languages those that a citizen can meet. To a program it is answered as
`application/problem+json` (RFC 9457), in the language of `Accept-Language` or of the page's cookie:

| Member | Meaning |
|---|---|
| `type` | `urn:realis:` and the code |
| `title` | what is wrong, in the language asked for |
| `status` | the HTTP status |
| `code` | the code; it does not change with the language |
| `where` | the field, element or header concerned, if any; in a CAP message with its line: `<expires>:20` |
| `remedy` | what to do, if that is not obvious |
| `errors` | where there are several remarks: each with `code`, `where` and `title` |

Without a status: a remark in a draft's list, or a refusal of HTTP's own whose status varies. The command line and the
messages at start are German sentences without a code (`ConfigurationError`, `CommandError`).

| Code | Status | Title (English) | Remedy (English) |
|---|---|---|---|
"""


def page() -> str:
    """``docs/errors.md`` as it has to be."""
    texts, of = Messages.load().texts["en"], statuses(uses())
    rows = (
        f"| `{code}` | {', '.join(map(str, of.get(code, ())))} | {_cell(text.title)} | {_cell(text.remedy)} |"
        for code, text in sorted(texts.items())
    )
    return HEAD.format(command=COMMAND) + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
