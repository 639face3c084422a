import asyncio
from pathlib import Path

import asyncpg
import pytest

from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from tests.postgres.outage import database_away


async def pid_of(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT pg_backend_pid()"))


def link_to(dsn: str, timeout_seconds: float = 5.0) -> DatabaseLink:
    return DatabaseLink(dsn, application_name="test", timeout_seconds=timeout_seconds)


async def test_one_connection_serves_all_statements(database: str) -> None:
    link = link_to(database)
    assert await link.run(pid_of) == await link.run(pid_of)
    await link.close()


async def test_a_wrong_statement_is_said_and_the_next_one_gets_a_fresh_connection(database: str) -> None:
    link = link_to(database)
    first = await link.run(pid_of)
    with pytest.raises(asyncpg.UndefinedTableError):
        await link.run(lambda connection: connection.execute("SELECT FROM no_such_table"))
    assert await link.run(pid_of) != first
    await link.close()


async def test_a_cut_connection_and_a_closed_database_mean_away_and_pass(database: str) -> None:
    link = link_to(database)
    await link.run(pid_of)
    async with database_away(database):
        for _ in range(2):
            with pytest.raises(DatabaseAway):
                await link.run(pid_of)
    assert await link.run(pid_of)
    await link.close()


async def test_a_statement_that_hangs_means_away(database: str) -> None:
    link = link_to(database, timeout_seconds=0.2)
    with pytest.raises(DatabaseAway):
        await link.run(lambda connection: connection.execute("SELECT pg_sleep(30)"))
    await link.close()


async def test_a_server_that_is_not_there_means_away(tmp_path: Path) -> None:
    link = link_to(f"postgresql://user@/db?host={tmp_path}")
    with pytest.raises(DatabaseAway):
        await link.run(pid_of)
    await link.close()


async def test_a_cancelled_statement_leaves_no_connection_in_the_middle_of_it(database: str) -> None:
    link = link_to(database)
    first = await link.run(pid_of)
    task = asyncio.create_task(link.run(lambda connection: connection.execute("SELECT pg_sleep(30)")))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await link.run(pid_of) != first
    await link.close()


async def test_jsonb_travels_as_python_values(database: str) -> None:
    link = link_to(database)
    assert await link.run(lambda connection: connection.fetchval("SELECT $1::jsonb", {"a": [1, None]})) == {
        "a": [1, None]
    }
    await link.close()
