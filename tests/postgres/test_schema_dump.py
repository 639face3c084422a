"""docs/schema.sql is what the migrations make."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from campaigns.errors import PostgresUnavailable
from tests.layers import not_available
from tests.postgres.schema_dump import COMMAND, SCHEMA, binaries, dump_schema


async def test_the_schema_to_read_is_the_schema_that_lives(
    database: str, request: pytest.FixtureRequest
) -> None:
    connection = await asyncpg.connect(database)
    major = connection.get_server_version().major
    await connection.close()
    try:
        programs = binaries(Path("/nonexistent"))
    except PostgresUnavailable as error:
        not_available(request.config, "postgres", str(error))
    if f"pg_dump {major} " not in SCHEMA.read_text(encoding="utf-8") or programs.major != major:
        not_available(request.config, "postgres", f"docs/schema.sql is not of PostgreSQL {major}")
    dumped = await asyncio.to_thread(dump_schema, database, programs)
    assert dumped == SCHEMA.read_text(encoding="utf-8"), f"run `{COMMAND}`"
