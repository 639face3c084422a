"""The list of commands, without running one."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from api.catalogue import Catalogue
from api.cli.main import COMMANDS, main


@pytest.fixture(autouse=True)
def no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--lang` sets a variable of the process; monkeypatch takes it back."""
    monkeypatch.setenv("OBZVON_LANG", "en")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_list_can_be_loaded_and_has_a_sentence(name: str) -> None:
    with click.Context(main) as context:
        assert main.get_command(context, name) is not None
    assert Catalogue.load().has(COMMANDS[name].help_key)


def test_the_list_of_commands_speaks_the_language_asked_for() -> None:
    english = CliRunner().invoke(main, ["--help"]).output
    russian = CliRunner().invoke(main, ["--lang", "ru", "--help"]).output
    assert "Commands:" in english
    assert "Команды:" in russian
    assert all(name in english and name in russian for name in COMMANDS)


def test_an_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(main, ["dance"]).exit_code == 2


def test_help_imports_no_command() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from api.cli.main import main;"
        "CliRunner().invoke(main, ['--help']);"
        "sys.exit(any(name in sys.modules for name in ('litestar', 'asyncpg', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
