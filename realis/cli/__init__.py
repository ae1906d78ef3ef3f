"""The command line: ``realis …``. Each module is one family of commands; none decides about warnings."""

from realis.cli.main import start

__all__ = ["start"]
