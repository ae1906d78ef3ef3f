"""Draws the rooms and who imports whom, from the code, into docs/architecture.md.

``python -m tests.architecture.drawing`` renews the drawing; tests/architecture/test_docs.py fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
OURS = ("realis", "channels", "displays", "mobile_api", "content")
BEGIN, END = "<!-- drawing: begin -->", "<!-- drawing: end -->"
COMMAND = "python -m tests.architecture.drawing"

Needs = Mapping[str, frozenset[str]]


def room_of(module: str) -> str:
    """The room a module lies in: a package below ``realis``, or a top-level package."""
    first, *rest = module.split(".")
    return f"realis.{rest[0]}" if first == "realis" and rest else first


def drawn(graph: grimp.ImportGraph) -> str:
    """The rooms from top to bottom, each with the rooms it imports.

    A room that is reached through another one is left out, so that what is drawn is the shape and not every import.
    """
    needs = _needs(graph)
    heights = {room: _height(room, needs) for room in needs}
    width = max(map(len, needs))
    lines = []
    for height in sorted(set(heights.values()), reverse=True):
        for room in sorted(room for room, at in heights.items() if at == height):
            below = " ".join(sorted(_nearest(room, needs), key=lambda name: (-heights[name], name)))
            lines.append(f"{height:>2}  {room:<{width}}  ▸ {below}" if below else f"{height:>2}  {room}")
    return "\n".join(lines)


def _needs(graph: grimp.ImportGraph) -> Needs:
    found: dict[str, set[str]] = {}
    for module in graph.modules - {"realis"}:
        here = room_of(module)
        there = {room_of(other) for other in graph.find_modules_directly_imported_by(module)}
        found.setdefault(here, set()).update(there - {here, "realis"})
    return {room: frozenset(others) for room, others in found.items()}


def _height(room: str, needs: Needs) -> int:
    """The length of the longest chain of imports below a room."""
    return max((1 + _height(below, needs) for below in needs[room]), default=0)


def _reached(room: str, needs: Needs) -> frozenset[str]:
    return needs[room].union(*(_reached(below, needs) for below in needs[room]))


def _nearest(room: str, needs: Needs) -> frozenset[str]:
    """What a room imports and does not also reach through another."""
    return needs[room].difference(*(_reached(below, needs) for below in needs[room]))


def renewed(page: str, drawing: str) -> str:
    """The page with this drawing between the marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n```text\n{drawing}\n```\n{END}{after}"


def graph_of_ours() -> grimp.ImportGraph:
    """Every import among our packages but those for type checking."""
    return grimp.build_graph(*OURS, cache_dir=None, exclude_type_checking_imports=True)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), drawn(graph_of_ours())), encoding="utf-8")
