"""What answers the same questions from the rows: PostgreSQL's own table, DuckDB and chdb on a sorted copy."""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import duckdb

from tests.bench.report_questions import QUESTIONS, Question

COLUMNS = "shard_key, campaign_id, started_time, attempt_number, trunk_id, caller_id, source, result, talk_ms"
Peer = Callable[[Question], Awaitable[int]]
"""Asks of the largest campaign, or of all, and returns how many attempts the answer counts in all."""
LARGEST: Final = 1
CHDB_LOCK: Final = Path(__file__).with_name("chdb.lock")
"""
534 MB that nobody needs but this benchmark, so no part of requirements.lock. What it needs besides is there already. Made by
`printf 'chdb>=4.4\\nchdb-core>=26.9\\n' | uv pip compile - --no-deps --generate-hashes --universal --no-header --no-annotate -o FILE`.
"""
CHDB_FOLDER: Final = Path(__file__).parents[2] / ".peers"
"""Apart from the environment's own packages; `make clean` removes it."""


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

    async def ask(question: Question) -> int:
        sql = question.sql(LARGEST).replace(
            "started_day", "(started_time AT TIME ZONE 'Europe/Moscow')::date"
        )
        return sum(row["attempts"] for row in await connection.fetch(sql))

    try:
        yield ask
    finally:
        await connection.close()


@contextlib.contextmanager
def duckdb_peer(rows: Path) -> Iterator[Peer]:
    """A table in DuckDB's own format, in memory, on both cores."""
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE attempts AS SELECT * FROM '{rows}'")

        async def ask(question: Question) -> int:
            return sum(row[-3] for row in database.execute(question.sql(LARGEST)).fetchall())

        yield ask


def install_chdb() -> str | None:
    """Bring chdb, as it is locked, into a folder of its own unless it is there; return why it could not be."""
    if (CHDB_FOLDER / "chdb").is_dir():
        return None
    print("installing chdb (534 MB on disk) into .peers", flush=True)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", sys.executable,
            "--no-deps", "--require-hashes", "--target", CHDB_FOLDER, "--requirement", CHDB_LOCK,
        ],
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return done.stderr.strip() if done.returncode else None


@contextlib.contextmanager
def chdb_peer(rows: Path, directory: Path) -> Iterator[Peer]:
    """A MergeTree ordered by campaign and time, in this process."""
    sys.path.append(str(CHDB_FOLDER))
    from chdb import session  # noqa: PLC0415 - hundreds of megabytes that only this needs

    with session.Session(str(directory / "chdb")) as database:  # type: ignore[no-untyped-call, unused-ignore]
        database.query("CREATE DATABASE bench")
        database.query(
            "CREATE TABLE bench.attempts ENGINE = MergeTree ORDER BY (shard_key, started_time) "
            f"SETTINGS allow_nullable_key = 1 AS SELECT * FROM file('{rows}', Parquet)"
        )

        async def ask(question: Question) -> int:
            sql = question.sql(LARGEST).replace("FROM attempts", "FROM bench.attempts")
            lines = str(database.query(sql, "TSV")).splitlines()
            return sum(int(line.split("\t")[-3]) for line in lines)

        yield ask


async def compare(dsn: str, directory: Path, api: Peer, rounds: int, *, installs: bool) -> list[str]:
    """
    Ask the API and its peers the same questions in turns; print medians in milliseconds, and return who was asked.

    Raises:
        SystemExit: one of them counted other attempts than the API.
    """
    rows = await export_rows(dsn, directory)
    peers: dict[str, Peer] = {"obzvon": api}
    async with contextlib.AsyncExitStack() as stack:
        peers["PostgreSQL rows"] = await stack.enter_async_context(postgres_peer(dsn))
        peers["DuckDB"] = stack.enter_context(duckdb_peer(rows))
        problem = install_chdb() if installs else None
        if (CHDB_FOLDER / "chdb").is_dir():
            peers["chdb"] = stack.enter_context(chdb_peer(rows, directory))
        else:
            print(
                f"\nCHDB IS NOT IN THIS TABLE: {problem or 'a run without --quick installs it'}", flush=True
            )
        print(f"\nthe same questions, p50 ms {'':5}" + "".join(f"{name:>18}" for name in peers))
        for question in QUESTIONS:
            if question.raw is None:
                continue
            took: defaultdict[str, list[float]] = defaultdict(list)
            for _ in range(rounds + 1):
                counted = {}
                for name, peer in peers.items():
                    begun = time.perf_counter()
                    counted[name] = await peer(question)
                    took[name].append((time.perf_counter() - begun) * 1000)
                if len(set(counted.values())) > 1:
                    raise SystemExit(f"{question.name}: attempts counted: {counted}")
            cells = [statistics.median(values[1:]) for values in took.values()]
            print(f"  {question.name:28}" + "".join(f"{cell:18.1f}" for cell in cells), flush=True)
    return list(peers)
