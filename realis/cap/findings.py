"""Findings in a message that could still be read: a sentence for operators, a stable rule id for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

MAX_FINDINGS = 50
"""Most findings shown for one message."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about a message.

    Args:
        rule: a stable id such as ``not-schema-valid``; never translated, never reused.
        where: element and line, or the info it concerns; empty if it is about the whole message.
        message: one German sentence for the operator.
    """

    rule: str
    where: str
    message: str

    @property
    def text(self) -> str:
        """Place and message in one line, as drafts store it."""
        return f"{self.where}: {self.message}" if self.where else self.message


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with repeats merged into the first one, which states how many more places there are.

    At most ``MAX_FINDINGS``; a last one states that there were more.
    """
    places: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        places.setdefault((finding.rule, finding.message), []).append(finding)
    kept = tuple(_folded(group) for group in list(places.values())[:MAX_FINDINGS])
    more = len(places) - len(kept)
    return (*kept, Finding("more-findings", "", f"Es gibt {more} weitere Hinweise.")) if more > 0 else kept


def _folded(group: list[Finding]) -> Finding:
    first, more = group[0], len({finding.where for finding in group}) - 1
    if not more:
        return first
    return replace(first, where=f"{first.where} und {more} weitere {'Stelle' if more == 1 else 'Stellen'}")
