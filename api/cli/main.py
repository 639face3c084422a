"""
`obzvon`: a group of commands, each imported only when it is run, so that `obzvon call` does not wait for a web server.

Works as `python -m api.cli.main` too; child processes are started that way.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from api.catalogue import LANGUAGES, language_of_environment, text
from api.cli.usage import explain, try_help


class Command(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    path: str
    """`module:attribute`"""
    help_key: str


EXIT_INTERRUPTED: Final = 130

COMMANDS: Final = {
    "demo": Command("api.cli.demo:demo", "demo.help"),
    "call": Command("api.cli.call:call", "cli.call.help"),
    "trace": Command("api.cli.trace:trace", "cli.trace.help"),
    "serve": Command("api.cli.serve:serve", "serve.help"),
    "api": Command("api.cli.api:api", "cli.api.help"),
    "dial": Command("api.cli.dial:dial", "cli.dial.help"),
    "migrate": Command("api.cli.migrate:migrate", "cli.migrate.help"),
    "doctor": Command("api.cli.doctor:doctor", "cli.doctor.help"),
    "rollups": Command("api.cli.rollups:rollups", "rollups.help"),
    "recordings": Command("api.cli.recordings:recordings", "cli.recordings.help"),
    "keys": Command("api.cli.keys:keys", "cli.keys.help"),
}


class LazyGroup(click.Group):
    """Loads a command when it is named."""

    def main(  # type: ignore[override]  # click overloads it by standalone_mode
        self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **kwargs: Any
    ) -> Any:
        """Run; a wrong command line is explained in the user's language, and exits 2."""
        if not standalone_mode:
            return super().main(args, standalone_mode=False, **kwargs)
        try:
            result = super().main(args, standalone_mode=False, **kwargs)
        except click.UsageError as error:
            language = language_of_environment(os.environ)
            click.echo(explain(error, language), err=True)
            click.echo(try_help(error, language), err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(EXIT_INTERRUPTED)
        sys.exit(result if isinstance(result, int) else 0)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].path.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Only now is the language known: --lang stands before --help on the command line.
        self.help = text("cli.help", language_of_environment(os.environ))
        super().format_help_text(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        language = language_of_environment(os.environ)
        rows = [(name, _first_sentence(text(entry.help_key, language))) for name, entry in COMMANDS.items()]
        with formatter.section(text("cli.commands", language)):
            formatter.write_dl(rows)


def _first_sentence(help_text: str) -> str:
    return help_text.partition("\n")[0].partition(". ")[0].removesuffix(".")


def _speak(_context: click.Context, _parameter: click.Parameter, language: str | None) -> None:
    if language is not None:
        # Commands read their language when they are imported, child processes when they start.
        os.environ["OBZVON_LANG"] = language


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    is_eager=True,
    expose_value=False,
    callback=_speak,
    help=text("cli.lang.help", language_of_environment(os.environ)),
)
@click.version_option(package_name="obzvon")
def main() -> None:
    pass


if __name__ == "__main__":
    main(prog_name="obzvon")
