"""The documents tell the truth about the code."""

import re

import pytest
from click.testing import CliRunner

from api.cli.main import main
from tests.generated_docs import PAGES, ROOT

ENVIRONMENT = re.compile(r'"((?:OBZVON|TEST)_[A-Z_]+|DATABASE_URL)"')


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), "run: python -m tests.generated_docs"


def test_every_setting_of_the_environment_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    read = {
        name
        for package in ("campaigns", "api")
        for path in (ROOT / package).rglob("*.py")
        for name in ENVIRONMENT.findall(path.read_text())
    }
    assert {name for name in read if f"`{name}`" not in documented} == set()


def test_the_readme_begins_with_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert 0 < readme.index("make run") < readme.index("make test") < readme.index("## ")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_command_has_help_in_both_languages(language: str) -> None:
    help_text = CliRunner().invoke(main, ["--lang", language, "--help"]).output
    assert "Commands" in help_text or "Команды" in help_text
    assert not re.search(r"\b(cli|demo|serve)\.[a-z_.]+help\b", help_text), help_text
