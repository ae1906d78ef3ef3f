"""What surrounds every command: German help and usage errors, and the one place where errors end.

Decides nothing. Typer's own sentences are English and change with its versions; what a table here does not know is
shown as Typer says it, below a German sentence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError
from typer import rich_utils

# Typer carries its own Click and exports neither; the lock holds the version, tests/unit/realis/cli/test_frame.py the
# behaviour.
from typer._click import Context, HelpFormatter
from typer._click.exceptions import NoArgsIsHelpError, UsageError
from typer.core import TyperCommand, TyperGroup

from content.messages import Messages
from realis.app.file_access import obstacle
from realis.model.errors import CommandError, RealisError
from realis.model.languages import SOURCE_LANGUAGE
from realis.services.error_texts import describe

Command = TypeVar("Command", bound=Callable[..., Any])  # Any: what commands take is theirs

USAGE_STATUS, FAILED_STATUS = 2, 1

# Markup and emoji codes are off: names and sentences with brackets or colons must appear as they are. Into a file or
# a program nothing is wrapped, so that addresses and passwords stay whole.
out = Console(highlight=False, markup=False, emoji=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=not sys.stderr.isatty())

rich_utils.ARGUMENTS_PANEL_TITLE = "Angaben"
rich_utils.OPTIONS_PANEL_TITLE = "Optionen"
rich_utils.COMMANDS_PANEL_TITLE = "Befehle"
rich_utils.DEFAULT_STRING = "[Vorgabe: {}]"
rich_utils.ENVVAR_STRING = "[Umgebungsvariable: {}]"
rich_utils.REQUIRED_LONG_STRING = "[nötig]"

_OPTIONS, _SUBCOMMAND = "[OPTIONEN]", "BEFEHL [ANGABEN]..."

_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), german)
    for pattern, german in (
        (r"Missing command\.", "Es fehlt der Befehl."),
        (r"No such command '(.*?)'\. Did you mean (.*)\?", "Den Befehl „{0}“ gibt es nicht. Meinten Sie {1}?"),
        (r"No such command '(.*)'\.", "Den Befehl „{0}“ gibt es nicht."),
        (r"No such option: (\S+) \(Possible options: (.*)\)", "Die Option {0} gibt es nicht. Meinten Sie {1}?"),
        (r"No such option: (\S+) Did you mean (.*)\?", "Die Option {0} gibt es nicht. Meinten Sie {1}?"),
        (r"No such option: (\S+)", "Die Option {0} gibt es nicht."),
        (r"Got unexpected extra argument\(s\) \((.*)\)", "Zu viele Angaben: {0}"),
        (r"Option '(.*)' does not take a value\.", "Die Option {0} steht ohne Wert."),
        (r"Option '(.*)' requires .*", "Nach der Option {0} fehlt der Wert."),
        (r"Missing option '(.*?)'\. Choose from:\s*(.*)", "Es fehlt die Option {0}. Möglich sind: {1}"),
        (r"Missing option '(.*?)'\..*", "Es fehlt die Option {0}."),
        (r"Missing argument '(.*?)'\. Choose from:\s*(.*)", "Es fehlt die Angabe „{0}“. Möglich sind: {1}"),
        (r"Missing argument '(.*?)'\..*", "Es fehlt die Angabe „{0}“."),
        (r"Invalid value for (.*?): .*'(.*)' does not exist\.", "{0}: „{1}“ gibt es nicht."),
        (r"Invalid value for (.*?): .*'(.*)' is a directory\.", "{0}: „{1}“ ist ein Verzeichnis."),
        (r"Invalid value for (.*?): .*'(.*)' is not readable\.", "{0}: „{1}“ ist für dieses Konto nicht lesbar."),
        (r"Invalid value for (.*?): .*'(.*)' is not one of (.*?)\.?", "{0}: „{1}“ gibt es nicht. Möglich sind: {2}"),
        (r"Invalid value for (.*?): Input should be greater than or equal to (\S+)", "{0}: mindestens {1}."),
        (r"Invalid value for (.*?): Input should be less than or equal to (\S+)", "{0}: höchstens {1}."),
        (r"Invalid value for (.*?): .*? is not in the range (\S+?)<=x<=(\S+?)\.?", "{0}: von {1} bis {2}."),
        (r"Invalid value for (.*?): Input should be a valid integer.*", "{0} ist eine ganze Zahl."),
        (r"Invalid value for (.*?): Input should be a valid number.*", "{0} ist eine Zahl."),
    )
)


def german(message: str) -> str:
    """A usage error of Typer in German; one that is not known stands behind a German beginning."""
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(message):
            # The list of choices comes on lines of its own.
            return sentence.format(*(re.sub(r",?\s*\n\s*", ", ", group.replace("'", "")) for group in found.groups()))
    return f"So lässt sich der Befehl nicht aufrufen: {message}"


def explain(error: RealisError) -> None:
    """Print what is wrong and what to do."""
    text = describe(error, Messages.load(), SOURCE_LANGUAGE)
    err.print(Text.assemble(("Fehler:", "bold"), f" {text.title}"))
    if error.where:
        err.print(f"Stelle: {error.where}")
    if text.remedy:
        err.print(f"Was tun: {text.remedy}")


def fail(error: RealisError) -> NoReturn:
    """Print what is wrong and what to do, and end with status 1."""
    explain(error)
    raise typer.Exit(FAILED_STATUS)


def as_realis_error(error: BaseException) -> RealisError | None:
    """The German error an operator reads for an ordinary mistake; None for what is a fault of the program."""
    if isinstance(error, RealisError):
        return error
    if isinstance(error, BaseExceptionGroup):
        found = [as_realis_error(one) for one in error.exceptions]
        return found[0] if all(found) else None
    if isinstance(error, OSError):
        return obstacle(error)
    if isinstance(error, SQLAlchemyError):
        detail = str(error.__cause__ or type(error).__name__)
        return CommandError(
            f"Die Datenbank arbeitet nicht: {detail}", remedy="Prüfen Sie Rechte, Platz und database_url."
        )
    return None


def _usage_failed(error: typer.TyperException) -> int:
    """Print a usage error with the way to the help; the status to end with."""
    if isinstance(error, NoArgsIsHelpError):  # the help is printed already
        return USAGE_STATUS
    context = error.ctx if isinstance(error, UsageError) else None
    if context is not None:
        err.print(context.get_usage())
    err.print(Text.assemble(("Fehler:", "bold"), f" {german(error.format_message())}"))
    if context is not None:
        err.print(f"Was tun: Hilfe zeigt `{context.command_path} --help`.")
    return USAGE_STATUS


def _end(run: Callable[[], object]) -> NoReturn:
    """Run a command line and end the process; every ordinary mistake becomes German sentences, not a stack trace."""
    try:
        status = run()
    except typer.TyperException as error:
        sys.exit(_usage_failed(error))
    except typer.Abort:
        err.print("Abgebrochen.")
        sys.exit(FAILED_STATUS)
    except Exception as error:
        if (known := as_realis_error(error)) is None:
            raise
        explain(known)
        sys.exit(FAILED_STATUS)
    sys.exit(status if isinstance(status, int) else 0)


def _print_help(command: TyperCommand | TyperGroup, context: Context) -> None:
    if (option := command.get_help_option(context)) is not None:
        option.help = "Zeigt diese Hilfe."
    # Help texts are ours and constant; tests hold that none of them has anything that markup would take away.
    rich_utils.rich_format_help(obj=command, ctx=context, markup_mode="rich")


def _write_usage(command: TyperCommand | TyperGroup, context: Context, formatter: HelpFormatter) -> None:
    formatter.write_usage(context.command_path, " ".join(command.collect_usage_pieces(context)), prefix="Aufruf: ")


class GermanCommand(TyperCommand):
    """A command whose help and errors are German."""

    def format_usage(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the line that shows how it is called."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print the help; ``formatter`` stays empty, as Typer's own does with Rich."""
        _print_help(self, ctx)


class GermanGroup(TyperGroup):
    """A family of commands whose help and errors are German."""

    def format_usage(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the line that shows how it is called."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print the help; ``formatter`` stays empty, as Typer's own does with Rich."""
        _print_help(self, ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: object,
    ) -> object:
        """Run a command line: end the process, or return its result where ``standalone_mode`` is off."""

        def run() -> object:
            return super(GermanGroup, self).main(
                args, prog_name, complete_var, standalone_mode=False, windows_expand_args=windows_expand_args, **extra
            )

        if not standalone_mode:
            return run()
        _end(run)


class Family(typer.Typer):
    """A family of commands within the German frame."""

    def __init__(self, help_text: str) -> None:
        super().__init__(
            cls=GermanGroup,
            help=help_text,
            no_args_is_help=True,
            options_metavar=_OPTIONS,
            subcommand_metavar=_SUBCOMMAND,
            rich_markup_mode=None,
            add_completion=False,
            pretty_exceptions_enable=False,
        )

    def command(self, name: str | None = None) -> Callable[[Command], Command]:  # type: ignore[override]
        """Add a command; its function is given back unchanged. Typer's other arguments are the same for all."""
        return super().command(name, cls=GermanCommand, options_metavar=_OPTIONS)
