"""The operators' pages under ``/console/``. Every decision is the desk's; the console shows and asks."""

from realis.console.routes import register

__all__ = ["register"]
