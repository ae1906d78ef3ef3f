"""``python -m realis``."""

from realis.cli import app

app()
