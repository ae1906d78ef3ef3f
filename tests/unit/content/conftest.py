"""A small, whole course as a trainer writes it, for tests to break."""

from __future__ import annotations

import pytest

COURSE = """+++
title = "Hitze"
summary = "Kühl bleiben."
minutes = 3
event_codes = ["BBK-EVC-037"]
key_sentences = ["Trinken Sie genug.", "Bleiben Sie im Schatten.", "Achten Sie auf andere."]

[[sources]]
title = "Umweltbundesamt"
url = "https://www.umweltbundesamt.de/"
+++

## Eins

Trinken Sie **Wasser**.

## Zwei

- Schatten
- Ruhe

## Drei

Mehr [hier](https://www.bund.de/) oder [112](tel:112).

# Quiz

## Wann *lüften* Sie?

- [ ] Mittags
- [x] Nachts

> Dann ist es kühler.

## Wann trinken Sie?

- [x] Regelmäßig
- [ ] Nie

> Der Körper
> braucht Wasser.
"""


@pytest.fixture
def course_text() -> str:
    """The text of a course without fault."""
    return COURSE
