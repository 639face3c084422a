import pytest
from click.testing import CliRunner

from api.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "english", "russian"),
    [
        (["call", "123"], "--trunk is missing.", "Не задано: --trunk."),
        (["call", "--trunk", "sip:127.0.0.1"], "NUMBER is missing.", "Не задано: NUMBER."),
        (
            ["call", "123", "--trunk", "sip:127.0.0.1", "--ring-timeout", "5"],
            "--ring-timeout must be a number from 15 to ….",
            "--ring-timeout: нужно число от 15 до ….",
        ),
        (["demo", "--seed", "x"], "--seed must be a number.", "--seed: нужно число."),
        (["demo", "--nonsense"], "There is no option --nonsense.", "Параметра --nonsense нет."),
    ],
)
def test_a_wrong_command_line_is_explained_in_both_languages(
    arguments: list[str], english: str, russian: str
) -> None:
    for language, sentence in (("en", english), ("ru", russian)):
        result = CliRunner().invoke(main, ["--lang", language, *arguments])
        assert result.exit_code == 2
        assert sentence in result.output
        assert f"obzvon {arguments[0]} --help" in result.output.replace("main", "obzvon")


def test_a_command_that_does_not_exist_is_named() -> None:
    result = CliRunner().invoke(main, ["nonsense"])
    assert result.exit_code == 2
    assert "nonsense" in result.output
