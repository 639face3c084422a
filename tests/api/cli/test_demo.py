"""`obzvon demo` as a person runs it: real processes, a real database, a simulated carrier."""

import asyncio
import json
import re
import signal
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import pytest

from tests.api.cli.commands import environment, lines_until, running

SEED_OF_QUICK_PEOPLE = "8"
"""Eight who pick up, refuse, press 1 and 9, hang up, are congested; nobody who rings for ever or keeps silent."""


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
        said = await lines_until(process.stderr, "calling")
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
