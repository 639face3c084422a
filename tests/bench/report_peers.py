"""What answers the same questions from the rows: PostgreSQL's own table, DuckDB and chdb on a sorted copy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import duckdb

COLUMNS = "shard_key, campaign_id, started_time, attempt_number, trunk_id, caller_id, source, result, talk_ms"
Peer = Callable[[str], Awaitable[None]]


async def export_rows(dsn: str, directory: Path) -> Path:
    """Write the columns that the questions need to a Parquet file, sorted by campaign and time."""
    text, parquet = directory / "rows.csv", directory / "rows.parquet"
    connection = await asyncpg.connect(dsn)
    with text.open("wb") as file:
        await connection.copy_from_query(
            f"SELECT {COLUMNS}, (started_time AT TIME ZONE 'Europe/Moscow')::date AS started_day FROM attempts",
            output=file,
            format="csv",
            header=True,
        )
    await connection.close()
    await asyncio.to_thread(
        lambda: duckdb.sql(
            f"COPY (SELECT * FROM read_csv('{text}') ORDER BY shard_key, started_time) TO '{parquet}' (FORMAT parquet)"
        )
    )
    text.unlink()
    return parquet


@contextlib.asynccontextmanager
async def postgres_peer(dsn: str) -> AsyncIterator[Peer]:
    connection = await asyncpg.connect(dsn)

    async def ask(sql: str) -> None:
        await connection.fetch(
            sql.replace("started_day", "(started_time AT TIME ZONE 'Europe/Moscow')::date")
        )

    try:
        yield ask
    finally:
        await connection.close()


@contextlib.contextmanager
def duckdb_peer(rows: Path) -> Iterator[Peer]:
    """A table in DuckDB's own format, in memory, on both cores."""
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE attempts AS SELECT * FROM '{rows}'")

        async def ask(sql: str) -> None:
            database.execute(sql).fetchall()

        yield ask


@contextlib.contextmanager
def chdb_peer(rows: Path, directory: Path) -> Iterator[Peer]:
    """A MergeTree ordered by campaign and time, in this process. Not locked, for its size: `uv pip install chdb`."""
    from chdb import session  # noqa: PLC0415 - hundreds of megabytes that only this needs

    with session.Session(str(directory / "chdb")) as database:  # type: ignore[no-untyped-call, unused-ignore]
        database.query("CREATE DATABASE bench")
        database.query(
            "CREATE TABLE bench.attempts ENGINE = MergeTree ORDER BY (shard_key, started_time) "
            f"SETTINGS allow_nullable_key = 1 AS SELECT * FROM file('{rows}', Parquet)"
        )

        async def ask(sql: str) -> None:
            database.query(sql.replace("FROM attempts", "FROM bench.attempts"), "CSV")

        yield ask
