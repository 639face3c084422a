"""What is wrong with a command line, in the user's language: click's own sentences are English only."""

import click
from click.types import FloatParamType, IntParamType

from api.catalogue import text


def explain(error: click.UsageError, language: str) -> str:
    """Say what is wrong and what to do; falls to click's own words for what has no sentence here."""
    match error:
        case click.MissingParameter(param=click.Parameter() as param):
            return text("cli.usage.missing", language, name=_name(param))
        case click.NoSuchOption():
            return text("cli.usage.no_such_option", language, name=error.option_name)
        case click.BadParameter(param=click.Parameter() as param):
            return _explain_value(param, error, language)
        case _:
            return error.format_message()


def try_help(error: click.UsageError, language: str) -> str:
    """Name the command whose help tells more."""
    path = "obzvon" if error.ctx is None else error.ctx.command_path
    return text("cli.usage.try_help", language, command=f"{path} --help")


def _explain_value(param: click.Parameter, error: click.BadParameter, language: str) -> str:
    name, kind = _name(param), param.type
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        low, high = _limit(kind.min), _limit(kind.max)
        return text("cli.usage.out_of_range", language, name=name, low=low, high=high)
    if isinstance(kind, (IntParamType, FloatParamType)):
        return text("cli.usage.not_a_number", language, name=name)
    if isinstance(kind, click.Choice):
        return text("cli.usage.not_a_choice", language, name=name, choices=", ".join(map(str, kind.choices)))
    if isinstance(kind, click.DateTime):
        return text("cli.usage.not_a_day", language, name=name)
    if isinstance(kind, click.Path):
        key = "cli.usage.no_such_file" if kind.file_okay else "cli.usage.no_such_directory"
        return text(key, language, name=name)
    return error.format_message()


def _limit(value: float | None) -> str:
    return "…" if value is None else str(value) if isinstance(value, int) else f"{value:g}"


def _name(param: click.Parameter) -> str:
    return param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name
