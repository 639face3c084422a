"""The front door: what keeps a command from running is a sentence and an exit code."""

import asyncio
import os
import signal

import asyncpg
import pytest

from api.cli.front import run_or_explain, until_stopped, until_terminated
from api.supervisor import ChildFailed
from campaigns.errors import MigrationFailed, PostgresUnavailable


async def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ChildFailed("dial", 1, "last words"), 3, "The process dial ended (status 1)"),
        (PostgresUnavailable("no_binaries", "install PostgreSQL"), 3, "install PostgreSQL"),
        (MigrationFailed("syntax error"), 3, "syntax error"),
        (ConnectionRefusedError("nobody there"), 3, "The database cannot be reached: nobody there"),
        (asyncpg.ClientConfigurationError("invalid DSN"), 3, "The database cannot be reached: invalid DSN"),
        (asyncio.CancelledError(), 130, "Interrupted."),
    ],
)
def test_errors_become_sentences(
    error: BaseException, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_or_explain(fail(error), "en")
    assert ended.value.code == code
    assert sentence in capsys.readouterr().err


def test_a_bug_is_not_dressed_up_as_a_sentence() -> None:
    with pytest.raises(ZeroDivisionError):
        run_or_explain(fail(ZeroDivisionError()), "en")


def test_sigterm_cancels_so_that_children_are_stopped() -> None:
    cleaned_up = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            cleaned_up.append(True)

    with pytest.raises(SystemExit) as ended:
        run_or_explain(until_terminated(main()), "en")
    assert (ended.value.code, cleaned_up) == (130, [True])


def test_the_first_signal_asks_to_stop_and_the_second_cancels() -> None:
    asked_to_stop = []

    async def main(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await stop.wait()
        asked_to_stop.append(True)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(SystemExit) as ended:
        run_or_explain(until_stopped(main), "en")
    assert (ended.value.code, asked_to_stop) == (130, [True])
