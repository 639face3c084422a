"""`obzvon demo` as a person runs it: real processes, a real database, a simulated carrier."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import pytest

SEED_OF_QUICK_PEOPLE = "8"
"""Eight who pick up, refuse, press 1 and 9, hang up, are congested; nobody who rings for ever or keeps silent."""
WAIT_SECONDS = 50.0


def environment(dsn: str, home: Path) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": dsn, "XDG_DATA_HOME": str(home), "LC_ALL": "C.UTF-8"}


@asynccontextmanager
async def running(*arguments: str, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the command; if the test leaves it running, stop it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.cli.main",
        *arguments,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


async def lines_until(stream: asyncio.StreamReader | None, wanted: str) -> str:
    """Read lines until one holds `wanted`; give all of them."""
    assert stream is not None
    read = ""
    async with asyncio.timeout(WAIT_SECONDS):
        while wanted not in read:
            line = await stream.readline()
            assert line, f"{wanted!r} was never said: {read}"
            read += line.decode()
    return read


@pytest.mark.parametrize("loss", ["0", "0.05"])
async def test_a_headless_demo_proves_every_outcome(postgres_dsn: str, tmp_path: Path, loss: str) -> None:
    arguments = ["--headless", "--contacts", "8", "--seed", SEED_OF_QUICK_PEOPLE, "--loss", loss, "--json"]
    async with running("demo", *arguments, env=environment(postgres_dsn, tmp_path)) as process:
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    result = json.loads(output)
    assert result["differences"] == []
    assert (result["numbers"], result["contacts"]) == (8, 8)
    assert result["outcomes"] == {
        "answered": 6,
        "busy": 2,
        "rejected": 1,
        "congested": result["attempts"] - 9,
    }
    assert (result["answered"]["numerator"], result["answered"]["denominator"]) == (6, result["attempts"])
    assert (result["callback_requests"], result["refusals"]) == (1, 1)
    assert result["talk_seconds"] > 6.0
    admin = await asyncpg.connect(postgres_dsn, database="postgres")
    try:
        left = await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'obzvon_demo_%'")
    finally:
        await admin.close()
    assert left == 0, "the database was to be thrown away"


async def test_ctrl_c_leaves_the_data_and_the_next_run_goes_on_with_it(database: str, tmp_path: Path) -> None:
    arguments = ["demo", "--contacts", "8", "--seed", SEED_OF_QUICK_PEOPLE]
    env = environment(database, tmp_path)
    async with running(*arguments, env=env) as process:
        said = await lines_until(process.stderr, "in the air")
        assert "8 of 14 rows accepted" in said
        assert "позвонить позже" in said
        link = re.search(r"http://127\.0\.0\.1:(\d+)/sign-in/\S+", said)
        assert link is not None
        assert b"<form" in await asyncio.to_thread(lambda: urlopen(link[0]).read())
        process.send_signal(signal.SIGINT)
        _, rest = await process.communicate()
        assert process.returncode == 0, rest.decode()
        assert "the next run goes on" in rest.decode()
    async with running(*arguments, env=env) as process:
        said = await lines_until(process.stderr, "The campaign is finished")
        assert "Found the campaign of the last run again" in said
        process.send_signal(signal.SIGTERM)
        await process.communicate()
        assert process.returncode == 0
    connection = await asyncpg.connect(database)
    try:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM campaigns), count(DISTINCT number), "
            "count(*) FILTER (WHERE settled_time IS NULL) FROM attempts"
        )
    finally:
        await connection.close()
    assert row is not None
    assert tuple(row) == (1, 8, 0)


async def test_json_without_headless_is_refused_in_the_users_language(tmp_path: Path) -> None:
    for locale, sentence in (("C.UTF-8", "works only with"), ("ru_RU.UTF-8", "работает только")):
        env = {**environment("", tmp_path), "LC_ALL": locale}
        async with running("demo", "--json", env=env) as process:
            _, errors = await process.communicate()
        assert process.returncode == 2
        assert sentence in errors.decode()


async def test_an_unreachable_database_is_said_in_a_sentence(tmp_path: Path) -> None:
    env = environment("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    async with running("demo", "--headless", "--contacts", "1", env=env) as process:
        _, errors = await process.communicate()
    assert process.returncode == 3
    assert "The database cannot be reached" in errors.decode()
