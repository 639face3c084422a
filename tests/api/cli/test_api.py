"""`obzvon api` as a person starts it: a database that it cannot use is named in a sentence, before it listens."""

import asyncio
import os
import sys

import pytest


async def start_api(database_url: str, language: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api.cli.main", "api",
        env={**os.environ, "DATABASE_URL": database_url, "OBZVON_LANG": language},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    ready, said = await process.communicate()
    return process.returncode, ready.decode(), said.decode()


@pytest.mark.parametrize(
    "database_url",
    [
        "nonsense",
        "postgresql://[::1/here",
        "postgresql://127.0.0.1:99999/here",
        "postgresql://nobody@127.0.0.1:1/here",
    ],
)
async def test_a_database_that_cannot_be_used_is_said_in_a_sentence(database_url: str) -> None:
    status, ready, said = await start_api(database_url, "en")
    assert (status, ready) == (3, "")
    assert said.startswith("The database cannot be reached: ")
    assert said.count("\n") == 1


async def test_an_address_that_cannot_be_read_is_not_said_for_it_may_hold_a_password() -> None:
    # the slash makes the beginning of the password a port
    said = "База данных недоступна: invalid DSN, postgresql://USER@HOST:PORT/NAME is one\n"
    assert await start_api("postgresql://me:se/cret@127.0.0.1/here", "ru") == (3, "", said)
