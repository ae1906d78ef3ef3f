"""``python -m realis``."""

from realis.cli import start

start()
